"""What the tests of the agent build their hosts from: Redis, systemd, a deployment, the agent itself."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import redis
import yaml
from fake_systemd import RUNNING, FakeSystemd

from seclyzer_agent.redis_client import Redis
from tests.helpers import redis_server
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent

PLAYS = ROOT.parent / "roles" / "redis" / "vars" / "main.yml"
FIELDS: list[dict[str, Any]] = json.loads(
    (ROOT.parent / "extractors" / "schema" / "stats.json").read_text(encoding="utf-8")
)["fields"]
"""The fields of the stats hash, as the extractors have them."""


def acl_rules(user: str) -> str:
    """What the role `redis` lets a user of Redis do."""
    variables = yaml.safe_load(PLAYS.read_text(encoding="utf-8"))
    rules = str(variables["__redis_users_others"][user])
    return rules.replace("{{ __redis_base }}", variables["__redis_base"]).strip()


ACL = f"""\
user default off
user admin on >admin-password ~* &* +@all
user agent on >agent-password {acl_rules("agent")}
"""
EMPTY = {"label": "", "counter": "0", "gauge": "0", "histogram": " ".join(["0"] * 16)}
STATS = {field["name"]: EMPTY[field["type"]] for field in FIELDS} | {
    "implementation": "rust",
    "version": (ROOT / "seclyzer_agent" / "VERSION").read_text().strip(),
    "pid": "4711",
    "started_at": "1700000000000000",
    "events": "100",
    "windows": "7",
    "windows_short": "1",
    "last_id": "0-0",
    "last_event_ts": "1700000001500000",
    "last_window_ts": "1700000005000000",
    "points_written": "7",
}


class RedisServer(redis_server.RedisServer):
    """A Redis with the ACL users `agent` and `admin`."""

    def __init__(self, folder: Path) -> None:
        (folder / "users.acl").write_text(ACL)
        self.password_file = folder / "agent-password"
        self.password_file.write_text("agent-password\n")
        super().__init__(folder, "--aclfile", str(folder / "users.acl"), "--maxmemory", "32mb")

    def write_stats(self, kind: str, stats: Mapping[str, object]) -> None:
        """Write an extractor's heartbeat."""
        for name, value in stats.items():
            self.admin.hset(f"seclyzer:stats:{kind}", name, str(value))

    @property
    def admin(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self.socket),
            username="admin",
            password="admin-password",
            decode_responses=True,
        )


PATHS = ("/metrics", "/healthz", "/healthz?verbose", "/overview", "/")


@dataclass
class Answer:
    """An HTTP answer and how long it took (s)."""

    status: int
    headers: dict[str, str]
    body: str
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Agent:
    """The agent as a process."""

    process: subprocess.Popen[str]
    port: int
    socket: str

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask as anybody on the host may."""
        return self._ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5), path, method, headers)

    def inside(self, path: str) -> Answer:
        """Ask through the unix socket, as who may see the full figures."""
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(5)
        connection.sock.connect(self.socket)
        return self._ask(connection, path, "GET", {})

    @staticmethod
    def _ask(connection: http.client.HTTPConnection, path: str, method: str, headers: dict[str, str]) -> Answer:
        began = time.monotonic()
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        body = response.read().decode()
        seconds = time.monotonic() - began
        connection.close()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, body, seconds)

    def status(self, check: str) -> str:
        """The worst status of a check's measurements."""
        checks: dict[str, list[dict[str, str]]] = self.inside("/healthz?verbose").json["checks"]
        order = ["pass", "warn", "fail"]
        found = [e["status"] for key, entries in checks.items() for e in entries if key.startswith(f"{check}:")]
        return max(found, key=order.index)

    def output(self, check: str) -> str:
        """The sentences of a check."""
        checks: dict[str, list[dict[str, str]]] = self.inside("/healthz?verbose").json["checks"]
        return " | ".join(
            e["output"] for key, entries in checks.items() for e in entries if key.startswith(f"{check}:")
        )

    def stop(self) -> tuple[int, str]:
        """SIGTERM; the exit status and stderr."""
        self.process.terminate()
        error = self.process.communicate(timeout=10)[1]
        return self.process.returncode, error


