"""Proof on the host, before any service is touched: do the staged programs compute and reach what they should?

Nothing here changes what runs. Programs run as transient units, under the user, the credentials and the sandbox of the
unit they are meant for, so that a sandbox too tight or a missing credential shows here and not after the switch.
"""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from . import sandbox, systemd
from .layout import SOCKET_FOLDER, STORE_PROXY, STORE_SOCKET, Layout, Refused, is_socket

OWN = ("Type", "ExecStart", "Restart", "RestartSec", "WatchdogSec", "NotifyAccess", "TimeoutStartSec", "TimeoutStopSec")
"""Settings of a service that mean nothing for one run, or are given by systemd-run itself."""

PROOF_UNIT = "seclyzer-proof"
PROOF_FOLDER = Path("/run/seclyzer-proof")
"""Where the way to the store is tried out, beside the one that is in use."""

LONGEST = 120
"""Seconds that a program may take, by far the most of them on a host that is busy."""
JAIL = [*sandbox.settings("none"), ("MemoryMax", "256M"), ("RuntimeMaxSec", str(LONGEST))]
"""A replay of vectors needs neither network nor any right to write."""


def verify(units: Path) -> None:
    """Refuses units that systemd would not take as they are meant."""
    files = sorted(str(path) for path in units.iterdir())
    done = systemd.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *files])
    if done.returncode:
        logged = _words("", done.stderr.replace(f"{units}/", "")) or f"exit status {done.returncode}"
        raise Refused(f"systemd-analyze verify: {logged}")


def replay(vectors: Path, programs: Mapping[str, str], user: str) -> None:
    """Replays the golden vectors as an unprivileged user; `programs` is path of a program → its implementation."""
    folders: dict[tuple[str, str], set[str]] = {}
    for program, implementation in programs.items():
        folders.setdefault((str(Path(program).parent), implementation), set()).add(Path(program).name)
    for (folder, implementation), names in sorted(folders.items()):
        chosen = [name for name, program in _vectors(vectors) if program in names]
        check = ["/usr/bin/python3", "-I", str(vectors / "check.py"), "--bin", folder]
        check += ["--implementation", implementation, *chosen]
        done = transient(check, [("User", user), *JAIL], LONGEST + 30)
        if done.returncode or not chosen:
            logged = _words(done.stdout, done.stderr) if chosen else "there are none for them"
            raise Refused(f"{', '.join(sorted(names))} in {folder} fail the golden vectors: {logged}")


def _vectors(folder: Path) -> list[tuple[str, str]]:
    """The golden vectors: each with the program it is for."""
    files = sorted(folder.glob("*.features.json"))
    return [(path.name.removesuffix(".features.json"), json.loads(path.read_text())["program"]) for path in files]


@contextmanager
def way_to_store(units: Mapping[str, str]) -> Iterator[Path | None]:
    """Runs the staged units' own proxy to the store; gives the folder in which its socket is, for `check`.

    What runs on the host may have none yet, or one to another store. None when the units have none. What the proxy had
    to say is added to a refusal.
    """
    if not {STORE_SOCKET, STORE_PROXY} <= units.keys():
        yield None
        return
    socket = systemd.section(units[STORE_SOCKET], "Socket")
    name = Path(dict(socket)["ListenStream"]).name
    listen = [(key, value) for key, value in socket if key != "ListenStream"]
    listen.append(("ListenStream", str(PROOF_FOLDER / name)))
    service = [("Type", "exec"), *_settings(units[STORE_PROXY]), ("RuntimeMaxSec", "600")]
    argv = shlex.split(systemd.setting(units[STORE_PROXY], "ExecStart") or "")
    began = time.time()
    _end_way()
    try:
        options = [f"--socket-property={key}={value}" for key, value in listen]
        options += [f"--property={key}={value}" for key, value in service]
        done = systemd.run(["systemd-run", "--quiet", "--collect", f"--unit={PROOF_UNIT}", *options, *argv])
        if done.returncode:
            raise Refused(f"the proxy to the store cannot be started: {_words('', done.stderr)}")
        yield PROOF_FOLDER
    except Refused as fault:
        logged = systemd.journal(f"{PROOF_UNIT}.service", 3, began)
        raise Refused(f"{fault}{f'; {STORE_PROXY}: ' if logged else ''}{' | '.join(dict.fromkeys(logged))}") from None
    finally:
        _end_way()


