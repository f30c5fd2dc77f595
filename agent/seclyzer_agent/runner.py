"""Runs the checks, each in a task of its own with its own interval and deadline, and keeps what they found.

A check that is woken, since something that it watches has changed, is read at once, and as long as that is better or
worse than what is shown again each second: what has changed is shown after as many readings as its pace asks for.
One that is not well is read once a minute at least: what was mended is soon seen to be.

A run that misses its deadline is cancelled and counts as a failed reading. One that does not even react to
being cancelled is left alone, and no second one is started beside it. No check waits for another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from .hysteresis import step
from .logs import place
from .model import Check, Entry, Malformed, Pace, Reading, Unread, Unreadable, verified
from .snapshot import CheckState, Shown, Snapshot, View, unreadable, view

log = logging.getLogger("seclyzer_agent")

Read = Callable[[Check], Coroutine[Any, Any, Reading]]
CANCEL_GRACE = 0.5
LATE = 0.1  # s; a check's own time limit, which knows the cause, may end late where the loop was held up
SETTLE = 0.25  # s from a change to its reading, which then has what comes with it
CONFIRM = 1.0  # s between two readings of what changes
MENDED = 60.0  # s between two readings, at most, of what is not well


async def read_check(check: Check) -> Reading:
    """One reading. A check that ends the program is broken like any other."""
    try:
        return await check.read()
    except SystemExit as error:
        raise RuntimeError("a check called exit") from error


class Runner:
    """The background of the agent. `snapshot()` may be called at any time and returns at once.

    `on_change` gets it when a check was read for the first time, and when something is better or worse than before.
    `read` takes a reading of a check, in this event loop or elsewhere. `facts()` may be called in any thread.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        paces: dict[str, Pace],
        host: str,
        on_change: Callable[[Snapshot], None] = lambda _: None,
        read: Read = read_check,
    ) -> None:
        self._checks = checks
        self._host = host
        self._on_change = on_change
        self.read = read
        self._started = time.monotonic()
        self._last_progress = self._started
        self._first_run = {check.name: asyncio.Event() for check in checks}
        self._woken = {check.name: asyncio.Event() for check in checks}
        self._paces = paces
        self._states = {
            check.name: CheckState(check.name, p.interval, p.deadline, p.rise, p.fall, check.primary)
            for check in checks
            for p in (paces[check.name],)
        }

    def snapshot(self) -> Snapshot:
        """What is known now."""
        return Snapshot(self._host, time.time(), tuple(self._view(name) for name in self._states))

    def facts(self, check: str) -> Any:
        """The facts of a check while they are fresh, else None."""
        return self._view(check).facts if check in self._states else None

    def wake(self, check: str) -> None:
        """Something that this check watches has changed."""
        if check in self._woken:
            self._woken[check].set()

    def makes_progress(self) -> bool:
        """Whether checks end as they should, whatever they find: the watchdog is fed meanwhile."""
        quickest = min((p.interval + p.deadline for p in self._paces.values()), default=0.0)
        return not self._checks or time.monotonic() - self._last_progress < 3 * quickest + 5

    async def run(self) -> None:
        """Run all checks until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for check in self._checks:
                tasks.create_task(self._loop(check), name=f"check {check.name}")

    def _view(self, name: str) -> View:
        return view(self._states[name], now=time.monotonic(), wall=time.time(), started=self._started)

    async def _loop(self, check: Check) -> None:
        pace = self._paces[check.name]
        for other in check.after:
            if other in self._first_run:
                await self._first_run[other].wait()
        due = time.monotonic()
        hanging: asyncio.Task[Reading] | None = None
        changing = False
        while True:
            began = time.monotonic()
            outcome, hanging = await self._once(check, pace, hanging)
            self._keep(check, pace, outcome, began)
            if began >= due:
                due = max(due + (pace.interval if self._is_well(check) else min(pace.interval, MENDED)), began)
            changing = changing and self._unsettled(check)
            if await self._woken_until(check, min(due, began + CONFIRM) if changing else due):
                changing = True
                await self._until(min(due, max(time.monotonic() + SETTLE, began + CONFIRM)))
                self._woken[check.name].clear()

    async def _woken_until(self, check: Check, end: float) -> bool:
        """Whether the check was woken before `end` (monotonic s)."""
        try:
            async with asyncio.timeout(max(0.0, end - time.monotonic())):
                await self._woken[check.name].wait()
        except TimeoutError:
            return False
        return True

    @staticmethod
    async def _until(end: float) -> None:
        await asyncio.sleep(max(0.0, end - time.monotonic()))

    def _is_well(self, check: Check) -> bool:
        return not any(one.status for one in self._states[check.name].shown)

    def _unsettled(self, check: Check) -> bool:
        """Whether the last reading is better or worse than what is shown."""
        return any(one.damped.recent[-1] is not one.status for one in self._states[check.name].shown)

    async def _once(
        self, check: Check, pace: Pace, hanging: asyncio.Task[Reading] | None
    ) -> tuple[Reading | Unreadable, asyncio.Task[Reading] | None]:
        """One run: the reading, or why there is none; and the task, if it would not end."""
        if hanging is not None and not hanging.done():
            await asyncio.wait({hanging}, timeout=pace.deadline)
            return Unread("an earlier reading still hangs"), hanging
        task = asyncio.create_task(self.read(check), name=f"read {check.name}")
        try:
            done, _ = await asyncio.wait({task}, timeout=pace.deadline)
            if not done:
                done, _ = await asyncio.wait({task}, timeout=LATE)
            if not done:
                task.cancel()
                done, _ = await asyncio.wait({task}, timeout=CANCEL_GRACE)
                return Unread(f"no answer within {pace.deadline:g} s"), None if done else task
        except asyncio.CancelledError:
            task.cancel()
            raise
        try:
            return verified(task.result()), None
        except Unreadable as error:
            return error, None
        except Malformed as error:
            log.error("a check is broken", extra={"fields": {"check": check.name, "why": error}, "often": True})
            return Unreadable(f"the check itself is broken ({error})"), None
        except (Exception, asyncio.CancelledError) as error:
            log.exception("a check is broken", extra={"fields": {"check": check.name}, "often": True})
            return Unreadable(f"the check itself is broken ({type(error).__name__} at {place(error)})"), None

    def _keep(self, check: Check, pace: Pace, outcome: Reading | Unreadable, began: float) -> None:
        before = self._states[check.name]
        if isinstance(outcome, Unreadable):
            entries = _all_failed(check, before, outcome)
            facts = None
        else:
            entries, facts = outcome.entries, outcome.facts
        last = {(s.entry.measurement, s.entry.component): s for s in before.shown}
        now, wall = time.monotonic(), time.time()
        shown = tuple(_shown(e, last.get((e.measurement, e.component)), pace, wall) for e in entries)
        self._states[check.name] = replace(
            before, shown=shown, facts=facts, ended=now, ended_at=wall, duration=now - began
        )
        self._last_progress = now
        self._first_run[check.name].set()
        if before.ended is None or [one.status for one in shown] != [one.status for one in before.shown]:
            self._on_change(self.snapshot())


def _shown(entry: Entry, before: Shown | None, pace: Pace, wall: float) -> Shown:
    """An entry that was read at `wall` (Unix s), as it is to be shown after what was shown before.

    The first one that is read again counts at once, as the first of all does.
    """
    known = before is not None and (entry.unread or not before.entry.unread)
    damped = step(before.damped if before and known else None, entry.status, rise=pace.rise, fall=pace.fall)
    since = before.since if before is not None and before.status is damped.shown else wall
    return Shown(entry, damped, wall, since)


def _all_failed(check: Check, before: CheckState, why: Unreadable) -> tuple[Entry, ...]:
    """A reading that failed as a whole: everything the check ever showed is unknown, and that is a fail."""
    known = tuple(s.entry for s in before.shown) or (check.primary,)
    entries = (unreadable(e, str(why), why.plain) for e in known)
    return tuple(replace(e, finding=why.finding or e.finding, unread=why.unread) for e in entries)
