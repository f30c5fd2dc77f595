"""What happens to InfluxDB, between it and an extractor, or to the disk that holds what InfluxDB has not answered."""

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

from tests.helpers.waiting import until_each

from .campaign import Fault
from .influx_tap import HALF_ANSWER, HALF_REQUEST, PASS, SILENT, STORED_BUT_SILENT, Request, Rule
from .stage import KINDS, Stage

AWAY_S = 12.0
SLOW_S = 1.5  # an extractor waits 2 s for an answer, by its own clock
CAP = 1 << 20
FULL = ("keystroke", "mouse")  # few enough applications come to the front to fill no spool


def spooled(stage: Stage, kind: str) -> int:
    """Bytes in the spool's segments; one may go while they are counted."""
    size = 0
    for segment in (stage.state(kind) / "spool").glob("*.lp"):
        with suppress(FileNotFoundError):
            size += segment.stat().st_size
    return size


def wait_spooled(stage: Stage, least: int = 1) -> None:
    """Each extractor has something in its spool."""
    until_each(KINDS, lambda kind: spooled(stage, kind) >= least, f"{least} bytes are spooled")


def wait_sent(stage: Stage) -> None:
    """No spool holds anything."""
    until_each(KINDS, lambda kind: spooled(stage, kind) == 0, "the spool is sent")


def spools_nothing(stage: Stage, since: dict[str, int]) -> None:
    """Nothing is in a spool while InfluxDB answers; when it was too slow itself, the run is none.

    `since`: how many requests of each kind had been made when it began to answer.
    """
    full = [kind for kind in KINDS if spooled(stage, kind)]
    now = time.monotonic()
    late = [one for kind in full for one in stage.writes[kind].requests[since[kind] :] if one.took(now) > SLOW_S]
    if full and late:
        stage.notes["invalid"] = f"InfluxDB itself took {late[0].took(now):.1f} s to answer"
    assert late or not full, f"something of {full} was spooled while InfluxDB answered"


def away(stage: Stage) -> None:
    """influxd is killed for many times `influx_timeout_seconds`, and comes back."""
    spools_nothing(stage, dict.fromkeys(KINDS, 0))
    stage.influx.kill()
    wait_spooled(stage)
    stage.run_for(AWAY_S)
    stage.notes["spooled bytes"] = {kind: spooled(stage, kind) for kind in KINDS}
    stage.influx.start()
    wait_sent(stage)
    asked = {kind: len(door.requests) for kind, door in stage.writes.items()}
    stage.wait_outputs(2)
    spools_nothing(stage, asked)


def away_and_killed(stage: Stage) -> None:
    """influxd is away, and the extractors are killed, twice, before it is back."""
    stage.influx.kill()
    for _ in range(2):
        wait_spooled(stage)
        stage.run_for(stage.random.uniform(0.5, 2.0))
        for kind in KINDS:
            stage.kill(kind)
            stage.start(kind)
        stage.wait_outputs(2)
    stage.influx.start()
    wait_sent(stage)
    stage.wait_outputs(1)


def away_and_switched(stage: Stage) -> None:
    """While influxd is away the implementation changes, by SIGTERM and by kill -9; each sends the other's spool."""
    stage.influx.kill()
    for end in (stage.stop, stage.kill):
        wait_spooled(stage)
        stage.run_for(stage.random.uniform(0.5, 2.0))
        before = {kind: spooled(stage, kind) for kind in KINDS}
        for kind in KINDS:
            end(kind)
            stage.start(kind, "rust" if stage.used[kind][-1] == "python" else "python")
        stage.wait_outputs(2)
        until_each(before, lambda kind, had=before: spooled(stage, kind) > had[kind], "the other one spools on")  # type: ignore[misc]
    stage.influx.start()
    wait_sent(stage)
    stage.wait_outputs(1)


def frozen(stage: Stage) -> None:
    """influxd takes connections and answers nothing, and goes on where it was."""
    stage.influx.freeze()
    wait_spooled(stage)
    stage.run_for(3.0)
    stage.influx.thaw()
    wait_sent(stage)
    stage.wait_outputs(1)


def answers(*rules: Rule, spools: bool = False) -> Callable[[Stage], None]:
    """The next requests are answered so, one after the other."""

    def play(stage: Stage) -> None:
        asked = {kind: len(door.requests) for kind, door in stage.writes.items()}
        for door in stage.writes.values():
            door.script.extend(rules)
        until_each(KINDS, lambda kind: not stage.writes[kind].script, "all answers are given")
        until_each(KINDS, lambda kind: came_through(stage, kind, asked[kind]), "a write comes through")
        if spools:
            wait_sent(stage)
        stage.wait_outputs(1)
        for kind in KINDS:
            asked_to_wait(stage, kind)
            not_resent(stage, kind)

    return play


