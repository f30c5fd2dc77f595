"""The background: deadlines, tasks that will not end, broken checks, staleness."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

import pytest

from seclyzer_agent import logs
from seclyzer_agent import runner as background
from seclyzer_agent.model import Check, Entry, Pace, Reading, Status, Unread, Unreadable
from seclyzer_agent.runner import Runner
from seclyzer_agent.snapshot import CheckState, Snapshot, view

GOOD = Reading((Entry("m", "thing", "component", Status.PASS, "thing is well", 1),), "facts")


class Fake:
    """A check made of a coroutine function."""

    def __init__(self, name: str, read: Callable[[], Awaitable[Reading]], after: tuple[str, ...] = ()) -> None:
        self.name, self._read, self.after = name, read, after
        self.primary = Entry("m", name, "component", Status.FAIL, "")

    async def read(self) -> Reading:
        return await self._read()


async def good() -> Reading:
    return GOOD


def run(checks: list[Fake], pace: Pace, seconds: float, then: Callable[[Runner], None]) -> None:
    async def main() -> None:
        listed: list[Check] = list(checks)
        runner = Runner(listed, {check.name: pace for check in checks}, "edge1")
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(seconds)
        then(runner)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(main())


def test_a_check_that_hangs_fails_at_its_deadline_and_holds_up_no_other() -> None:
    async def hang() -> Reading:
        await asyncio.sleep(60)
        return GOOD

    def then(runner: Runner) -> None:
        bad, well = runner.snapshot().views
        assert (bad.status, bad.output) == (Status.FAIL, "bad: no answer within 0.05 s")
        assert bad.shown[0].entry.unread
        assert (well.status, well.facts) == (Status.PASS, "facts")
        assert runner.snapshot().ready

    run([Fake("bad", hang), Fake("well", good)], Pace(0.1, 0.05, 1, 1), 0.3, then)


def test_a_check_that_cannot_be_cancelled_is_never_run_twice_at_once() -> None:
    running = 0
    most = 0

    async def stubborn() -> Reading:
        nonlocal running, most
        running += 1
        most = max(most, running)
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            try:
                await asyncio.sleep(end - time.monotonic())
            except asyncio.CancelledError:
                continue
        running -= 1
        return GOOD

    def then(runner: Runner) -> None:
        assert runner.snapshot().views[0].output == "bad: an earlier reading still hangs"
        assert most == 1

    run([Fake("bad", stubborn)], Pace(0.05, 0.05, 1, 1), 1.0, then)


def test_an_exception_is_a_failure_that_says_where_it_was_and_the_check_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs.setup("info")
    calls = 0

    async def broken() -> Reading:
        nonlocal calls
        calls += 1
        raise KeyError("secret detail")

    def then(runner: Runner) -> None:
        output = runner.snapshot().views[0].output
        assert re.fullmatch(r"bad: the check itself is broken \(KeyError at runner.py:\d+\)", output)
        assert calls >= 3

    run([Fake("bad", broken)], Pace(0.05, 1, 1, 1), 0.3, then)
    lines = capfd.readouterr().err.splitlines()
    ending = r'level=error msg="a check is broken" check=bad error=KeyError at=runner.py:\d+'
    assert len(lines) == 1  # however often within 10 s
    assert [line for line in lines if not re.fullmatch(rf"ts=\S+ {ending}", line)] == []


def test_all_that_was_known_is_unknown_when_a_reading_fails_and_its_facts_are_gone() -> None:
    calls = 0

    async def twice() -> Reading:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise Unreadable("gone")
        two = (
            Entry("a", "x", "component", Status.PASS, "", 1),
            Entry("b", "y", "component", Status.PASS, "", 2),
        )
        return Reading(two, "facts")

    def then(runner: Runner) -> None:
        seen = runner.snapshot().views[0]
        assert [(s.status.word, s.entry.value, s.entry.output) for s in seen.shown] == [
            ("fail", None, "x: gone"),
            ("fail", None, "y: gone"),
        ]
        assert seen.facts is None

    run([Fake("bad", twice)], Pace(0.05, 1, 1, 1), 0.2, then)


def test_a_check_first_runs_after_those_whose_facts_it_uses() -> None:
    order: list[str] = []

    async def slow() -> Reading:
        await asyncio.sleep(0.1)
        order.append("units")
        return GOOD

    async def quick() -> Reading:
        order.append("memory")
        return GOOD

    run([Fake("memory", quick, ("units",)), Fake("units", slow)], Pace(9, 1, 1, 1), 0.2, lambda _: None)
    assert order == ["units", "memory"]


def test_not_ready_and_failing_until_every_check_has_ended_once() -> None:
    async def hang() -> Reading:
        await asyncio.sleep(60)
        return GOOD

    def then(runner: Runner) -> None:
        snapshot = runner.snapshot()
        assert not snapshot.ready and snapshot.waiting == ("slow",)
        assert snapshot.status is Status.FAIL
        assert snapshot.views[0].output == "slow: not read yet; its first reading is under way"

    run([Fake("slow", hang), Fake("well", good)], Pace(5, 5, 1, 1), 0.1, then)


def test_a_reading_older_than_three_intervals_is_a_failure_without_facts() -> None:
    from seclyzer_agent.hysteresis import Damped
    from seclyzer_agent.snapshot import Shown

    entry = Entry("m", "thing", "component", Status.PASS, "thing is well", 1)
    shown = (Shown(entry, Damped(Status.PASS, (Status.PASS,)), 1000.0),)
    state = CheckState("c", 10, 2, 1, 1, entry, shown, "facts", ended=100.0, ended_at=1000.0)
    fresh = view(state, now=130.0, wall=1030.0, started=0.0)
    assert (fresh.status, fresh.facts) == (Status.PASS, "facts")
    stale = view(state, now=130.1, wall=1030.1, started=0.0)
    assert (stale.status, stale.facts) == (Status.FAIL, None)
    assert stale.output == "thing: not read for 30 s, though due every 10 s"
    assert stale.shown[0].read_at == 1000.0


def test_the_watchdog_is_fed_while_checks_end_even_when_all_of_them_fail() -> None:
    async def bad() -> Reading:
        raise Unreadable("away")

    run([Fake("bad", bad)], Pace(0.05, 1, 1, 1), 0.2, lambda runner: _makes_progress(runner))


def _makes_progress(runner: Runner) -> None:
    assert runner.makes_progress()
    runner._last_progress -= 60
    assert not runner.makes_progress()


def test_what_had_no_time_is_unread_and_the_next_reading_counts_at_once() -> None:
    """However many good readings an all-clear takes else: nothing bad was seen."""
    reads = 0

    async def late() -> Reading:
        nonlocal reads
        reads += 1
        if reads < 3:
            raise Unread("no time")
        return GOOD

    seen: list[tuple[int, bool, Status]] = []

    async def main() -> None:
        check = Fake("late", late)
        check.primary = GOOD.entries[0]

        def note(snapshot: Snapshot) -> None:
            (shown,) = snapshot.views[0].shown
            seen.append((reads, shown.entry.unread, shown.status))

        runner = Runner([check], {"late": Pace(0.02, 1, 9, 1)}, "edge1", note)
        task = asyncio.create_task(runner.run())
        while len(seen) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(asyncio.wait_for(main(), 30))
    assert seen == [(1, True, Status.FAIL), (3, False, Status.PASS)]


def test_what_shows_that_it_is_bad_is_not_unread() -> None:
    async def away() -> Reading:
        raise Unreadable("cannot be reached")

    def then(runner: Runner) -> None:
        assert [one.entry.unread for one in runner.snapshot().views[0].shown] == [False]

    run([Fake("away", away)], Pace(0.1, 0.05, 1, 1), 0.2, then)


@pytest.mark.parametrize(("status", "readings"), [(Status.PASS, 1), (Status.WARN, 4), (Status.FAIL, 4)])
def test_what_is_not_well_is_read_again_soon_however_seldom_it_is_read(
    monkeypatch: pytest.MonkeyPatch, status: Status, readings: int
) -> None:
    monkeypatch.setattr(background, "MENDED", 0.2)
    read: list[float] = []

    async def seldom() -> Reading:
        read.append(time.monotonic())
        return Reading((Entry("m", "thing", "component", status, "thing"),))

    run([Fake("seldom", seldom)], Pace(300, 1, 1, 1), 0.7, lambda _: None)
    assert len(read) == readings


def test_a_check_that_knows_why_nothing_answers_is_heard_where_the_loop_was_held_up() -> None:
    async def hang() -> Reading:
        try:
            async with asyncio.timeout(0.2):
                await asyncio.sleep(60)
        except TimeoutError:
            for _ in range(5):  # its connection is closed first
                await asyncio.sleep(0)
            raise Unreadable("the store hangs") from None
        return GOOD

    async def hold_up() -> Reading:
        await asyncio.sleep(0.1)
        time.sleep(0.4)  # past both ends
        return GOOD

    def then(runner: Runner) -> None:
        assert runner.snapshot().views[0].output == "hanging: the store hangs"

    run([Fake("hanging", hang), Fake("busy", hold_up)], Pace(60, 0.3, 1, 1), 0.8, then)
