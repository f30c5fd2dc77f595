"""When points are sent and when they go to disk, by times alone."""

import pytest

from seclyzer_extractors.store.due import NOW, Situation

POINT = Situation(  # one, that came at 0 and that InfluxDB was asked for in vain
    oldest=0.0,
    queued=0.0,
    batch=False,
    full=False,
    begun=False,
    spooled=False,
    failing=True,
    silent=False,
    answered=NOW,
    next_send=NOW,
    next_put=NOW,
    timeout=10.0,
)


def test_a_point_is_sent_after_a_second_and_goes_to_disk_after_ten() -> None:
    assert (POINT.send_at(), POINT.put_at()) == (1.0, 10.0)
    assert POINT._replace(batch=True).send_at() == NOW


def test_with_no_point_nothing_is_due() -> None:
    nothing = POINT._replace(oldest=None, queued=None)
    assert (nothing.send_at(), nothing.put_at()) == (None, None)


def test_silence_counts_from_the_last_answer() -> None:
    answered = POINT._replace(answered=5.0)
    assert (answered.silent_at(), answered.put_at()) == (15.0, 15.0)


def test_who_was_not_asked_in_vain_is_not_silent() -> None:
    unasked = POINT._replace(failing=False)
    assert unasked.silent_at() == unasked.put_at() == float("inf")


@pytest.mark.parametrize("failing", [True, False])
def test_a_point_waits_a_minute_at_most_behind_others(failing: bool) -> None:
    behind = POINT._replace(spooled=True, failing=failing, answered=59.0)
    assert (behind.put_at(), behind.send_at()) == (60.0, NOW)


def test_while_influxdb_is_away_points_wait_for_their_batch_only() -> None:
    assert POINT._replace(silent=True).put_at() == 1.0


def test_a_full_memory_goes_to_disk_at_once_unless_there_is_none_or_it_must_rest() -> None:
    full = POINT._replace(full=True)
    assert full.put_at() == NOW
    assert full._replace(next_put=9.0).put_at() == 9.0
    assert full._replace(next_put=None).put_at() is None


@pytest.mark.parametrize("what", [{}, {"begun": True}, {"spooled": True}, {"batch": True}])
def test_a_pause_that_influxdb_asked_for_is_kept(what: dict[str, bool]) -> None:
    assert POINT._replace(next_send=30.0, **what).send_at() == 30.0
