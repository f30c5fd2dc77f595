"""Are the units up? One `systemctl show` for all of them, which any user may ask."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..history import Growth, grow
from ..model import Entry, Pace, Reading, Status, Unreadable
from ..spec import Metric, Sample, Spec

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
STATES = ("active", "activating", "deactivating", "failed", "inactive", "reloading")


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


def judge(unit: Unit, restarted: int, recent: float) -> Entry:
    """One unit's entry. `restarted` is how often systemd restarted it within the last `recent` s."""
    status, words = _verdict(unit, restarted, recent)
    words = f"{unit.unit} {words}"
    return Entry("state", unit.unit, "system", status, words, unit.active or "unknown", figures=False)


def _verdict(unit: Unit, restarted: int, recent: float) -> tuple[Status, str]:
    why = f" (Result={unit.result})" if unit.result not in ("", "success") else ""
    if unit.load not in ("loaded", ""):
        return Status.FAIL, "is not installed" if unit.load == "not-found" else f"is {unit.load}"
    if unit.sub == "auto-restart":
        return Status.FAIL, f"has stopped{why} and waits for its restart"
    if unit.active in ("activating", "deactivating", "reloading", "refreshing"):
        return Status.WARN, f"is {unit.active} ({unit.sub}){why}"
    if unit.active != "active":
        return Status.FAIL, f"is {unit.active or 'unknown'}{why}"
    if restarted:
        often = "once" if restarted == 1 else f"{restarted} times"
        return Status.WARN, f"runs, but was restarted {often} in the last {recent:g} s{why}"
    return Status.PASS, f"is active ({unit.sub})" + (f": {unit.status_text}" if unit.status_text else "")


class Units:
    """The check `units`. Its facts: `dict[unit name, Unit]`."""

    name = "units"
    after = ()
    primary = Entry("state", "systemd", "system", Status.FAIL, "")

    def __init__(self, units: Mapping[str, str], recent: float) -> None:
        self._units = tuple(dict.fromkeys(units.values()))
        self._recent = recent
        self._growth: Growth | None = None

    async def read(self) -> Reading:
        """Ask systemd."""
        asked = time.time()
        units = parse_show(await show(self._units), self._units, asked) if self._units else {}
        counters = {u.unit: u.restarts for u in units.values()}
        self._growth = grow(self._growth, "boot", counters, time.monotonic(), hold=self._recent)
        grown = self._growth.grown
        entries = (judge(u, grown.get(u.unit, (0, 0.0))[0], self._recent) for u in units.values())
        return Reading(tuple(entries), units)


async def show(units: tuple[str, ...]) -> str:
    """The output of `systemctl show` for these units. Raises Unreadable; kills systemctl when cancelled."""
    try:
        process = await asyncio.create_subprocess_exec(
            "systemctl",
            "show",
            "--no-pager",
            "--property=" + ",".join(PROPERTIES),
            "--",
            *units,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"},
        )
    except OSError as error:
        raise Unreadable(f"systemctl cannot be run: {error.strerror}") from None
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    if process.returncode != 0:
        words = err.decode("utf-8", "replace").strip().splitlines()
        raise Unreadable(f"systemctl show failed: {(words or [f'exit {process.returncode}'])[0][:200]}")
    return out.decode("utf-8", "replace")


def _states(_: str, units: dict[str, Unit]) -> Iterator[Sample]:
    for unit in units.values():
        for state in STATES:
            yield (unit.unit, state), 1 if unit.active == state else 0


def _restarts(_: str, units: dict[str, Unit]) -> Iterator[Sample]:
    for unit in units.values():
        yield (unit.unit,), unit.restarts


SPEC = Spec(
    names=("units",),
    order=10,
    help="the units of this host",
    pace=Pace(10, 5, rise=1, fall=2),
    measurements={
        "state": "of each unit: active, restarted within `recent_seconds` (`warn`), or why it failed",
    },
    uses=("units", "recent_seconds"),
    metrics=(
        Metric(
            "systemd_unit_state",
            "gauge",
            "1 for the state that a unit is in",
            _states,
            labels=("name", "state"),
            state=True,
        ),
        Metric(
            "systemd_service_restart_total",
            "counter",
            "Automatic restarts of a unit",
            _restarts,
            labels=("name",),
            state=True,
        ),
    ),
    state_facts=True,
    make=lambda context: [Units(context.settings.units, context.settings.recent_seconds)],
)
