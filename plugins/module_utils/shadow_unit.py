"""The transient unit of a shadow: the extractor's own unit, less what a program that only reads does not need.

It has the extractor's user, sandbox and limits, in a cgroup of its own. It has no state folder, no token and no way to
the store, and when the host runs short of memory it goes before anything else.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from . import proof, systemd

UNNEEDED = ("StateDirectory", "StateDirectoryMode", "OOMScoreAdjust")
STORE = ("seclyzer-store", "influx_token:")
"""How values begin by which a unit reaches the store."""
STOP_S = 30
"""Seconds that a shadow may take to end."""

Setting = tuple[str, str]


def settings(text: str, bound_to: str, seconds: float, memory_max: str = "") -> list[Setting]:
    """The settings of the shadow of a unit. It ends with the unit it is bound to, whatever ends that."""
    found = [(key, value) for key, value in systemd.section(text, "Service") if _is_needed(key, value)]
    if memory_max:
        found = [(key, memory_max if key == "MemoryMax" else value) for key, value in found]
    limits = [("RuntimeMaxSec", f"{seconds + 2 * STOP_S:.0f}"), ("TimeoutStopSec", str(STOP_S))]
    return [("Type", "exec"), *found, *limits, ("OOMScoreAdjust", "1000"), ("BindsTo", bound_to), ("After", bound_to)]


def _is_needed(key: str, value: str) -> bool:
    return key not in (*proof.OWN, *UNNEEDED) and not value.startswith(STORE)


def command(text: str, program: str) -> list[str]:
    """The unit's command as a shadow, by this program. It reads the settings of what runs."""
    words = shlex.split(systemd.setting(text, "ExecStart") or "")
    return [program, *words[1:], "--shadow", "0", "--stats"]


def start(name: str, of: Sequence[Setting], argv: Sequence[str]) -> list[str]:
    """What starts it, waits for its end, and passes on what it prints."""
    properties = [f"--property={key}={value}" for key, value in of]
    return ["systemd-run", "--wait", "--pipe", "--collect", f"--unit={name}", *properties, *argv]


def memory(texts: Sequence[str]) -> int:
    """The bytes that units may use together; those without a limit count nothing."""
    return sum(size(systemd.setting(text, "MemoryMax") or "") for text in texts)


def size(text: str) -> int:
    """A size as systemd writes it, in bytes; 0 when it is none."""
    found = re.fullmatch(r"([0-9]+)([KMG]?)", text)
    return int(found[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2]] if found else 0


ENDED = re.compile(r"Main processes terminated with: code=(\w+)[,/] ?status=(\S+)")
"""How systemd-run reports how the program ended."""
PASSED = re.compile(
    r"\s*(Running as unit: |Finished with result: |Main processes terminated with: |Service runtime: |"
    r"CPU time consumed: |Memory peak: |Memory swap peak: |IP traffic |IO bytes )"
)
"""Lines of systemd-run's own."""


def ended(printed: Sequence[str]) -> tuple[str, str]:
    """How it ended, as `exited 3` or `killed KILL`, empty when that is not known, and the program's last words."""
    found = [match for line in printed if (match := ENDED.search(line))]
    words = [line.strip() for line in printed if line.strip() and not PASSED.match(line)]
    # `3`, `3/NOTIMPLEMENTED`, `KILL` or `9/KILL`, by the version of systemd.
    how = f"{found[-1][1]} {found[-1][2].split('/')[0 if found[-1][1] == 'exited' else -1]}" if found else ""
    return how, words[-1] if words else ""
