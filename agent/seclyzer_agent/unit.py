"""A unit of systemd: what there is to know of it, read from `systemctl show`, and judged. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from .history import Restarts
from .model import Entry, Status, Unreadable

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "MainPID",
    "ExecMainStartTimestampMonotonic",
    "MemoryCurrent",
    "MemoryMax",
    "ControlGroup",
    "StatusText",
)
MAX_STATUS_TEXT = 160
RESTARTS = "auto-restart"
"""In the SubState of a unit that systemd starts again: `auto-restart-queued`, `failed-before-auto-restart` as well."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as systemd shows it. Memory in bytes, None for unset or infinite; main_pid 0 for none.

    `main_started` is when its main process began, in s of the monotonic clock; `read_at` Unix s.
    """

    unit: str
    load: str
    active: str
    sub: str
    result: str
    restarts: int
    main_pid: int
    main_started: float
    memory: int | None
    memory_max: int | None
    cgroup: str
    status_text: str
    read_at: float


def parse_show(text: str, units: tuple[str, ...], read_at: float = 0.0) -> dict[str, Unit]:
    """Read the output of `systemctl show` for these units: a block each, in order. Raises Unreadable."""
    blocks = [block for block in text.strip().split("\n\n") if block.strip()]
    if len(blocks) != len(units):
        raise Unreadable(f"systemctl reported {len(blocks)} units of {len(units)}")
    return {unit: _parse_block(block, unit, read_at) for block, unit in zip(blocks, units, strict=True)}


def _parse_block(block: str, unit: str, read_at: float) -> Unit:
    p = dict(line.partition("=")[::2] for line in block.splitlines())
    return Unit(
        unit=unit,
        load=p.get("LoadState", ""),
        active=p.get("ActiveState", ""),
        sub=p.get("SubState", ""),
        result=p.get("Result", ""),
        restarts=_number(p.get("NRestarts")) or 0,
        main_pid=_number(p.get("MainPID")) or 0,
        main_started=(_number(p.get("ExecMainStartTimestampMonotonic")) or 0) / 1e6,
        memory=_number(p.get("MemoryCurrent")),
        memory_max=_number(p.get("MemoryMax")),
        cgroup=p.get("ControlGroup", ""),
        status_text=p.get("StatusText", "")[:MAX_STATUS_TEXT],
        read_at=read_at,
    )


def _number(text: str | None) -> int | None:
    """A number, or None for `[not set]`, `infinity` and 2^64-1, which systemd also uses for both."""
    value = int(text) if text is not None and text.isdecimal() else None
    return None if value == 2**64 - 1 else value


def judge(unit: Unit, restarts: Restarts, recent: float, now: float) -> Entry:
    """One unit's entry; `restarts` within the last `recent` s, `now` in monotonic s."""
    status, words = _verdict(unit, restarts, recent, now)
    finding = "unit-restarts" if restarts.at and unit.load == "loaded" and not _is_down(unit) else ""
    value = unit.active or "unknown"
    return Entry("state", unit.unit, "system", status, f"{unit.unit} {words}", value, figures=False, finding=finding)


def _is_down(unit: Unit) -> bool:
    """Whether nothing starts it any more: it was stopped, or systemd gave up; in a crash loop it waits to start."""
    return unit.active in ("inactive", "failed") and RESTARTS not in unit.sub


def _verdict(unit: Unit, restarts: Restarts, recent: float, now: float) -> tuple[Status, str]:
    why = f" (Result={unit.result})" if unit.result not in ("", "success") else ""
    if unit.load not in ("loaded", ""):
        return Status.FAIL, "is not installed" if unit.load == "not-found" else f"is {unit.load}"
    often = "once" if len(restarts.at) == 1 else f"{len(restarts.at)} times"
    past = f"; it was restarted {often} in the last {recent:g} s" if restarts.at else ""
    if _is_down(unit):
        return Status.FAIL, f"is {unit.active}{why}{past}"
    if restarts.repeat(now):
        return Status.FAIL, f"does not stay up: it was restarted {often} in the last {recent:g} s{why}"
    if RESTARTS in unit.sub:
        return Status.FAIL, f"has stopped{why} and waits for its restart"
    if unit.active in ("activating", "deactivating", "reloading", "refreshing"):
        return Status.WARN, f"is {unit.active} ({unit.sub}){why}"
    if unit.active != "active":
        return Status.FAIL, f"is {unit.active or 'unknown'}{why}"
    if restarts.just_now(now):
        return Status.WARN, f"runs, but was restarted {often} in the last {recent:g} s{why}"
    return Status.PASS, f"is active ({unit.sub})" + (f": {unit.status_text}" if unit.status_text else "") + past
