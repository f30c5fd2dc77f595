"""Where checks are read: in one thread, in few wakeups; what blocks it or takes long holds up nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from agent_world import Agent, Host

from seclyzer_agent import readers
from seclyzer_agent.model import Entry, Pace, Reading, Status
from seclyzer_agent.per_loop import PerLoop
from seclyzer_agent.readers import Threads
from seclyzer_agent.runner import Ended, Outcome, Runner
from tests.helpers.waiting import until

Start = Callable[..., Agent]
GOOD = Reading((Entry("m", "thing", "component", Status.PASS, "thing is well", 1),))
SOON = 2.0
"""s in which a reading ends that nothing holds up, on a busy machine."""


class Fake:
    """A check; `read_in` are the threads that its readings began in."""

    after = ()

    def __init__(self, name: str, read: Callable[[], Awaitable[None]] | None = None) -> None:
        self.name, self._read = name, read
        self.primary = Entry("m", name, "component", Status.FAIL, "")
        self.read_in: list[int] = []

    async def read(self) -> Reading:
        self.read_in.append(threading.get_ident())
        if self._read is not None:
            await self._read()
        return GOOD


class Look:
    """A look at some checks: when each reading ended, and how."""

    def __init__(self, threads: Threads, *checks: Fake) -> None:
        self.ended: dict[str, tuple[float, Outcome]] = {}
        self._began = time.monotonic()
        threads.begin(checks, self._end)

    def _end(self, name: str, outcome: Outcome) -> None:
        assert name not in self.ended
        self.ended[name] = (time.monotonic() - self._began, outcome)

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(20):
            while not set(names) <= self.ended.keys():
                await asyncio.sleep(0.01)


def with_threads(use: Callable[[Threads], Awaitable[None]]) -> None:
    async def nothing() -> None:
        pass

    async def main() -> None:
        threads = Threads()
        try:
            await use(threads)
        finally:
            await threads.close(nothing)

    asyncio.run(main())


def alive() -> set[int]:
    return {thread.native_id or 0 for thread in threading.enumerate()}


def test_readings_of_one_look_take_turns_in_one_thread_and_are_reported_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns: list[str] = []

    def check(name: str) -> Fake:
        async def read() -> None:
            turns.append(name)
            await asyncio.sleep(0)
            turns.append(name)

        return Fake(name, read)

    async def use(threads: Threads) -> None:
        checks = [check(name) for name in "abcd"]
        loop, reports = asyncio.get_running_loop(), list[object]()
        wakes = loop.call_soon_threadsafe

        def counted(*what: Any) -> Any:
            reports.append(what)
            return wakes(*what)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        look = Look(threads, *checks)
        await look.until(*"abcd")
        assert turns == [*"aabbccdd"]
        (thread,) = {ident for one in checks for ident in one.read_in}
        assert thread != threading.get_ident()
        assert len(reports) == 1

    with_threads(use)


def test_a_reading_that_takes_long_lets_the_next_begin() -> None:
    async def use(threads: Threads) -> None:
        look = Look(threads, Fake("long", lambda: asyncio.sleep(60)), Fake("quick"))
        await look.until("quick")
        assert look.ended["quick"][0] < SOON
        threads.cancel("long")
        await look.until("long")
        assert isinstance(look.ended["long"][1], asyncio.CancelledError)

    with_threads(use)


def test_a_reading_that_blocks_its_thread_keeps_it_and_the_others_go_on_in_another() -> None:
    release = threading.Event()

    async def block() -> None:
        release.wait(60)

    async def use(threads: Threads) -> None:
        before = alive()
        first, quick = Fake("first"), [Fake("a"), Fake("b")]
        look = Look(threads, first, Fake("blocks", block), *quick)
        await look.until("first", "a", "b")
        assert max(look.ended[name][0] for name in "ab") < SOON
        assert {ident for one in quick for ident in one.read_in} & {*first.read_in} == set()
        again = Look(threads, first, *quick)
        await again.until("first", "a", "b")
        assert max(at for at, _ in again.ended.values()) < readers.LOOK
        assert len(alive() - before) == 1 and "blocks" not in look.ended
        release.set()
        await look.until("blocks")
        assert look.ended["blocks"][1] is GOOD
        await asyncio.to_thread(until, lambda: len(alive() & before) < len(before))  # its thread has ended

    with_threads(use)


def test_what_was_under_way_beside_a_reading_that_blocks_begins_anew() -> None:
    release, cancelled = threading.Event(), list[bool]()
    kept = PerLoop(object)
    things: list[object] = []

    async def slow() -> None:
        things.append(kept.here())
        if len(things) > 1:
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def block() -> None:
        release.wait(60)

    async def use(threads: Threads) -> None:
        look = Look(threads, Fake("slow", slow), Fake("blocks", block))
        await look.until("slow")
        assert look.ended["slow"] == (look.ended["slow"][0], GOOD) and look.ended["slow"][0] < SOON
        assert things[0] is not things[1]  # a connection of the other thread is left to it
        assert not cancelled
        release.set()
        await look.until("blocks")
        await asyncio.to_thread(until, lambda: cancelled)

    with_threads(use)


def test_what_waits_for_its_turn_never_begins_once_it_is_cancelled() -> None:
    async def use(threads: Threads) -> None:
        waiting = Fake("waiting")
        look = Look(threads, Fake("first", lambda: asyncio.sleep(readers.TURN / 2)), waiting)
        threads.cancel("waiting")
        await look.until("first", "waiting")
        assert waiting.read_in == [] and isinstance(look.ended["waiting"][1], asyncio.CancelledError)

    with_threads(use)


def test_checks_whose_intervals_meet_are_read_together() -> None:
    looks: list[tuple[str, ...]] = []

    class Recorded:
        def begin(self, checks: list[Fake], ended: Ended) -> None:
            looks.append(tuple(check.name for check in checks))
            for check in checks:  # the first reading ends later than that of the others
                later = 0.03 if check.name == "slow" else 0.0
                asyncio.get_running_loop().call_later(later, ended, check.name, GOOD)

        def cancel(self, name: str) -> None:
            raise AssertionError(name)

    async def main() -> None:
        paces = {"often": Pace(0.2, 0.2, 1, 1), "slow": Pace(0.2, 0.2, 1, 1), "seldom": Pace(0.4, 0.2, 1, 1)}
        after = Fake("seldom")
        after.after = ("slow",)  # type: ignore[assignment]
        runner = Runner([Fake("often"), Fake("slow"), after], paces, "edge1", readers=Recorded())  # type: ignore[arg-type]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.9):
                await runner.run()

    asyncio.run(main())
    assert looks == [
        ("often", "slow"), ("seldom",), ("often", "slow"), ("often", "slow", "seldom"), ("often", "slow"),
        ("often", "slow", "seldom"),
    ]  # fmt: skip


BLOCKS = """
import time
from ..model import Entry, Pace, Reading, Status
from ..spec import Spec

