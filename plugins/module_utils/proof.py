"""Proof on the host, before any service is touched: do the staged programs compute and reach what they should?

Nothing here changes what runs. Programs run as transient units, under the user, the credentials and the sandbox of the
unit they are meant for, so that a sandbox too tight or a missing credential shows here and not after the switch.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from . import systemd
from .layout import Layout, Refused

OWN = ("Type", "ExecStart", "Restart", "RestartSec", "WatchdogSec", "NotifyAccess", "TimeoutStartSec", "TimeoutStopSec")
"""Settings of a service that mean nothing for one run, or are given by systemd-run itself."""

JAIL = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateNetwork": "yes",
    "PrivateDevices": "yes",
    "NoNewPrivileges": "yes",
    "MemoryMax": "256M",
    "RuntimeMaxSec": "120",
}
"""What a replay of vectors needs least: neither network nor any right to write."""


def verify(units: Path) -> None:
    """Refuses units that systemd would not take as they are meant."""
    files = sorted(str(path) for path in units.iterdir())
    done = systemd.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *files])
    if done.returncode:
        said = _words("", done.stderr.replace(f"{units}/", "")) or f"exit status {done.returncode}"
        raise Refused(f"systemd-analyze verify: {said}")


def replay(vectors: Path, programs: Mapping[str, str], user: str) -> None:
    """Replays the golden vectors as an unprivileged user; `programs` is path of a program → its implementation."""
    folders: dict[tuple[str, str], set[str]] = {}
    for program, implementation in programs.items():
        folders.setdefault((str(Path(program).parent), implementation), set()).add(Path(program).name)
    for (folder, implementation), names in sorted(folders.items()):
        chosen = [name for name, program in _vectors(vectors) if program in names]
        check = ["/usr/bin/python3", "-I", str(vectors / "check.py"), "--bin", folder]
        check += ["--implementation", implementation, *chosen]
        done = transient(check, [("User", user), *JAIL.items()], 150)
        if done.returncode or not chosen:
            said = _words(done.stdout, done.stderr) if chosen else "there are none for them"
            raise Refused(f"{', '.join(sorted(names))} in {folder} fail the golden vectors: {said}")


def _vectors(folder: Path) -> list[tuple[str, str]]:
    """The golden vectors: each with the program it is for."""
    files = sorted(folder.glob("*.features.json"))
    return [(path.name.removesuffix(".features.json"), json.loads(path.read_text())["program"]) for path in files]


def check(layout: Layout, n: int, unit: str, text: str) -> None:
    """Runs `--check` of a unit's program as that unit will run, on the staged deployment's configuration."""
    argv = check_command(layout, n, text)
    settings = [(key, value) for key, value in systemd.section(text, "Service") if key not in OWN]
    done = transient(argv, [*settings, ("RuntimeMaxSec", "60")], 90)
    if done.returncode:
        said = _words(done.stdout, done.stderr) or f"exit status {done.returncode}"
        raise Refused(f"{unit}: {Path(argv[0]).name} --check: {said}")


def check_command(layout: Layout, n: int, text: str) -> list[str]:
    """The unit's command with `--check`, reading deployment `n` in the place of the current one."""
    command = systemd.setting(text, "ExecStart")
    if command is None:
        raise Refused("the unit starts nothing")
    staged = str(layout.deployments / str(n))
    return [part.replace(str(layout.current), staged, 1) for part in shlex.split(command)] + ["--check"]


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
