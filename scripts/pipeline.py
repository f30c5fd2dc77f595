"""The pipeline on the developer's own machine: Redis, influxd, the extractors and the agent, as whoever types.

Everything listens on loopback or a unix socket in a folder only its owner may enter. `stop` ends it all;
what InfluxDB holds stays in build/dev until `stop --forget`. Another one beside it needs SECLYZER_DEV_HOME,
XDG_RUNTIME_DIR and SECLYZER_DEV_PORTS (InfluxDB's and the agent's, with a comma between them).
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import yaml

from plugins.module_utils.kinds import PROGRAMS
from plugins.module_utils.modes import MODES
from scripts import compare as comparing
from scripts.processes import HOME, ROOT, Service, end, launch, log_of, pid_of

RUN = Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp")) / f"seclyzer-dev-{os.getuid()}"
SOCKET = RUN / "redis.sock"
TOKEN = HOME / "influx-token"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has no business here
INFLUX_PORT, AGENT_PORT = os.environ.get("SECLYZER_DEV_PORTS", "18086,19484").split(",")
INFLUX = f"http://127.0.0.1:{INFLUX_PORT}"
AGENT = f"127.0.0.1:{AGENT_PORT}"
NAMES = ("redis", "influxd", *PROGRAMS, "agent")


def answers(url: str) -> bool:
    """Whether something well answers there."""
    try:
        with DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def redis() -> Service:
    """Redis in memory only, on a unix socket only."""
    command = ["redis-server", "--port", "0", "--unixsocket", str(SOCKET), "--unixsocketperm", "700"]
    command += ["--save", "", "--appendonly", "no", "--slowlog-log-slower-than", "-1", "--maxmemory", "64mb"]
    return Service("redis", command, SOCKET.exists)


def influxd() -> Service:
    """InfluxDB 2, from the cache or built once (5 minutes)."""
    found = subprocess.run([sys.executable, "-m", "lab", "influxd"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if found.returncode:
        raise SystemExit("dev: no influxd; what is wrong stands above")
    data = HOME / "influxdb"
    command = [found.stdout.strip(), "--http-bind-address", INFLUX.removeprefix("http://"), "--reporting-disabled"]
    command += ["--bolt-path", f"{data}/influxd.bolt", "--engine-path", f"{data}/engine"]
    command += ["--sqlite-path", f"{data}/influxd.sqlite"]
    return Service("influxd", command, lambda: answers(f"{INFLUX}/health"))


def set_up_influxd() -> None:
    """Organisation, bucket and token, once."""
    if TOKEN.exists():
        return
    token = secrets.token_hex(32)
    setup = {"username": "dev", "password": secrets.token_hex(16), "org": "seclyzer", "bucket": "behavioral_data"}
    body = json.dumps(setup | {"token": token, "retentionPeriodSeconds": 30 * 86400}).encode()
    with DIRECT.open(urllib.request.Request(f"{INFLUX}/api/v2/setup", body), timeout=10):
        TOKEN.touch(mode=0o600)
        TOKEN.write_text(token)


def extractor(kind: str, implementation: str) -> Service:
    """One extractor with a configuration of its own."""
    folder = ROOT / "build" / ("rust" if implementation == "rust" else "python/bin")
    state = HOME / "state" / kind
    state.mkdir(parents=True, exist_ok=True)
    config = {
        "redis_url": f"unix://{SOCKET}",
        "influx_url": INFLUX,
        "influx_token_file": str(TOKEN),
        "state_dir": str(state),
        "dev_mode": True,
    }
    file = HOME / f"{kind}.yaml"
    file.write_text(yaml.safe_dump(config))
    started = time.time()
    return Service(
        kind,
        [str(folder / PROGRAMS[kind]), "--config", str(file)],
        lambda: int(redis_says("HGET", f"seclyzer:stats:{kind}", "started_at") or 0) / 1e6 >= started - 1,
    )


def agent(mode: str) -> Service:
    """The health agent, configured with what should run here."""
    deployment = HOME / "deployment"
    deployment.mkdir(exist_ok=True)
    version = (ROOT / "VERSION").read_text().strip()
    manifest = {"release": "dev", "mode": mode, "version": version, "implementations": MODES[mode]}
    (deployment / "manifest.json").write_text(json.dumps(manifest))
    config = {
        "listen": AGENT,
        "roles": ["edge"],
        "redis_url": f"unix://{SOCKET}",
        "redis_username": "",
        "influx_url": INFLUX,
        "deployment_dir": str(deployment),
        "units": {},
        "redis_legacy_clients": True,
        "extractors": list(PROGRAMS),
    }
    file = HOME / "agent.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [str(ROOT / "build/python/bin/seclyzer_agent"), "--config", str(file)]
    return Service("agent", command, lambda: answers(f"http://{AGENT}/livez"))


def redis_says(*words: str) -> str:
    """The answer of our Redis to a command, as text; empty when it is away."""
    tail = subprocess.run(["redis-cli", "-s", str(SOCKET), *words], capture_output=True, text=True)
    return tail.stdout.strip() if tail.returncode == 0 else ""


def start(options: argparse.Namespace) -> int:
    """Builds what is not built, starts what does not run."""
    if subprocess.run([str(ROOT / "scripts/build")], cwd=ROOT).returncode:
        return 1
    HOME.mkdir(parents=True, exist_ok=True)
    RUN.mkdir(mode=0o700, exist_ok=True)
    if RUN.stat().st_uid != os.getuid():
        raise SystemExit(f"dev: {RUN} belongs to another user")
    launch(redis())
    launch(influxd())
    set_up_influxd()
    for kind, implementation in MODES[options.mode].items():
        launch(extractor(kind, implementation))
    launch(agent(options.mode))
    print(f"dev: {options.mode} runs; health: http://{AGENT}/  now type: scripts/dev feed")
    return 0


def stop(options: argparse.Namespace) -> int:
    """Ends everything, the extractors first, so that they can still deliver."""
    for name in reversed(NAMES):
        end(name)
    shutil.rmtree(RUN, ignore_errors=True)
    if options.forget:
        shutil.rmtree(HOME, ignore_errors=True)
    return 0


def status(_: argparse.Namespace) -> int:
    """What runs and what came out; exit status 1 when something does not run."""
    for name in NAMES:
        pid, line = pid_of(name), ""
        if name in PROGRAMS and pid:
            flat = redis_says("HGETALL", f"seclyzer:stats:{name}").split("\n")
            stats = dict(zip(flat[::2], flat[1::2], strict=False))
            shown = ("implementation", "events", "late", "malformed", "windows", "windows_short", "points_written")
            kept = redis_says("LLEN", f"seclyzer:features:{name}")
            line = "  ".join(f"{key}={stats.get(key, '?')}" for key in shown) + f"  list={kept}"
        print(f"{name:10} {f'pid {pid}' if pid else 'stopped':12} {line}".rstrip())
    return 0 if all(pid_of(name) for name in NAMES) else 1


def logs(options: argparse.Namespace) -> int:
    """Shows the logs, or one; with --follow until stopped."""
    files = [str(log_of(name)) for name in ([options.name] if options.name else NAMES) if log_of(name).exists()]
    if not files:
        raise SystemExit("dev: no logs yet: scripts/dev start")
    return subprocess.run(["tail", "-n", str(options.lines), *(["-F"] if options.follow else []), *files]).returncode


def feed(options: argparse.Namespace) -> int:
    """Sends a file of events, or has a made-up person work for a while."""
    if not pid_of("redis"):
        raise SystemExit("dev: nothing runs: scripts/dev start")
    sender = [sys.executable, "-m", "lab.sender", "--socket", str(SOCKET), "--speed", options.speed]
    sender += ["--transport", options.transport]
    if options.file:
        with open(Path(os.environ.get("SECLYZER_DEV_HERE", ".")) / options.file, "rb") as events:
            return subprocess.run([*sender, "--shift", "now"], stdin=events, cwd=ROOT).returncode
    generate = [sys.executable, "-m", "lab", "generate", "--live", "--seconds", str(options.seconds)]
    with subprocess.Popen([*generate, "--seed", str(options.seed)], stdout=subprocess.PIPE, cwd=ROOT) as person:
        return subprocess.run(sender, stdin=person.stdout, cwd=ROOT).returncode


def compare(options: argparse.Namespace) -> int:
    """Runs two implementations or releases side by side on the live events, and compares what they make of them."""
    if not pid_of("redis"):
        raise SystemExit("dev: nothing runs: scripts/dev start")
    place = comparing.Place(
        {kind: ["--config", str(HOME / f"{kind}.yaml")] for kind in PROGRAMS},
        lambda *words: [line for line in redis_says(*words).split("\n") if line],
    )
    here = Path(os.environ.get("SECLYZER_DEV_HERE", "."))
    out = here / options.out if options.out else ROOT / "build" / "compare"
    try:
        return comparing.run((options.left, options.right), place, options.seconds, here, out)
    except comparing.CompareError as fault:
        raise SystemExit(f"dev: {fault}") from None


def main() -> int:
    """Runs one command."""
    parser = argparse.ArgumentParser(prog="scripts/dev", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="start | stop | status | logs | feed | compare")

    def add(run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        command = commands.add_parser(run.__name__, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run)
        return command

    add(start).add_argument("--mode", choices=MODES, default="hybrid")
    add(stop).add_argument("--forget", action="store_true", help="remove what InfluxDB holds, too")
    add(status)
    command = add(logs)
    command.add_argument("name", nargs="?", choices=NAMES)
    command.add_argument("-f", "--follow", action="store_true")
    command.add_argument("-n", "--lines", type=int, default=20)
    command = add(feed)
    command.add_argument("file", nargs="?", help="JSON lines, moved to now; none: a made-up person")
    command.add_argument("--seconds", type=int, default=60, help="how long the made-up person works")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--speed", default="1", help="1: as it happened; 10: faster; max")
    command.add_argument("--transport", choices=("stream", "pubsub"), default="stream")
    command = add(compare)
    command.add_argument("left", help="python, rust, running, or a folder with the programs of a release")
    command.add_argument("right", help="likewise")
    command.add_argument("--seconds", type=float, default=60, help="how long; the first windows do not count")
    command.add_argument("--out", help="folder for the table, JSON and picture; default build/compare")
    options = parser.parse_args()
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        code = run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `status | head` has read what it wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
