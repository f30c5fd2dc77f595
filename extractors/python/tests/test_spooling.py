"""When points go to disk, and when not."""

import pytest
from spool_world import World

from seclyzer_extractors import logs
from seclyzer_extractors.dependency import Backoff

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of one second; InfluxDB settles nothing in the mode `silent`, and is waited for `timeout` 10 s."""
    monkeypatch.setattr(Backoff, "next_s", lambda self: 1.0)
    logs.setup("info", "logfmt")


def counts(world: World) -> tuple[int, int]:
    """Points done (answered or on disk), and put on disk."""
    return world.store.done, world.store.spooled


@pytest.mark.parametrize("mode", ["silent", "busy", "locked"])
def test_what_is_not_settled_for_ten_seconds_goes_to_disk_and_then_more_follows_at_once(mode: str) -> None:
    world = World()
    world.influx.mode = mode
    world.put(2)
    world.work(5.0)
    world.put(1)
    world.work(4.9)
    assert counts(world) == (0, 0)
    world.work(0.2)
    assert counts(world) == (3, 3)  # everything, also what is younger
    world.put(1)
    world.work(0.9)
    assert counts(world) == (3, 3)
    world.work(0.2)
    assert counts(world) == (4, 4)
    world.finish()
    assert world.influx.delivered == world.lines


def test_an_answer_ends_that(capsys: Capture) -> None:
    world = World()
    world.influx.mode = "silent"
    world.put(2)
    world.work(11.0)
    world.influx.mode = "good"
    world.work(61.0)
    world.influx.mode = "silent"
    world.put(1)
    world.work(9.0)
    assert counts(world) == (2, 2)
    world.work(2.0)
    assert counts(world) == (3, 3)
    reported = capsys.readouterr().err
    assert reported.count('level=warning msg="InfluxDB is away: points go to the disk buffer"') == 2
    assert reported.count('level=info msg="the disk buffer was sent" points=2\n') == 1


def test_silence_is_reckoned_from_the_last_answer_or_the_oldest_point_whichever_is_later() -> None:
    world = World()
    world.put(1)
    world.work(1000.0)
    world.influx.mode = "silent"
    world.put(1)
    world.work(9.0)
    assert counts(world) == (1, 0)
    world.work(1.5)
    assert counts(world) == (2, 1)


def test_nothing_goes_to_disk_before_influxdb_was_asked_however_short_its_time() -> None:
    world = World(timeout_s=0.5)
    for _ in range(5):
        world.put(1)
        world.work(3.0)
    assert counts(world) == (5, 0)
    world.influx.mode = "silent"
    world.put(1)
    world.work(1.5)
    assert counts(world) == (6, 1)


def test_after_a_suspension_influxdb_is_asked_first() -> None:
    world = World()
    world.put(1)
    world.now += 130.0
    world.work(0.0)
    assert (counts(world), world.influx.delivered) == ((1, 0), world.lines)


def test_a_full_memory_goes_to_disk_at_once() -> None:
    world = World(queue=30)
    world.influx.mode = "silent"
    world.put(29)
    world.work(0.0)
    assert counts(world) == (0, 0)
    world.put(1)
    world.work(0.0)
    assert counts(world) == (30, 30) and world.store.dropped == 0
    world.put(1)
    world.work(5.0)
    assert counts(world) == (30, 30)  # for nothing was waited long enough


def test_what_waits_behind_the_spool_for_a_minute_goes_to_disk_though_answers_come() -> None:
    world = World()
    world.influx.mode = "silent"
    for _ in range(20):
        world.put(1)
        world.work(12.0)
        world.restart()  # a segment each
    world.influx.mode = "good"
    answers = world.influx.write

    def slow(body: bytes, timeout_s: float) -> object:
        world.now += 9.0
        return answers(body, timeout_s)

    world.influx.write = slow  # type: ignore[assignment,method-assign]
    spooled = world.store.spooled
    world.work(1.0)
    world.put(1)
    world.work(45.0)
    assert world.store.spooled == spooled
    world.work(20.0)
    assert world.store.spooled == spooled + 1
    world.finish()
    assert world.influx.delivered == world.lines


def test_the_spool_is_sent_first_at_a_start() -> None:
    world = World()
    world.influx.mode = "silent"
    world.put(3)
    world.work(11.0)
    world.restart()
    world.influx.mode = "good"
    world.put(1)
    world.work(0.0)
    assert world.influx.delivered == world.lines[:3]
    world.work(2.0)
    assert world.influx.delivered == world.lines


@pytest.mark.parametrize("answers", [True, False])
def test_at_the_end_the_rest_goes_to_disk(answers: bool) -> None:
    """Without an attempt when InfluxDB is known to be away, and no time to make one."""
    world = World()
    world.influx.mode = "good" if answers else "silent"
    world.put(3)
    world.work(2.0)
    world.put(2)
    requests = world.influx.requests
    world.store.stop(0.0)
    assert world.influx.requests == requests
    assert counts(world) == ((5, 2) if answers else (5, 5))
    assert b"".join(world.disk.spool().values()).split() == world.lines[3 if answers else 0 :]
    assert world.store.step() == -1


def test_at_the_end_a_full_disk_is_tried_once_more() -> None:
    world = World()
    world.influx.mode = "silent"
    world.disk.fail = {2: 28, 3: 28, 4: 28}
    world.put(3)
    world.work(10.5)
    assert counts(world) == (0, 0) and world.disk.failed
    world.disk.fail = {}
    world.store.stop(0.0)
    assert counts(world) == (3, 3)


def test_refused_points_of_a_segment_are_counted_and_set_aside_once_though_influxdb_goes_in_the_middle() -> None:
    world = World()
    world.influx.mode = "silent"
    world.put(3)
    world.put(1, bad=True)
    world.put(3)
    world.work(11.0)
    world.influx.mode = "good"
    answers = world.influx.write
    left = 6

    def stops(body: bytes, timeout_s: float) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            world.influx.mode = "silent"
        return answers(body, timeout_s)

    world.influx.write = stops  # type: ignore[assignment,method-assign]
    world.work(3.0)
    assert world.store.rejected == 1 and 0 < world.store.written < 6
    world.influx.mode = "good"
    world.work(5.0)
    assert (world.store.rejected, world.store.written) == (1, 6)
    assert world.influx.delivered == [line for line in world.lines if line.startswith(b"pnt")]
    aside = world.disk.root.entries["rejected.lp"]
    assert getattr(aside, "data", None) == b"bad000003\n"


def test_no_wait_is_shorter_than_it_need_be() -> None:
    """Idle, a proof is due once a minute; with a point in memory a second; in an outage the next attempt."""
    world = World()
    assert world.store.step() == 60.0
    world.put(1)
    assert world.store.step() == 1.0
    world.work(2.0)
    assert world.store.step() == 59.0
    world.influx.mode = "silent"
    world.put(1)
    steps = 0
    while world.now < 1100.0:
        wait = world.store.step()
        steps += 1
        world.now += wait or 0.0
        assert wait is not None
    assert steps <= 2 * 100


def test_who_has_nothing_to_send_asks_once_a_minute_whether_it_might() -> None:
    world = World()
    world.work(59.0)
    assert world.influx.requests == 0
    world.influx.mode = "locked"
    world.work(2.0)
    outage = world.store.dependency.outage
    assert (world.influx.requests, outage.fault, outage.until) == (1, "401", 0)
    assert outage.advice == "InfluxDB refuses the token: check influx_token"
    assert (world.store.errors, world.store.answered_host_us) == (1, 0)
    world.influx.mode = "good"
    world.work(61.0)
    after = world.store.dependency.outage
    assert (after.fault, after.reason, after.since) == ("", "", outage.since) and after.until >= after.since
    assert world.influx.requests == 2 and world.store.answered_host_us >= after.since
    assert (world.influx.delivered, world.store.written, world.store.rejected, world.store.spooled) == ([], 0, 0, 0)


def test_points_that_were_sent_are_proof_enough() -> None:
    world = World()
    for _ in range(10):
        world.put(1)
        world.work(30.0)
    assert (world.influx.requests, len(world.influx.delivered)) == (10, 10)
