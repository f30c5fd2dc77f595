"""What a running extractor publishes is known whole only since the last thing that may have hidden some of it."""

from plugins.module_utils.observed import Observed


def stats(**more: object) -> dict[str, str]:
    values = {"pid": 7, "started_at": 1, "redis_reconnects": 0, "late": 2, "behind": 0, "last_event_ts": 50, **more}
    return {name: str(value) for name, value in values.items()}


def seen(*looks: tuple[dict[str, str], list[str], int]) -> Observed:
    observed = Observed()
    for look in looks:
        observed.take(*look)
    return observed


def test_outputs_come_in_their_order_and_each_once() -> None:
    observed = seen((stats(), ["b", "a"], 10), (stats(), ["d", "c", "b", "a"], 20), (stats(), ["d", "c"], 30))
    assert (observed.lines, observed.since) == (["a", "b", "c", "d"], 10)


def test_what_was_counted_before_it_was_looked_at_is_no_growth() -> None:
    observed = seen((stats(late=2), ["a"], 10), (stats(late=5, last_event_ts=90), ["a"], 20))
    assert observed.grown()["late"] == 3
    assert observed.grown()["behind"] == 0
    assert (observed.last_event, observed.pid) == (90, 7)


def test_after_a_restart_outputs_are_whole_anew_and_counters_begin_there() -> None:
    observed = seen((stats(late=2), ["a"], 10), (stats(pid=8, started_at=15, late=9), ["b", "a"], 20))
    assert (observed.since, observed.grown()["late"], observed.lines) == (20, 0, ["a", "b"])


def test_after_a_connection_made_anew_outputs_are_whole_anew() -> None:
    assert seen((stats(), ["a"], 10), (stats(redis_reconnects=1), ["b", "a"], 20)).since == 20


def test_where_outputs_may_have_been_missed_they_are_whole_anew() -> None:
    assert seen((stats(), ["a"], 10), (stats(), ["z", "y"], 20)).since == 20
    assert seen((stats(), ["a"], 10), (stats(), [], 20)).since == 20


def test_after_a_look_that_found_nothing_they_are_whole_anew() -> None:
    observed = seen((stats(), ["a"], 10))
    observed.missed(20)
    observed.take(stats(late=4), ["b", "a"], 30)
    assert (observed.since, observed.grown()["late"]) == (30, 0)


def test_counters_of_an_older_version_are_taken_as_none() -> None:
    observed = seen(({"pid": "7"}, ["a"], 10), ({"pid": "7", "late": "x"}, ["a"], 20))
    assert observed.grown()["late"] == 0
