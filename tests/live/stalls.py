"""A producer that lags: it stalls, and then sends what it held. What is lost by that, and how it is counted.

    python -m tests.live.stalls [--seed N] [--write]

feeds the three programs of both implementations for a minute and a half, with stalls of 0.1, 1, 10 and 40 s in an order
of chance, and prints what came out beside a replay of the same events; `--write` writes it to docs/stalls.md.
"""

import argparse
import heapq
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from tests.helpers import ROOT
from tests.helpers.waiting import until

from .events import KEEP_MS, stream_of
from .expected import Json, key_of, replay_with
from .world import KINDS, World

RATES = {"keystroke": 1000, "mouse": 1000, "app": 100}  # events/s
STALLS_S = (0.1, 1.0, 10.0, 40.0)
BETWEEN_S = 6.0
TICK_S = 0.005
AT_ONCE = 200  # events, so that those of each kind begin to come as soon as the stall is over
IDLE_TIMEOUT_US, LATENESS_US = 2_000_000, 250_000
# No window is due so long before or after a stall ends, that either may come first. An empty one
# is closed when Redis says that there is nothing more to read: Rust asks for that every 2.5 s.
CLEAR_BEFORE_US, CLEAR_AFTER_US = 2_700_000, 300_000
# Every key comes again only when it is no auto-repeat, so that `total_keys` is the number of a window's events.
KEYS = 2000


class NoInflux:
    """No server is there: what is not about InfluxDB needs none."""

    url, token = "http://127.0.0.1:9", "none"

    def add_bucket(self, name: str) -> None:
        """There is none."""