def _end_way() -> None:
    systemd.run(["systemctl", "stop", f"{PROOF_UNIT}.socket", f"{PROOF_UNIT}.service"])
    systemd.run(["systemctl", "reset-failed", f"{PROOF_UNIT}.socket", f"{PROOF_UNIT}.service"])
    with suppress(OSError):
        PROOF_FOLDER.rmdir()


def check(layout: Layout, n: int, unit: str, text: str, way: Path | None = None, store_away: bool = False) -> None:
    """Runs `--check` of a unit's program as that unit will run, on the staged deployment's configuration.

    With `way`, the program finds what is in this folder in the place of the host's own sockets. With `store_away` it
    may find that InfluxDB is not reached, and nothing else; without, it is run once more when it finds that.
    """
    argv = check_command(layout, n, text)
    settings = [*_settings(text), ("RuntimeMaxSec", str(LONGEST))]
    if way is not None:
        settings.append(("BindReadOnlyPaths", f"{way}:{SOCKET_FOLDER}"))
    began = time.monotonic()
    done = transient(argv, settings, LONGEST + 30)
    misses_store = bool(done.returncode) and only_misses_the_store(done.stdout)
    if misses_store and not store_away:  # one that is busy may answer the next time
        began = time.monotonic()
        done = transient(argv, settings, LONGEST + 30)
    late = time.monotonic() - began >= LONGEST
    if done.returncode and not (store_away and misses_store):
        end = f"no end within {LONGEST} s: it hangs, or the host is busy" if late else f"exit status {done.returncode}"
        raise Refused(f"{unit}: {Path(argv[0]).name} --check: {_words(done.stdout, done.stderr) or end}")


def only_misses_the_store(printed: str) -> bool:
    """Whether all that a program's `--check` found wrong is that InfluxDB is away, by what it printed."""
    wrong = [line.strip() for line in printed.splitlines() if WRONG.match(line)]
    return bool(wrong) and all(STORE_AWAY.match(line) and "certificate" not in line for line in wrong)


WRONG = re.compile(r"FAIL |[\w ]+: bad: ")
"""How the agent and the extractors begin a line about what is wrong."""
STORE_AWAY = re.compile(
    r"FAIL influxdb: (?:cannot be reached|does not answer|broke off the answer)|influxdb: bad: (?!.*: status \d)"
)


def _settings(text: str) -> list[tuple[str, str]]:
    """What a unit says of the user, the sandbox and the limits of its program."""
    return [(key, value) for key, value in systemd.section(text, "Service") if key not in OWN]


def check_command(layout: Layout, n: int, text: str) -> list[str]:
    """The unit's command with `--check`, reading deployment `n` in the place of the current one."""
    command = systemd.setting(text, "ExecStart")
    if command is None:
        raise Refused("the unit starts nothing")
    staged = str(layout.deployments / str(n))
    return [part.replace(str(layout.current), staged, 1) for part in shlex.split(command)] + ["--check"]


def has_check(unit: str, text: str) -> bool:
    """Whether a unit runs a program of the release, which knows `--check`."""
    return unit != STORE_PROXY and not is_socket(unit) and systemd.setting(text, "Type") != "oneshot"


def program_of(text: str) -> str:
    """The program a unit starts."""
    command = systemd.setting(text, "ExecStart") or ""
    return command.split(" ", 1)[0]


def transient(argv: list[str], settings: list[tuple[str, str]], timeout: float) -> systemd.Completed:
    """Runs a command as a unit of its own with these settings, and gives back what it printed and its exit status."""
    properties = [f"--property={key}={value}" for key, value in settings]
    return systemd.run(["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *properties, *argv], timeout)


def _words(out: str, err: str) -> str:
    """The last words of a program, each line once."""
    lines = [line.strip() for line in (out + "\n" + err).splitlines() if line.strip()]
    return " | ".join(list(dict.fromkeys(lines))[-4:])