@dataclass
class Host:
    """What the agent finds around it: systemd, a deployment, its configuration."""

    directory: Path
    systemd: FakeSystemd
    config: dict[str, Any]
    environment: dict[str, str]

    def own_code(self) -> Path:
        """From now on the agent runs from a copy of its package, which this returns."""
        code = self.directory / "code" / "seclyzer_agent"
        shutil.copytree(ROOT / "seclyzer_agent", code, ignore=shutil.ignore_patterns("__pycache__"))
        self.environment["PYTHONPATH"] = str(code.parent)
        return code

    def units(self, **changes: dict[str, Any]) -> None:
        """What systemd has: all units run, but for the changes by short name."""
        for name, unit in self.config["units"].items():
            self.systemd.units.setdefault(unit, {})
            self.systemd.change(unit, **{**RUNNING, **changes.get(name, {})})

    def write(self) -> Path:
        """Write the configuration file."""
        file = self.directory / "agent.yaml"
        file.write_text(yaml.safe_dump(self.config))
        return file

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "seclyzer_agent", "--config", str(self.write()), *arguments]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the agent to its end."""
        return subprocess.run(
            self.command(*arguments),
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def edge(folder: Path, server: RedisServer, systemd: FakeSystemd) -> Host:
    """An edge with one extractor, checks every 0.2 s with rise 2 and fall 2, and no InfluxDB."""
    deployment = folder / "deployments" / "3"
    deployment.mkdir(parents=True)
    (folder / "current").symlink_to(deployment)
    manifest = {
        "release": f"{STATS['version']}-0123456789ab",
        "version": STATS["version"],
        "mode": "rust",
        "implementations": {"keystroke": "rust"},
    }
    (deployment / "manifest.json").write_text(json.dumps(manifest))
    pace = {"interval_seconds": 0.2, "deadline_seconds": 0.3, "rise": 2, "fall": 2}
    names = ("units", "memory", "deployment", "redis", "keystroke", "influxdb", "legacy_clients")
    config = {
        "listen": f"127.0.0.1:{free_port()}",
        "unix_listen": str(server.folder / "agent.sock"),
        "roles": ["edge"],
        "redis_url": f"unix://{server.socket}",
        "redis_password_file": str(server.password_file),
        "influx_url": f"http://127.0.0.1:{free_port()}",
        "deployment_dir": str(folder / "current"),
        "host": "edge1",
        "units": {"keystroke": "seclyzer-keystroke.service"},
        "checks": {name: dict(pace) for name in names},
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SECLYZER_", "NOTIFY_", "WATCHDOG_"))}
    environment |= {"DBUS_SYSTEM_BUS_ADDRESS": systemd.address, "PYTHONPATH": str(ROOT)}
    made = Host(folder, systemd, config, environment)
    made.units()
    server.write_stats("keystroke", STATS)
    return made


@contextmanager
def agents(host: Host) -> Iterator[Callable[..., Agent]]:
    """Starts agents on the host; one is ready when the call returns, unless `ready=False`. They end with the block."""
    running: list[Agent] = []

    def run(*, ready: bool = True, **environment: str) -> Agent:
        port = int(host.config["listen"].rpartition(":")[2])
        process = subprocess.Popen(
            host.command(), env={**host.environment, **environment}, stderr=subprocess.PIPE, text=True
        )
        agent = Agent(process, port, str(host.config["unix_listen"]))
        running.append(agent)
        until(lambda: listens(port) or process.poll() is not None)
        if ready:
            until(lambda: agent.get("/readyz").status == 200)
        return agent

    try:
        yield run
    finally:
        for agent in running:
            if agent.process.poll() is None:
                agent.process.kill()
                agent.process.communicate()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def with_redis(server: RedisServer, use: Callable[[Any], Awaitable[T]], password: str = "agent-password") -> T:
    """What comes of using a connection of the agent's user."""

    async def main() -> T:
        client = Redis(f"unix://{server.socket}", "agent", password, 1.0)
        try:
            return await use(client)
        finally:
            await client.aclose()

    return asyncio.run(main())


def figures(text: str) -> dict[str, str]:
    """The samples of /metrics that are not states."""
    samples = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    states = r"seclyzer_check_status|seclyzer_check_last_run|seclyzer_unit_state"
    return {name: value for name, value in samples if not re.match(states, name)}


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file of tests/cases, which every implementation is held to."""
    path = Path(__file__).resolve().parents[2] / "tests" / "cases" / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