class Check:
    name, after = "blocks", ()
    primary = Entry("thing", "blocks", "component", Status.FAIL, "")

    async def read(self):
        time.sleep(60)

SPEC = Spec(
    names=("blocks",), order=1, help="a check", pace=Pace(0.5, 0.4, rise=1, fall=1),
    measurements={"thing": "a thing"}, make=lambda _: [Check()],
)
"""


def test_a_check_that_hangs_for_a_minute_changes_nothing_in_the_others(host: Host, start: Start) -> None:
    (host.own_code() / "checks" / "blocks.py").write_text(BLOCKS)
    for pace in host.config["checks"].values():  # shorter ones are no deadlines that a busy machine keeps
        pace |= {"interval_seconds": 1.0, "deadline_seconds": 2.0, "rise": 1, "fall": 1}
    agent = start()
    until(lambda: agent.output("blocks") == "blocks: an earlier reading still hangs")
    began, counts = time.monotonic(), dict[str, set[str]]()
    while time.monotonic() - began < 6:
        checks = agent.inside("/healthz?verbose").json["checks"]
        for name in ("units:state", "memory:used", "redis:memory", "keystroke:heartbeat", "deployment:release"):
            for entry in checks[name]:
                assert entry["status"] == "pass", entry
                counts.setdefault(name, set()).add(entry["time"])
        assert agent.get("/livez").seconds < 1
        time.sleep(0.1)
    assert {name: len(times) >= 4 for name, times in counts.items()} == dict.fromkeys(counts, True)


def switches(pid: int) -> int:
    """Voluntary context switches of all threads."""
    lines = [
        line
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
        if line.startswith("voluntary")
    ]
    return sum(int(line.split()[1]) for line in lines)


def test_it_wakes_hardly_more_often_than_its_checks_are_due(host: Host, start: Start) -> None:
    host.config["checks"] = {}  # as they are by default
    agent = start()
    time.sleep(1)
    before, began = switches(agent.process.pid), time.monotonic()
    time.sleep(15)
    wakeups = (switches(agent.process.pid) - before) / (time.monotonic() - began)
    assert len(list(Path(f"/proc/{agent.process.pid}/task").iterdir())) == 2
    assert wakeups < 4.0