def not_resent(stage: Stage, kind: str) -> None:
    """What InfluxDB has stored in part (422) is not sent again."""
    seen: set[str] = set()
    for one in stage.writes[kind].requests:
        if seen & set(one.lines):
            stage.wrongs.append(f"{kind}: points were sent again after 422")
        if one.rule.status == 422:
            seen |= set(one.lines)


def came_through(stage: Stage, kind: str, since: int) -> bool:
    """A write has been answered by InfluxDB itself."""
    return any(one.rule is PASS and one.lines for one in stage.writes[kind].requests[since:])


def asked_to_wait(stage: Stage, kind: str) -> None:
    """After `Retry-After: n` nothing is asked for n seconds."""
    requests: list[Request] = stage.writes[kind].requests
    for one, following in pairwise(requests):
        for header in one.rule.headers:
            least = float(header.partition(":")[2])
            if following.at - one.at < least:
                stage.wrongs.append(f"{kind}: asked again {following.at - one.at:.2f} s after Retry-After: {least}")


def no_bucket(stage: Stage) -> None:
    """InfluxDB's own 404: the bucket is made only when all has been spooled for a while."""
    wait_spooled(stage)
    stage.run_for(2.0)
    Stage.add_bucket(stage)
    wait_sent(stage)
    stage.wait_outputs(1)


def not_yet(stage: Stage) -> None:
    """There is no bucket at first."""
    stage.add_bucket = lambda: None  # type: ignore[method-assign]


def damaged_segment(stage: Stage) -> None:
    """Lines in the spool are damaged: InfluxDB's own 400 finds them, they are set aside, all others are stored."""
    bad = b"keystroke_features,host=x this is no line\n\x00\xff\xfe\n" + b"torn,host=x value="
    for writes in stage.writes.values():
        writes.go_away()
    wait_spooled(stage)
    for kind in KINDS:
        stage.kill(kind)
        newest = max((stage.state(kind) / "spool").glob("*.lp"))
        with newest.open("ab") as file:
            file.write(bad)
        stage.start(kind)
    for writes in stage.writes.values():
        writes.come_back()
    wait_sent(stage)
    for kind in KINDS:
        aside = (stage.state(kind) / "rejected.lp").read_bytes()
        if b"this is no line" not in aside or b"torn" in aside:
            stage.wrongs.append(f"{kind}: set aside is {aside!r}")
    stage.wait_outputs(1)


def past_the_cap(stage: Stage) -> None:
    """More than the spool may hold, by a hundred windows a second: the oldest points go, counted."""
    for writes in stage.writes.values():
        writes.go_away()
    until_each(FULL, lambda kind: "is full: the oldest points" in stage.running[kind].log, "it is reported")
    stage.run_for(2.0)
    for kind in FULL:
        if spooled(stage, kind) > CAP:
            stage.wrongs.append(f"{kind}: the spool holds {spooled(stage, kind)} bytes")
    for writes in stage.writes.values():
        writes.come_back()
    wait_sent(stage)
    stage.wait_outputs(1)


LATER = Rule("429, Retry-After", 429, ("Retry-After: 2",))
BUSY = Rule("503, Retry-After", 503, ("Retry-After: 3",))
SETTINGS = {"SECLYZER_INFLUX_TIMEOUT_SECONDS": "2", "SECLYZER_INFLUX_RETRY_SECONDS": "1"}
FAST = {**SETTINGS, "WINDOW_SECONDS": "0.2", "UPDATE_INTERVAL": "0.01", "SECLYZER_SPOOL_BYTES": str(CAP)}
FAULTS = [
    Fault("influxdb away", away, SETTINGS, own_influx=True),
    Fault("influxdb away, killed", away_and_killed, SETTINGS, own_influx=True),
    Fault("influxdb away, mode switches", away_and_switched, SETTINGS, own_influx=True),
    Fault("influxdb frozen", frozen, SETTINGS, own_influx=True),
    Fault("429 and 503 with Retry-After", answers(LATER, BUSY, Rule("503", 503), spools=True), SETTINGS),
    Fault("401 and 403", answers(Rule("401", 401), Rule("403", 403), spools=True), SETTINGS),
    Fault("404: no bucket", no_bucket, SETTINGS, prepare=not_yet),
    Fault("413", answers(*[Rule("413", 413, limit=1)] * 4), SETTINGS),
    Fault("422", answers(Rule("422", 422, stores=True)), SETTINGS, counts={"points_rejected": 1}),
    Fault("half-sent", answers(HALF_ANSWER, *[HALF_REQUEST] * 3, HALF_ANSWER, spools=True), SETTINGS),
    Fault("silent", answers(SILENT, STORED_BUT_SILENT, spools=True), SETTINGS),
    Fault("damaged segment", damaged_segment, SETTINGS, counts={"points_rejected": 2}),
    Fault(
        "past the cap", past_the_cap, FAST, counts={"points_dropped": None}, counts_of=("keystroke", "mouse"), caps=True
    ),
]
