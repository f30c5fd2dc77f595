"""One fault, from its name to what came of it."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.helpers import ROOT
from tests.helpers.waiting import PATIENCE_S, until
from tests.live.events import SECRET

from . import judge
from .feeding import Entry
from .judge import Outcome, Replay
from .stage import KINDS, Stage

# A feeder that was held up this long itself has sent late events, which is no fault of an extractor.
FEEDER_HELD_UP_MS = 400.0
STATES = json.loads((ROOT / "extractors/schema/state.json").read_text())["states"]
CURSOR = str(next(state["version"] for state in STATES if state["name"] == "cursor"))
OF_EVENTS = ("late", "future", "dropped", "malformed", "gaps", "sessions")
OF_OUTPUTS = ("points_dropped", "points_rejected", "outputs_dropped", "output_errors")


@dataclass(frozen=True)
class Fault:
    """A named fault. `play` is called under load, once outputs have come.

    `counts`: counters that are not 0 at the end, and what they are (None: at least 1), of all kinds or of each.
    `loses`: what is lost is reported, and of no other time than `stage.notes["may lose"]`: first and last µs.
    `gateway`: options of its role that are not the default.
    `caps`: the spool's oldest points go; as many as are counted, and none but the oldest of the outage.
    """

    name: str
    play: Callable[[Stage], None]
    settings: dict[str, str] = field(default_factory=dict)
    own_influx: bool = False
    gateway: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Stage], None] = lambda stage: None
    begin: Callable[[Stage], None] = Stage.begin
    counts: dict[str, int | dict[str, int] | None] = field(default_factory=dict)
    counts_of: tuple[str, ...] = KINDS
    loses: bool = False
    caps: bool = False


@dataclass
class Result:
    """What came of a fault. `wrongs` is empty when nothing was lost, doubled or miscounted."""

    fault: str
    implementation: str
    seed: int
    seconds: float = 0.0
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    stats: dict[str, dict[str, str]] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    logs: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


def again(fault: str, implementation: str, seed: int) -> str:
    """How to run it again."""
    return f"python -m tests.faults.one --fault '{fault}' --implementation {implementation} --seed {seed}"


def run(fault: Fault, implementation: str, seed: int, shared_influx: str = "") -> Result:
    """Sets the stage, plays the fault, and compares."""
    result = Result(fault.name, implementation, seed)
    started = time.monotonic()
    shared = "" if fault.own_influx else shared_influx
    with Stage(fault.name, implementation, seed, shared, fault.gateway, **fault.settings) as stage:
        try:
            fault.prepare(stage)
            stage.set_up()
            fault.begin(stage)
            fault.play(stage)
            finish(stage, fault, result)
        except Exception as error:
            result.wrongs.append(f"it did not come to its end: {type(error).__name__}: {error}")
        result.wrongs += stage.wrongs
        result.notes, result.seconds = stage.notes, round(time.monotonic() - started, 1)
        if stage.relay.crashed is not None:
            result.notes["invalid"] = f"the proxy crashed: {stage.relay.crashed!r}"
        if stage.feeder.figures:
            result.load = {name: value for name, value in stage.feeder.figures.items() if name != "last"}
        if result.wrongs:
            result.logs = "\n".join(f"--- {one}\n{one.log[-4000:]}" for one in stage.all[-12:])
    return result


def finish(stage: Stage, fault: Fault, result: Result) -> None:
    """All comes out before the programs are stopped; then the comparison."""
    entries = sorted([*stage.feeder.end(), *stage.injected], key=lambda entry: entry.at)
    replays = {kind: replays_of(stage, kind, entries) for kind in KINDS}
    wait_for_all(stage, replays, 5.0 if fault.loses else PATIENCE_S, fault.caps)
    time.sleep(0.3)  # for what should not come any more
    for kind in list(stage.running):
        stage.stop(kind)
        result.stats[kind] = stage.stats(kind)  # now: they expire, and the comparison takes its time
    for kind in KINDS:
        published = list(stage.published[kind])
        listed = stage.client().lrange(f"seclyzer:features:{kind}", 0, -1)[::-1]
        outcome = judge.outcome_of(
            kind, replays[kind], published, stage.notes.get("list_from", {}).get(kind, 0), listed, stage.stored(kind)
        )
        stats = result.stats.setdefault(kind, stage.stats(kind))
        if fault.caps:
            stage.notes.setdefault("dropped at the cap", {})[kind] = len(outcome.points_lost)
            in_doubt = stage.writes[kind].in_doubt()
            result.wrongs += judge.capped(outcome, replays[kind], int(stats["points_dropped"]), in_doubt)
        result.outcomes[kind] = outcome.as_json()
        if fault.loses:
            result.wrongs += bounded(stage, outcome)
        else:
            result.wrongs += judge.wrongs(outcome)
            result.wrongs += cursor_wrongs(stage, kind, replays[kind])
        result.wrongs += counter_wrongs(fault, kind, stats)
    if not fault.loses:
        result.wrongs += pattern_wrongs(stage, replays["app"][stage.used["app"][-1]])
    if SECRET in stage.logs():
        result.wrongs.append("a log holds what was typed")
    worst = stage.feeder.figures["worst_delay_ms"]
    if worst > FEEDER_HELD_UP_MS and not stage.notes.get("feeder held up"):
        result.notes["invalid"] = f"the feeder itself was held up for {worst:.0f} ms"


def replays_of(stage: Stage, kind: str, entries: list[Entry]) -> dict[str, Replay]:
    """The replay of each implementation that ran, the last one's first."""
    texts = [entry.text for entry in entries if entry.kind == kind]
    used = dict.fromkeys(reversed(stage.used[kind]))
    return {one: judge.replay(one, kind, texts, stage.settings) for one in used}


