"""What happens to the clock, or to time: set back and forward, stood still, old events and future ones."""

import signal
import time
from typing import Any

from tests.helpers.waiting import until, until_each

from .campaign import Fault
from .clock import Clock, preloading
from .redis_faults import forget_lists, note_unread
from .stage import KINDS, Stage

HOUR_S = 3600.0
LONG_AGO_US = 3_600_000_000


def with_clock(stage: Stage) -> None:
    """Redis, the feeder and the extractors see a clock of the stage's own."""
    stage.clock = Clock(stage.folder)
    preloading()  # built before time counts
    stage.servers_env = stage.clock.env


def set_clock(stage: Stage, *hours: float) -> None:
    """The clock shows so many hours more than it should, one after the other; nothing was unread."""
    assert stage.clock is not None
    for hour in hours:
        stage.wait_read()
        stage.clock.set_wall(hour * HOUR_S)
        assert abs(stage.client().time()[0] - time.time() - hour * HOUR_S) < 5, "Redis does not see the clock"
        stage.feeder.go()
        stage.wait_outputs(3)


def forward(stage: Stage) -> None:
    """An hour forward: no event is late, none is in the future."""
    set_clock(stage, 1)


def back(stage: Stage) -> None:
    """An hour back: 19 late events (applications: 2), then a new session."""
    set_clock(stage, -1)


def back_and_forward(stage: Stage) -> None:
    """An hour forward, back, another hour back, and right again."""
    set_clock(stage, 1, 0, -1, 0)


def suspended(stage: Stage) -> None:
    """Each extractor is stopped for a while and goes on: for less and for more than Redis may take to answer."""
    for seconds in (0.4, 1.2, 6.0):
        for one in stage.running.values():
            one.signal(signal.SIGSTOP)
        stage.run_for(seconds + stage.random.uniform(0.0, 0.5))
        for one in stage.running.values():
            one.signal(signal.SIGCONT)
        stage.wait_outputs(1)


def machine_suspended(stage: Stage) -> None:
    """Extractors, feeder and Redis are stopped together, and go on in an order of chance."""
    for seconds in (2.0, 5.0):
        parts: list[Any] = [*stage.running.values(), stage.feeder, stage.redis]
        stage.random.shuffle(parts)
        for part in parts:
            part.signal(signal.SIGSTOP)
        stage.notes["feeder held up"] = True
        stage.run_for(seconds)
        stage.random.shuffle(parts)
        for part in parts:
            part.signal(signal.SIGCONT)
        stage.wait_outputs(2)


def event(kind: str, ts: int) -> dict[str, object]:
    """One event of this kind."""
    if kind == "app":
        return {"app_name": "old", "ts": ts}
    if kind == "mouse":
        return {"event": "move", "x": 1, "y": 2, "ts": ts}
    return {"event": "press", "key": "a", "ts": ts}


def old_events(stage: Stage) -> None:
    """Fewer old events than make a session, twice, and windows go on."""
    for _ in range(2):
        stage.wait_read()
        now = time.time_ns() // 1000
        for kind in KINDS:
            count = 2 if kind == "app" else 19
            stage.add(kind, [event(kind, now - LONG_AGO_US + 1000 * n) for n in range(count)])
        stage.feeder.go()
        stage.wait_outputs(1)


def future_events(stage: Stage) -> None:
    """Events of six seconds, an hour and a year ahead: skipped and counted, and time does not move on."""
    for _ in range(2):
        now = time.time_ns() // 1000
        for kind in KINDS:
            stage.add(kind, [event(kind, now + ahead * 1_000_000) for ahead in (6, 3600, 31_536_000)], in_replay=False)
        stage.wait_outputs(1)


def trimmed_gap(stage: Stage) -> None:
    """Suspended for longer than the stream is kept, so that what was not read has gone: counted in `gaps`."""
    assert stage.clock is not None
    for one in stage.running.values():
        one.signal(signal.SIGSTOP)
    stage.run_for(0.5)
    stage.feeder.pause()
    note_unread(stage)
    stage.run_for(2.0)
    client = stage.client()
    for kind in KINDS:
        client.xtrim(f"seclyzer:stream:{kind}", maxlen=0, approximate=False)
    # The first focus after it ends the last one that was read, or repeats it.
    stage.notes["may lose"]["app"] = (stage.notes["may lose"]["app"][0], time.time_ns() // 1000 + 133_000_000)
    stage.clock.set_wall(130)
    stage.clock.set_monotonic(130)
    stage.feeder.go()
    stage.run_for(0.3)
    for one in stage.running.values():
        one.signal(signal.SIGCONT)
    stage.wait_outputs(3)
    until(lambda: stage.stats("mouse").get("gaps", "0") != "0", "the gap is counted")


def back_in_an_empty_redis(stage: Stage) -> None:
    """Redis comes back empty on a machine whose clock was set back: its ids are before the last one read."""
    assert stage.clock is not None
    stage.wait_read()
    stage.redis_away()
    forget_lists(stage)
    stage.clock.set_wall(-HOUR_S)
    stage.redis_back()
    until_each(KINDS, lambda kind: stage.doors[kind].reads(), "it reads from the empty Redis")
    stage.feeder.go()
    stage.wait_outputs(3)


def late(times: int) -> dict[str, int | dict[str, int] | None]:
    """What a clock counts that was set back so often."""
    return {"late": {"keystroke": 19 * times, "mouse": 19 * times, "app": 2 * times}, "sessions": times}


FAULTS = [
    Fault("clock forward", forward, prepare=with_clock),
    Fault("clock back", back, prepare=with_clock, counts=late(1)),
    Fault("clock back and forward", back_and_forward, prepare=with_clock, counts=late(2)),
    Fault("clock back, redis restart", back_in_an_empty_redis, prepare=with_clock, counts=late(1)),
    Fault("suspended extractor", suspended),
    Fault("suspended machine", machine_suspended),
    Fault("burst of old events", old_events, counts=late(2) | {"sessions": 0}),
    Fault("future events", future_events, counts={"future": 6}),
    Fault("trimmed gap", trimmed_gap, prepare=with_clock, loses=True, counts={"gaps": 1}),
]
