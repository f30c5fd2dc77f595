"""Runs the checks, each with its own interval and deadline, and keeps what they found.

Intervals are counted from the start of all, so that what is due together is read together, in one wakeup.

A check that is woken, since something that it watches has changed, is read at once, and as long as that is better or
worse than what is shown again each second: what has changed is shown after as many readings as its pace asks for.
One that is not well is read every 15 s at least: what was mended is soon seen to be.

A reading that misses its deadline is cancelled and counts as a failed one. One that does not even react to
being cancelled is left alone, and no second one is started beside it. No check waits for another.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from .logs import place
from .model import Check, Malformed, Pace, Reading, Unread, Unreadable, verified
from .places import USUAL, Places
from .plan import MENDED, Plan
from .snapshot import CheckState, Snapshot, View, all_failed, shown_after, view

log = logging.getLogger("seclyzer_agent")

Outcome = Reading | BaseException
Ended = Callable[[str, Outcome], None]
"""Gets the name of a check and what its reading returned or raised, in the event loop that began it."""


async def read_check(check: Check) -> Reading:
    """One reading. A check that ends the program is broken like any other."""
    try:
        return await check.read()
    except SystemExit as error:
        raise RuntimeError("a check called exit") from error


def outcome(task: asyncio.Task[Reading]) -> Outcome:
    """What a task that has ended returned or raised."""
    try:
        return task.result()
    except (Exception, asyncio.CancelledError) as error:
        return error


class Readers(Protocol):
    """Takes readings."""

    def begin(self, checks: Sequence[Check], ended: Ended) -> None:
        """Begin a reading of each."""
        ...

    def cancel(self, name: str) -> None:
        """Ask the reading of a check to end."""
        ...


class Here:
    """Readings in this event loop, all at once."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Reading]] = {}

    def begin(self, checks: Sequence[Check], ended: Ended) -> None:
        """A task for each."""
        for check in checks:
            task = asyncio.get_running_loop().create_task(read_check(check), name=f"read {check.name}")
            self._tasks[check.name] = task
            task.add_done_callback(lambda task, name=check.name: ended(name, outcome(task)))  # type: ignore[misc]

    def cancel(self, name: str) -> None:
        """Cancel its task."""
        self._tasks[name].cancel()