def wait_for_all(stage: Stage, replays: dict[str, dict[str, Replay]], patience: float, caps: bool) -> None:
    """Until as many outputs as expected are published and stored; what is missing then is the judge's business."""
    end = time.monotonic() + patience
    for kind in KINDS:
        expected = next(iter(replays[kind].values())).by_key()
        outputs = sum(map(len, expected.values()))
        while len(stage.published[kind]) < outputs and time.monotonic() < end:
            time.sleep(0.05)
        awaited = {max(expected)} if caps else expected.keys()
        while not awaited <= stage.stored(kind).keys() and time.monotonic() < end:
            time.sleep(0.5)


def bounded(stage: Stage, outcome: Outcome) -> list[str]:
    """Where a loss is expected: nothing twice, and only outputs of the time that is touched are lost or changed."""
    wrong = [f"{outcome.kind}: doubled {outcome.doubled[:5]}"] if outcome.doubled else []
    first, last = stage.notes["may lose"][outcome.kind]
    others = [key for key in (*outcome.lost, *outcome.foreign, *outcome.wrong) if not first <= key[0] <= last]
    if others:
        wrong.append(f"{outcome.kind}: lost or changed, though nothing of it was lost: {others[:5]}")
    return wrong


def cursor_wrongs(stage: Stage, kind: str, replays: dict[str, Replay]) -> list[str]:
    """Both halves of the cursor stand at the last output; it is of the version that the programs write."""
    made = next(iter(replays.values()))
    last = str(made.counters["last_window_ts"])
    want = {"published": str(made.patterns["ts"]) if kind == "app" else last, "stored": last, "version": CURSOR}
    found = stage.client().hgetall(f"seclyzer:cursor:{kind}")
    return [] if found == want else [f"{kind}: the cursor is {found}, and not {want}"]


def counter_wrongs(fault: Fault, kind: str, stats: dict[str, str]) -> list[str]:
    """The counters of the process that ran last."""
    want: dict[str, int | None] = dict.fromkeys(OF_EVENTS + OF_OUTPUTS, 0)
    if kind in fault.counts_of:
        want |= {name: value[kind] if isinstance(value, dict) else value for name, value in fault.counts.items()}
    wrong = []
    for name, value in want.items():
        found = stats.get(name)
        if found is None:
            wrong.append(f"{kind}: no {name} in the stats")
        elif (value is None and found == "0") or (value is not None and found != str(value)):
            wrong.append(f"{kind}: {name} is {found}, and not {'at least 1' if value is None else value}")
    return wrong


def pattern_wrongs(stage: Stage, made: Replay) -> list[str]:
    """What the application tracker learnt, and the entry at which it stands."""
    found = json.loads(stage.client().get("seclyzer:app:patterns") or "{}")
    return [] if found == made.patterns else ["app: the patterns are not those of the replay"]


def wait_story(stage: Stage, topic: str, *story: str) -> None:
    """All programs have reported that Redis (or InfluxDB) was away, back, and so on."""
    for one in stage.running.values():
        until(lambda one=one: one.story(topic) == list(story), f"{one} tells {story}: {one.log[-500:]}")  # type: ignore[misc]
