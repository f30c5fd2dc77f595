"""Commands and queries to systemd, and the little of its unit files that must be understood."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .layout import Refused

Completed = subprocess.CompletedProcess[str]
GIVEN = Path("/run/credentials")
"""Where systemd keeps what it gave units at their start: a folder for each, with a copy of each credential."""


def run(argv: Sequence[str], timeout: float = 60.0) -> Completed:
    """Runs a program with nothing on its input; its output comes as text, its exit status as a number."""
    environment = os.environ | {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat"}
    try:
        return subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env=environment,
        )
    except FileNotFoundError:
        raise Refused(f"this host has no {argv[0]}") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"{' '.join(argv[:3])} … did not end within {timeout:g} s") from None


def systemctl(*arguments: str, timeout: float = 120.0) -> str:
    """Runs systemctl; what it says on failure becomes the refusal."""
    done = run(["systemctl", "--no-ask-password", *arguments], timeout)
    if done.returncode:
        raise Refused(f"systemctl {' '.join(arguments)}: {last_line(done.stderr) or f'exit status {done.returncode}'}")
    return done.stdout


def is_ending() -> bool:
    """Whether systemd ends all that runs on this host, or is gone: what fails then is the fault of no program."""
    return run(["systemctl", "is-system-running"], 20).stdout.strip() in ("stopping", "")


def show(units: Sequence[str], properties: Iterable[str]) -> dict[str, dict[str, str]]:
    """Properties of several units by one call, by unit and property."""
    if not units:
        return {}
    text = systemctl("show", f"--property={','.join(['Id', *properties])}", *units)
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def started_at(properties: Mapping[str, str]) -> float | None:
    """When a unit's process started, as Unix time; None when it runs no process.

    Needs the property ExecMainStartTimestampMonotonic, which is in µs since the machine came up.
    """
    since_boot = int(properties.get("ExecMainStartTimestampMonotonic") or 0)
    if not since_boot:
        return None
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + since_boot / 1e6


def executable(pid: int) -> str:
    """The file a process runs, which `(deleted)` follows when it is gone; empty when there is no such process."""
    try:
        return os.readlink(f"/proc/{pid}/exe") if pid else ""
    except OSError:
        return ""


def is_binary(program: str) -> bool:
    """Whether a program is run itself, and not by an interpreter that its first line names."""
    try:
        with open(program, "rb") as stream:
            return stream.read(4) == b"\x7fELF"
    except OSError:
        return False


def journal(unit: str, lines: int = 8, since: float = 0.0) -> list[str]:
    """The last lines a unit's processes wrote to the journal, from `since` (Unix time) on; else systemd's about it."""
    command = ["journalctl", "--no-pager", "--quiet", f"--lines={lines}", "--output=cat"]
    command += [f"--since=@{since:.3f}"] if since else []
    for chosen in (f"_SYSTEMD_UNIT={unit}", f"--unit={unit}"):
        if found := run([*command, chosen], 20).stdout.splitlines():
            return found
    return []


def last_words(unit: str, since: float) -> list[str]:
    """What the last process of a unit wrote last, or what systemd wrote about it when that wrote nothing."""
    own = own_words(unit, since)
    invocation = show([unit], ["InvocationID"]).get(unit, {}).get("InvocationID", "")
    return own or (_lines(f"INVOCATION_ID={invocation}") if invocation else []) or journal(unit, 4, since)


def own_words(unit: str, since: float) -> list[str]:
    """What the last process of a unit wrote last; empty when it wrote nothing.

    journald may be late: it is waited for, and when the process has ended before it read a line, it does not know any
    more to which start that belongs. Then the number of the process tells, of the lines from `since` (Unix time) on.
    """
    run(["journalctl", "--sync"], 20)
    shown = show([unit], ["InvocationID", "ExecMainPID"]).get(unit, {})
    invocation, pid = shown.get("InvocationID", ""), shown.get("ExecMainPID", "")
    if not invocation:
        return []
    if own := _lines(f"_SYSTEMD_INVOCATION_ID={invocation}"):
        return own
    return _lines(f"_PID={pid}", f"--since=@{since:.3f}") if pid not in ("", "0") else []


def _lines(*match: str) -> list[str]:
    done = run(["journalctl", "--no-pager", "--quiet", "--lines=3", "--output=cat", *match], 20)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def section(text: str, name: str) -> list[tuple[str, str]]:
    """The settings of one section of a unit file, in order. Our units have no continued lines."""
    found: list[tuple[str, str]] = []
    inside = False
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip() == f"[{name}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found.append((key.strip(), value.strip()))
    return found


def setting(text: str, key: str) -> str | None:
    """The last value a key has in the unit's [Service] section."""
    values = [value for name, value in section(text, "Service") if name == key]
    return values[-1] if values else None


def credentials(text: str) -> dict[str, str]:
    """The files a unit loads as credentials when it starts, by the names that it gives them."""
    pairs = (value.partition(":") for key, value in section(text, "Service") if key == "LoadCredential")
    return {name: path for name, _, path in pairs if path.startswith("/")}


def outdated(text: str, given: Path) -> list[str]:
    """The files of a unit's credentials that are another by now than its copies in `given`, whatever their times are.

    A file that is gone does not count: the unit would not start without it.
    """
    found = ((path, _bytes(Path(path)), _bytes(given / name)) for name, path in credentials(text).items())
    return [path for path, here, copy in found if here is not None and here != copy]


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def last_line(text: str) -> str:
    """The last line that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
