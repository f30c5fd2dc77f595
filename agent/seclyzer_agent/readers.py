"""Where checks are read: one after the other in one thread with an event loop of its own, so that a look at all of them
wakes the program a few times only.

A check that takes long holds up no other: the next one begins meanwhile. One that blocks the thread (`time.sleep`, a
slow file system) keeps it until it ends, and the others go on in another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from .loop_thread import LoopThread
from .model import Check, Reading
from .runner import Ended, Outcome, outcome, read_check

TURN = 0.05  # s after which a reading does not hold up the next
LOOK = 0.25  # s between two looks whether the thread is blocked, while it has something to do
CLOSE_SECONDS = 0.5


@dataclass(slots=True)
class _UnderWay:
    check: Check
    ended: Ended
    thread: _Thread


class Threads:
    """Readings in other threads. It belongs to the event loop that it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = _Thread(self._report)
        self._blocked: list[_Thread] = []
        self._under_way: dict[str, _UnderWay] = {}
        self._look: asyncio.TimerHandle | None = None

    def begin(self, checks: Sequence[Check], ended: Ended) -> None:
        """One after the other."""
        self._under_way |= {check.name: _UnderWay(check, ended, self._thread) for check in checks}
        self._thread.begin(checks)
        if self._look is None:
            self._look = self._loop.call_later(LOOK, self._ask)

    async def read(self, check: Check) -> Reading:
        """One reading by itself."""
        awaited: asyncio.Future[Outcome] = self._loop.create_future()
        self.begin([check], lambda _, found: None if awaited.done() else awaited.set_result(found))
        try:
            found = await awaited
        except asyncio.CancelledError:
            self.cancel(check.name)
            raise
        if isinstance(found, BaseException):
            raise found
        return found

    def cancel(self, name: str) -> None:
        """Cancel its task, as soon as its thread gets to that."""
        if name in self._under_way:
            self._under_way[name].thread.cancel([name])

    async def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Cancel what runs, and run `last` in the thread. What does not end within CLOSE_SECONDS is left alone."""
        if self._look is not None:
            self._look.cancel()
        ended = asyncio.Event()
        self._thread.finish(last, partial(self._loop.call_soon_threadsafe, ended.set))
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await ended.wait()
        for thread in (self._thread, *self._blocked):
            thread.stop()

    def _report(self, thread: _Thread, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        """What has ended in a thread; called there."""
        with suppress(RuntimeError):  # the loop that waited is closed
            self._loop.call_soon_threadsafe(self._take, thread, outcomes)

    def _take(self, thread: _Thread, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        for name, found in outcomes:
            if name in self._under_way and self._under_way[name].thread is thread:
                self._under_way.pop(name).ended(name, found)
        if thread in self._blocked and not self._works(thread):
            self._blocked.remove(thread)
            thread.stop()
        if self._look is not None and not self._works(self._thread):
            self._look.cancel()
            self._look = None

    def _works(self, thread: _Thread) -> bool:
        return any(one.thread is thread for one in self._under_way.values())

    def _ask(self) -> None:
        self._thread.ask()
        self._look = self._loop.call_later(LOOK, self._judge)

    def _judge(self) -> None:
        """Whether the thread has answered meanwhile."""
        if not self._thread.answered and (blocking := self._thread.busy_with()):
            self._leave(blocking)
        self._look = None
        if self._works(self._thread):
            self._ask()

    def _leave(self, blocking: str) -> None:
        """Leave the thread to the check that blocks it; what else was under way in it begins anew in another."""
        left = self._thread
        self._take(left, left.unreported())
        self._thread = _Thread(self._report)
        self._blocked.append(left)
        moved = [one for name, one in self._under_way.items() if one.thread is left and name != blocking]
        left.cancel([one.check.name for one in moved])
        for one in moved:
            one.thread = self._thread
        self._thread.begin([one.check for one in moved])


class _Thread:
    """One thread. `report` is called in it, with what has ended."""

    def __init__(self, report: Callable[[_Thread, Sequence[tuple[str, Outcome]]], None]) -> None:
        self._report = report
        self._thread = LoopThread("checks")
        self._queue: deque[Check] = deque()
        self._tasks: dict[str, asyncio.Task[Reading]] = {}
        self._outcomes: deque[tuple[str, Outcome]] = deque()
        self._last: asyncio.Task[Reading] | None = None
        self._turn: asyncio.TimerHandle | None = None  # ends the turn of the reading that began last
        self.answered = True

    def begin(self, checks: Sequence[Check]) -> None:
        """Read these checks; called in any thread, as all that follows."""
        self._thread.call(self._enqueue, checks)

    def cancel(self, names: Sequence[str]) -> None:
        """Ask these readings to end; one that has not begun never begins."""
        self._thread.call(self._cancel, names)

    def ask(self) -> None:
        """Have it set `answered` as soon as it is not blocked."""
        self.answered = False
        self._thread.call(setattr, self, "answered", True)

    def busy_with(self) -> str:
        """The check whose reading has the thread at this moment; empty when none has."""
        task = asyncio.current_task(self._thread.loop)
        return next((name for name, reading in [*self._tasks.items()] if reading is task), "")

    def unreported(self) -> list[tuple[str, Outcome]]:
        """What has ended and was not reported yet."""
        outcomes: list[tuple[str, Outcome]] = []
        with suppress(IndexError):
            while True:
                outcomes.append(self._outcomes.popleft())
        return outcomes

    def finish(self, last: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], object]) -> None:
        """Cancel all that runs, run `last`, and call `ended`."""
        ending = asyncio.run_coroutine_threadsafe(self._finish(last), self._thread.loop)
        ending.add_done_callback(lambda _: ended())

    def stop(self) -> None:
        """End it as soon as it is not blocked."""
        self._thread.stop()

    def _enqueue(self, checks: Sequence[Check]) -> None:
        self._queue += checks
        if self._turn is None:
            self._next()

    def _next(self) -> None:
        """The turn of the next check. It begins where the one before ends, for each step of a loop costs time."""
        if self._turn is not None:
            self._turn.cancel()
        self._turn = None
        if not self._queue:
            self._report_ended()
            return
        loop, check = self._thread.loop, self._queue.popleft()
        task = self._tasks[check.name] = self._last = loop.create_task(read_check(check), name=f"read {check.name}")
        task.add_done_callback(partial(self._ended, check.name))
        self._turn = loop.call_later(TURN, self._next)

    def _ended(self, name: str, task: asyncio.Task[Reading]) -> None:
        self._tasks.pop(name, None)
        self._outcomes.append((name, outcome(task)))
        if self._turn is None:
            self._report_ended()
        elif task is self._last:
            self._next()

    def _report_ended(self) -> None:
        """What ended in a turn or soon after is reported at once, so that it wakes who waits only once."""
        if outcomes := self.unreported():
            self._report(self, outcomes)

    def _cancel(self, names: Sequence[str]) -> None:
        for check in [check for check in self._queue if check.name in names]:
            self._queue.remove(check)
            self._outcomes.append((check.name, asyncio.CancelledError()))
        for name in names:
            if name in self._tasks:
                self._tasks[name].cancel()

    async def _finish(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._queue.clear()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await last()