@dataclass(frozen=True)
class Shape:
    """Windows, in µs."""

    window: int
    interval: int

    @property
    def settings(self) -> dict[str, str]:
        """For the programs."""
        return {
            "WINDOW_SECONDS": str(self.window // 1_000_000),
            "UPDATE_INTERVAL": str(self.interval // 1_000_000),
            "SECLYZER_LATENESS_MS": str(LATENESS_US // 1000),
            "SECLYZER_BUFFER_EVENTS": "1000000",
            "SECLYZER_MIN_EVENTS": "1",
        }

    def ends_of(self, ts: int) -> range:
        """The ends of the windows that hold it."""
        first = -(-ts // self.interval) * self.interval
        return range(first, (ts + self.window - 1) // self.interval * self.interval + 1, self.interval)


@dataclass(frozen=True)
class Stall:
    """From the last event before it to the first one that was sent after it, in µs; Unix time."""

    begun: int
    ended: int

    def closes(self, end: int) -> bool:
        """Real time has closed the window of this end meanwhile."""
        return self.begun <= end + LATENESS_US and end + LATENESS_US + IDLE_TIMEOUT_US < self.ended

    def passed(self, end: int) -> bool:
        """This window's end passed in it."""
        return self.begun < end <= self.ended


@dataclass
class Sent:
    """What was sent of each kind, in order; and the stalls."""

    events: dict[str, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    times: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    stalls: list[Stall] = field(default_factory=list)


def event(kind: str, place: int, ts: int) -> bytes:
    """One of this kind's events."""
    if kind == "keystroke":
        return b'{"type":"keystroke","ts":%d,"key":"k%d","event":"press"}' % (ts, place % KEYS)
    if kind == "mouse":
        return b'{"type":"mouse","ts":%d,"event":"move","x":%d,"y":%d}' % (ts, place % 1000, place % 70)
    return b'{"type":"app","ts":%d,"app_name":"a%d"}' % (ts, place % 7)


class Producer:
    """Sends to several hosts the same events, each when it happens, or after the stall that it happens in."""

    def __init__(self, worlds: Sequence[World]) -> None:
        self.sent = Sent()
        self._clients = [world.redis.client() for world in worlds]
        self._until = time.time_ns() // 1000  # what happened before is made

    def work(self, seconds: float) -> None:
        """At work for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(TICK_S)
            self._send()

    def stall(self, seconds: float, shape: Shape) -> None:
        """Sends nothing for so long, or a little longer so that no window is due just when it ends."""
        self._send()
        begun = max(times[-1] for times in self.sent.times.values())
        time.sleep(seconds)
        if seconds * 1e6 > IDLE_TIMEOUT_US:
            while not CLEAR_BEFORE_US < self._into_interval(shape) < shape.interval - CLEAR_AFTER_US:
                time.sleep(TICK_S)
        self.sent.stalls.append(Stall(begun, time.time_ns() // 1000))
        self._send()

    def _into_interval(self, shape: Shape) -> int:
        return (time.time_ns() // 1000 - LATENESS_US - IDLE_TIMEOUT_US) % shape.interval

    def _send(self) -> None:
        """All that happened since the last time."""
        since, self._until = self._until, time.time_ns() // 1000
        happened = heapq.merge(*(_times(kind, since, self._until) for kind in RATES))
        for few in iter(lambda: list(islice(happened, AT_ONCE)), []):
            pipes = [client.pipeline(transaction=False) for client in self._clients]
            for ts, kind in few:
                text = event(kind, len(self.sent.times[kind]), ts)
                self.sent.times[kind].append(ts)
                self.sent.events[kind].append(text)
                for pipe in pipes:
                    pipe.xadd(stream_of(kind), {"e": text}, minid=time.time_ns() // 1_000_000 - KEEP_MS)
            for pipe in pipes:
                pipe.execute()


def _times(kind: str, since: int, until: int) -> Iterator[tuple[int, str]]:
    """When something happens of this kind."""
    step = 1_000_000 // RATES[kind]
    return ((ts, kind) for ts in range(-(-since // step) * step, until, step))


@dataclass
class Found:
    """What came of one kind in one implementation."""

    windows: int = 0  # of the replay; applications: transitions
    passed: int = 0  # of which the end passed in a stall longer than the idle timeout
    lost: int = 0  # that did not come
    differ: int = 0  # that came with other values
    elsewhere: int = 0  # of both those whose end passed in no such stall
    missed: int = 0  # events that windows miss, by `total_keys` (keystrokes)
    counted: dict[str, int] = field(default_factory=dict)
    explained: dict[str, int] = field(default_factory=dict)  # the same counters, by the law

    def wrongs(self) -> list[str]:
        """What is not as it should be, in words."""
        reported = [f"{self.elsewhere} windows differ whose end passed in no stall"] if self.elsewhere else []
        if self.counted != self.explained:
            reported.append(f"{self.counted} were counted, {self.explained} explain it")
        return reported


def explained(kind: str, sent: Sent, shape: Shape) -> dict[str, int]:
    """The counters that the stalls explain."""
    counts = {"late": 0, "behind": 0, "sessions": 0}
    for stall in sent.stalls:
        held = [ts for ts in sent.times[kind] if stall.begun < ts < stall.ended] if kind != "app" else []
        for ts in held:
            closed = [stall.closes(end) for end in shape.ends_of(ts)]
            counts["late"] += all(closed)
            counts["behind"] += any(closed) and not all(closed)
    return counts


def judge(world: World, implementation: str, kind: str, sent: Sent, shape: Shape) -> Found:
    """Compares what was published with a replay of what was sent."""
    rows = {key_of(row): row for row in map(json.loads, world.published[kind])}
    assert len(rows) == len(world.published[kind]), "something was published twice"
    whole = replay_with(implementation, kind, sent.events[kind], shape.settings)
    stats = world.stats(kind)
    found = Found(windows=len(whole.texts), explained=explained(kind, sent, shape))
    found.counted = {name: int(stats[name]) for name in found.explained}
    long = [stall for stall in sent.stalls if stall.ended - stall.begun > IDLE_TIMEOUT_US]
    for row in map(json.loads, whole.texts):
        came = rows.pop(key_of(row), None)
        is_passed = kind != "app" and any(stall.passed(row["ts"]) for stall in long)
        found.passed += is_passed
        found.lost += came is None
        found.differ += came is not None and came != row
        found.elsewhere += came != row and not is_passed
        if kind == "keystroke":
            found.missed += row["total_keys"] - (came or {}).get("total_keys", 0)
    found.elsewhere += len(rows)  # and those that are in no replay
    return found


def stalled(
    implementations: Sequence[str], seed: int, shape: Shape, stalls_s: Sequence[float] = STALLS_S
) -> tuple[Sent, dict[tuple[str, str], Found]]:
    """Feeds all programs of these implementations; what came, by implementation and kind."""
    order = random.Random(seed).sample(list(stalls_s), len(stalls_s))
    with ExitStack() as stack:
        worlds = {}
        for one in implementations:
            world = World(NoInflux(), f"stalls-{one}", SECLYZER_SPOOL_BYTES="0", **shape.settings)  # type: ignore[arg-type]
            stack.callback(world.close)
            world.start(one)
            worlds[one] = world
        producer = Producer(list(worlds.values()))
        producer.work(BETWEEN_S)
        for seconds in order:
            producer.stall(seconds, shape)
            producer.work(BETWEEN_S)
        sent = producer.sent
        for world in worlds.values():
            until(lambda world=world: all(_is_done(world, kind, sent) for kind in KINDS), "all is read and closed", 60)  # type: ignore[misc]
            world.stop()
        return sent, {(one, kind): judge(worlds[one], one, kind, sent, shape) for one in worlds for kind in KINDS}


def _is_done(world: World, kind: str, sent: Sent) -> bool:
    """All was read, and the last window with an event in its last interval has come."""
    if world.stats(kind).get("events") != str(len(sent.events[kind])):
        return False
    last: Json = json.loads(world.published[kind][-1]) if world.published[kind] else {"ts": 0}
    return int(last["ts"]) >= sent.times[kind][-1]


def table(found: dict[tuple[str, str], Found]) -> list[str]:
    """One line for each program, as Markdown."""
    lines = [
        "| program | outputs of the replay | ended in a stall of more than 2 s | of these not come, come otherwise"
        " | others that differ | `late` / explained | `behind` / explained | `sessions` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (implementation, kind), one in found.items():
        counts = [f"{one.counted[name]} / {one.explained[name]}" for name in ("late", "behind")]
        cells = [f"{kind}, {implementation}", one.windows, one.passed if kind != "app" else "-"]
        cells += [f"{one.lost}, {one.differ}", one.elsewhere, *counts, one.counted["sessions"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def report(seed: int) -> tuple[list[str], bool]:
    """The run in words, as Markdown, and whether all is as it should be."""
    sent, found = stalled(("python", "rust"), seed, Shape(30_000_000, 5_000_000))
    long = ", ".join(f"{(stall.ended - stall.begun) / 1e6:.1f}" for stall in sent.stalls)
    rates = " + ".join(map(str, RATES.values()))
    lines = [
        f"Seed {seed}: {rates} events/s of keystrokes, the mouse and applications; stalls of {long} s;"
        f" {sum(map(len, sent.events.values()))} events; windows of 30 s each 5 s.",
        "",
        *table(found),
    ]
    wrongs = [f"{one} {kind}: {wrong}" for (one, kind), each in found.items() for wrong in each.wrongs()]
    return [*lines, *([""] if wrongs else []), *(f"WRONG: {wrong}" for wrong in wrongs)], not wrongs


def main() -> int:
    """Runs it; 1 when something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--write", action="store_true", help="write the result into docs/stalls.md")
    options = parser.parse_args()
    lines, good = report(options.seed)
    print("\n".join(lines))
    if options.write and good:
        path = ROOT / "docs" / "stalls.md"
        head = path.read_text().split("<!-- run -->")[0]
        path.write_text(f"{head}<!-- run -->\n\n" + "\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
