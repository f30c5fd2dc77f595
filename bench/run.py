"""One run: phase after phase, in a profile's measure."""

from collections.abc import Callable
from dataclasses import dataclass

from .machine import loop_ns
from .phases import Lab, catchup, counted, idle, live, start, stream, window


@dataclass(frozen=True)
class Profile:
    """How much is measured. `per` gives Rust's and Python's share where they differ."""

    name: str
    starts: dict[str, int]
    idle_s: float
    work_s: float
    live_s: float
    streams: dict[str, int]
    stream_repeats: int
    windows: dict[str, int]
    window_repeats: int
    catch_ups: dict[str, int]
    catch_up_s: int
    hour_s: float
    counted_windows: dict[str, int]
    counted_s: float


HOST = Profile(
    name="host",
    starts={"rust": 5, "python": 3},
    idle_s=20,
    work_s=15,
    live_s=30,
    streams={"mouse": 60_000, "keystroke": 60_000},
    stream_repeats=3,
    windows={"rust": 1000, "python": 120},
    window_repeats=3,
    catch_ups={"rust": 0, "python": 0},
    catch_up_s=0,
    hour_s=0,
    counted_windows={"rust": 0, "python": 0},
    counted_s=0,
)
FULL = Profile(
    name="full",
    starts={"rust": 10, "python": 5},
    idle_s=24,
    work_s=20,
    live_s=60,
    streams={"mouse": 400_000, "keystroke": 400_000},
    stream_repeats=5,
    windows={"rust": 2000, "python": 200},
    window_repeats=15,
    catch_ups={"rust": 7, "python": 5},
    catch_up_s=120,
    hour_s=3600,
    counted_windows={"rust": 400, "python": 20},
    counted_s=30,
)
QUICK = Profile(
    name="quick",
    starts={"rust": 1, "python": 1},
    idle_s=2,
    work_s=2,
    live_s=11,
    streams={"mouse": 9_000, "keystroke": 4_000},
    stream_repeats=1,
    windows={"rust": 200, "python": 30},
    window_repeats=1,
    catch_ups={"rust": 1, "python": 1},
    catch_up_s=10,
    hour_s=120,
    counted_windows={"rust": 20, "python": 2},
    counted_s=6,
)

Phase = tuple[str, str, Callable[[Lab, Profile], None]]


def _idle(lab: Lab, profile: Profile) -> None:
    with lab.testbed("rust") as rust, lab.testbed("python") as python:
        testbeds = {"rust": rust, "python": python}
        for testbed in testbeds.values():
            testbed.start()
            testbed.wait_ready()
        idle.measure(lab, testbeds, profile.idle_s)
        for testbed in testbeds.values():
            testbed.stop()


PHASES: tuple[Phase, ...] = (
    ("start", "from start to READY", lambda lab, p: start.measure(lab, p.starts)),
    ("idle", "idle", _idle),
    ("work", "at 50 events/s", lambda lab, p: live.measure_work(lab, p.work_s)),
    ("live", "under 1000 events/s", lambda lab, p: live.measure(lab, p.live_s)),
    ("stream", "events/s from a stream", lambda lab, p: stream.measure(lab, p.stream_repeats, p.streams)),
    ("window", "one keystroke window", lambda lab, p: window.measure(lab, p.window_repeats, p.windows)),
)
COUNTED: Phase = (
    "counted",
    "instructions of a window and of an event",
    lambda lab, p: counted.measure(lab, p.counted_windows, p.counted_s),
)
CATCH_UP: Phase = ("catchup", "a start with a backlog", lambda lab, p: catchup.measure(lab, p.catch_ups, p.catch_up_s))


def run(lab: Lab, profile: Profile, phases: tuple[Phase, ...]) -> dict[str, float]:
    """All phases, in order, each reported before it begins. How fast the machine was meanwhile, for `about`."""
    turns = [loop_ns()]
    for _, title, measure in phases:
        lab.say(f"{title}:")
        measure(lab, profile)
        turns.append(loop_ns())
    return {"loop_ns_least": round(min(turns), 1), "loop_ns_most": round(max(turns), 1)}