class Runner:
    """The background of the agent. `snapshot()` may be called at any time and returns at once.

    `on_change` gets it when a check was read for the first time, and when something is better or worse than before.
    `readers` take the readings, in this event loop or elsewhere; `places` is what findings name. `facts()`
    may be called in any thread.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        paces: dict[str, Pace],
        host: str,
        on_change: Callable[[Snapshot], None] = lambda _: None,
        readers: Readers | None = None,
        places: Places = USUAL,
    ) -> None:
        self._host, self._places = host, places
        self._on_change = on_change
        self._readers: Readers = readers or Here()
        self._started = time.monotonic()
        self._last_progress = self._started
        self._plans = {check.name: Plan(check, paces[check.name], self._started) for check in checks}
        self._ended: list[tuple[str, Outcome]] = []
        self._poked: asyncio.Future[None] | None = None
        self._states = {
            check.name: CheckState(check.name, p.interval, p.deadline, p.rise, p.fall, check.primary)
            for check in checks
            for p in (paces[check.name],)
        }

    def snapshot(self) -> Snapshot:
        """What is known now."""
        return Snapshot(self._host, time.time(), tuple(self._view(name) for name in self._states), self._places)

    def facts(self, check: str) -> Any:
        """The facts of a check while they are fresh, else None."""
        return self._view(check).facts if check in self._states else None

    def wake(self, check: str) -> None:
        """Something that this check watches has changed."""
        if check in self._plans and self._plans[check].woken is None:
            self._plans[check].woken = time.monotonic()
            self._poke()

    def makes_progress(self) -> bool:
        """Whether checks end as they should, whatever they find: the watchdog is fed meanwhile."""
        quickest = min((p.pace.interval + p.pace.deadline for p in self._plans.values()), default=0.0)
        return not self._plans or time.monotonic() - self._last_progress < 3 * quickest + 5

    def until(self, interval: float, now: float | None = None) -> float:
        """How many s it is until the next multiple of this interval since the start."""
        since = (time.monotonic() if now is None else now) - self._started
        return (math.floor(since / interval) + 1) * interval - since

    async def run(self) -> None:
        """Run all checks until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._poked = loop.create_future()
            self._step()
            ready = [plan.late if self._is_held(plan) else plan.next for plan in self._plans.values()]
            timer = loop.call_at(min(ready, default=math.inf) - time.monotonic() + loop.time(), self._poke)
            try:
                await self._poked
            finally:
                timer.cancel()

    def _poke(self) -> None:
        if self._poked is not None and not self._poked.done():
            self._poked.set_result(None)

    def _end(self, name: str, found: Outcome) -> None:
        self._ended.append((name, found))
        self._poke()

    def _view(self, name: str) -> View:
        return view(self._states[name], now=time.monotonic(), wall=time.time(), started=self._started)

    def _is_held(self, plan: Plan) -> bool:
        """Whether no reading may begin: one is under way, or a check whose facts it uses was not read yet."""
        if plan.reading and not plan.missed:
            return True
        return any(other in self._states and self._states[other].ended is None for other in plan.check.after)

    def _step(self) -> None:
        """Take what has ended, and begin what is due."""
        ended, self._ended = self._ended, []
        for name, found in ended:
            plan = self._plans[name]
            plan.reading = False
            if not plan.missed:
                self._keep(plan, _judged(name, found))
        now = time.monotonic()
        for plan in self._plans.values():
            if plan.late <= now and plan.waited is None:
                plan.waited = now
            elif plan.late <= now:
                plan.missed = True
                self._readers.cancel(plan.check.name)
                self._keep(plan, Unread(f"no answer within {plan.pace.deadline:g} s"))
        due = [plan for plan in self._plans.values() if plan.next <= now and not self._is_held(plan)]
        for plan in due:
            if now >= plan.due:
                plan.due = now + self.until(plan.pace.interval, now)
            if plan.reading:
                self._keep(plan, Unread("an earlier reading still hangs"))
        begun = [plan for plan in due if not plan.reading]
        for plan in begun:
            plan.changing, plan.woken = plan.changing or plan.woken is not None, None
            plan.reading, plan.waited, plan.missed, plan.began = True, None, False, now
        if begun:
            self._readers.begin([plan.check for plan in begun], self._end)

    def _keep(self, plan: Plan, found: Reading | Unreadable) -> None:
        name, before = plan.check.name, self._states[plan.check.name]
        if isinstance(found, Unreadable):
            entries = all_failed(plan.check, before, found)
            facts = None
        else:
            entries, facts = found.entries, found.facts
        last = {(s.entry.measurement, s.entry.component): s for s in before.shown}
        now, wall = time.monotonic(), time.time()
        shown = tuple(shown_after(e, last.get((e.measurement, e.component)), plan.pace, wall) for e in entries)
        self._states[name] = replace(
            before, shown=shown, facts=facts, ended=now, ended_at=wall, duration=now - plan.began
        )
        self._last_progress = now
        if any(one.status for one in shown):
            plan.due = min(plan.due, now + self.until(min(plan.pace.interval, MENDED), now))
        plan.changing = plan.changing and any(one.damped.recent[-1] is not one.status for one in shown)
        if before.ended is None or [one.status for one in shown] != [one.status for one in before.shown]:
            self._on_change(self.snapshot())


def _judged(name: str, found: Outcome) -> Reading | Unreadable:
    """The reading, if every answer can be made from it, or why there is none."""
    try:
        if isinstance(found, BaseException):
            raise found
        return verified(found)
    except Unreadable as error:
        return error
    except Malformed as error:
        log.error("a check is broken", extra={"fields": {"check": name, "why": error}, "often": True})
        return Unreadable(f"the check itself is broken ({error})")
    except (Exception, asyncio.CancelledError) as error:
        log.exception("a check is broken", extra={"fields": {"check": name}, "often": True})
        return Unreadable(f"the check itself is broken ({type(error).__name__} at {place(error)})")
