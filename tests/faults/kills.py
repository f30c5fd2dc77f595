"""`kill -9` under load: most at random moments, some aimed at where it must hurt; each reported by where it hit."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.helpers.waiting import until

from .campaign import Fault
from .stage import KINDS, Stage
from .watch import Watch

AIMS = {"before EXEC": 2, "after EXEC": 2, "half a send": 1, "answer of a send": 1, "spool write": 2}
RANDOM = 9
PLACES = ("starting", "reading", "before EXEC", "after EXEC", "in a spool write", "in a send")
MUST = PLACES[1:]
NextOne = Callable[[], str]
PATIENCE_S = 15.0  # for the moment aimed at; when it does not come, the kill hits what it hits


class Killer:
    """Kills one kind of extractor again and again. `next_one` names the implementation that is started then."""

    def __init__(self, stage: Stage, kind: str, next_one: NextOne) -> None:
        self.stage, self.kind, self.next_one = stage, kind, next_one
        self.random = random.Random(f"{stage.seed} {kind}")
        self.hits: Counter[str] = Counter()
        self._struck = threading.Event()
        self._at = 0.0
        self._where = ""
        door, writes = stage.doors[kind], stage.writes[kind]
        door.on_strike = writes.on_strike = self._strike

    def _strike(self, where: str) -> None:
        os.kill(self.stage.running[self.kind].pid, signal.SIGKILL)
        self._at, self._where = time.monotonic(), where
        self._struck.set()

    def kill(self, aim: str) -> None:
        """One kill, and the next start."""
        self._struck.clear()
        self._where = ""
        getattr(self, "_at_" + aim.split()[0], self._at_exec)(aim)
        if not self._struck.is_set():
            self._strike("")
        self.stage.running[self.kind].kill()
        door, writes = self.stage.doors[self.kind], self.stage.writes[self.kind]
        door.aim = writes.aim = ""
        until(lambda: not any(tap.wire.open for tap in door.wires), "its connections end")
        where = self._where or door.hit_at(self._at) or writes.hit_at(self._at) or self._elsewhere()
        self.hits[where] += 1
        if self.random.random() < 0.3:
            time.sleep(self.random.uniform(0.0, 0.5))
        self.stage.start(self.kind, self.next_one())
        writes.come_back()

    def _elsewhere(self) -> str:
        return "reading" if "READY=1" in self.stage.running[self.kind].heard else "starting"

    def _at_random(self, _: str) -> None:
        time.sleep(self.random.expovariate(1.0))

    def _at_exec(self, aim: str) -> None:
        self._wait_running()
        self.stage.doors[self.kind].aim = aim
        self._struck.wait(PATIENCE_S)

    def _at_half(self, aim: str) -> None:
        self._wait_running()
        self.stage.writes[self.kind].aim = aim
        self._struck.wait(PATIENCE_S)

    _at_answer = _at_half

    def _at_spool(self, _: str) -> None:
        self._wait_running()
        folder = self.stage.state(self.kind) / "spool"
        folder.mkdir(mode=0o700, exist_ok=True)
        watch = Watch(folder)
        self.stage.writes[self.kind].go_away()
        grown = watch.wait(PATIENCE_S)
        at = time.monotonic()
        self._strike("")
        moved = self.stage.doors[self.kind].stored_at >= at
        self._where = "in a spool write" if grown and not moved else ""
        watch.close()

    def _wait_running(self) -> None:
        one = self.stage.running[self.kind]
        until(lambda: "READY=1" in one.heard and self.stage.doors[self.kind].wires[-1].wire.open, f"{one} runs")


def plan(randomly: int, aims: dict[str, int], chance: random.Random) -> list[str]:
    """So many kills of each sort, in an order of chance."""
    kills = ["random"] * randomly + [aim for aim, count in aims.items() for _ in range(count)]
    chance.shuffle(kills)
    return kills


def each_kind(
    stage: Stage, work: Callable[[Killer], None], next_one: Callable[[str], Callable[[], str]]
) -> Counter[str]:
    """Works on all kinds at the same time; what was hit."""
    killers = {kind: Killer(stage, kind, next_one(kind)) for kind in KINDS}
    faults: list[Exception] = []

    def run(killer: Killer) -> None:
        try:
            work(killer)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(killer,)) for killer in killers.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise AssertionError(f"{faults[0]!r}")
    return sum((killer.hits for killer in killers.values()), Counter())


def note(stage: Stage, hits: Counter[str], must: tuple[str, ...]) -> None:
    """For the report; each place that must be hit was."""
    stage.notes["kills"] = {place: hits[place] for place in sorted({*PLACES, *hits})}
    stage.notes["kills in all"] = hits.total()
    stage.wrongs += [f"no kill hit {place!r}" for place in must if not hits[place]]


def kill_again_and_again(stage: Stage) -> None:
    """51 kills, of which 27 at random."""

    def work(killer: Killer) -> None:
        for aim in plan(RANDOM, AIMS, killer.random):
            killer.kill(aim)

    note(stage, each_kind(stage, work, lambda kind: lambda: stage.implementation), MUST)


def switch_modes(stage: Stage) -> None:
    """The implementation changes at each start, by SIGTERM and by kill -9 alternately."""
    switches: Counter[str] = Counter()

    def turns(kind: str) -> NextOne:
        return lambda: "rust" if stage.used[kind][-1] == "python" else "python"

    def work(killer: Killer) -> None:
        for number, aim in enumerate(plan(3, {name: 1 for name in AIMS}, killer.random)):
            if number % 2:
                killer.kill(aim)
                switches["SIGKILL"] += 1
            else:
                killer._wait_running()
                time.sleep(killer.random.uniform(0.0, 1.0))
                stage.stop(killer.kind)
                stage.start(killer.kind, killer.next_one())
                switches["SIGTERM"] += 1

    hits = each_kind(stage, work, turns)
    stage.notes["switches"] = dict(switches)
    note(stage, hits, ())


SETTINGS = {"SECLYZER_INFLUX_RETRY_SECONDS": "1"}
FAULTS = [
    Fault("kills", kill_again_and_again, SETTINGS),
    Fault("mode switches", switch_modes, SETTINGS),
]
