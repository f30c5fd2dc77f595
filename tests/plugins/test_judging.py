"""The verdict on a deployment: from looks of one second each, with a made-up clock."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from plugins.module_utils.before import Before
from plugins.module_utils.judging import Judge, Look, Process, Rules, Verdict
from plugins.module_utils.leaks import leak

MIB = 1 << 20
KEYSTROKE, APP = "seclyzer-keystroke.service", "seclyzer-app.service"
RULES = Rules(soak=45, deadline=240, due={"keystroke": 30.0, "mouse": 30.0}, every={"keystroke": 5.0, "mouse": 5.0})
BUSY = Before(
    figures={
        "keystroke": {
            **{"events": 10_000, "windows": 200, "windows_short": 5, "malformed": 10},
            **{"points_written": 190, "points_spooled": 3},
        },
        "app": {"events": 1000, "windows": 900},
    },
    busy=frozenset({"keystroke"}),
)

Host = Callable[[int], Look]


def flowing(at: int, **more: Any) -> Look:
    """A good host under 100 events/s, which has a window every 5 s and stores it."""
    counters: Mapping[str, int] = {"events": 100 * at, "windows": at // 5, "points_written": at // 5}
    process = Process(pid=42, memory=10 * MIB, limit=32 * MIB)
    seen: dict[str, Any] = {"processes": {KEYSTROKE: process}, "counters": {"keystroke": counters}}
    return Look(float(at), **(seen | more))


def idle(at: int) -> Look:
    """A good host without events."""
    return flowing(at, counters={"keystroke": {"events": 0, "windows": 0}})


def judge(host: Host, before: Before = BUSY, rules: Rules = RULES, start: int = 0) -> tuple[Verdict, int]:
    """The verdict, and after how many seconds it came."""
    mind = Judge(rules, before)
    for at in range(start, start + 900):
        if verdict := mind.see(host(at)):
            return verdict, at - start
    raise AssertionError("no verdict")


def counts(**grow: Callable[[int], int]) -> Host:
    """A host whose keystroke extractor has these counters."""
    return lambda at: flowing(at, counters={"keystroke": {name: of(at) for name, of in grow.items()}})


def test_a_good_host_is_confirmed_after_its_soak_with_what_flowed() -> None:
    verdict, seconds = judge(flowing)
    assert (verdict.good, seconds) == (True, 45)
    assert verdict.why == "45 s with 100 events/s and 9 outputs"


def test_an_idle_host_passes_on_the_rest_after_ten_seconds_and_says_so() -> None:
    verdict, seconds = judge(idle, Before())
    assert (verdict.good, seconds, verdict.why) == (True, 10, "10 s idle: no events flowed")


def test_a_host_that_was_busy_before_is_watched_for_the_whole_soak_though_nothing_flows() -> None:
    assert judge(idle)[1] == 45


def test_events_that_begin_during_the_idle_seconds_lengthen_the_soak() -> None:
    verdict, seconds = judge(lambda at: flowing(max(0, at - 6)) if at < 6 else flowing(at), Before())
    assert verdict.good and seconds == 45


@pytest.mark.parametrize(
    ("process", "why"),
    [
        (Process(pid=43, restarts=1), "keystroke ended and was restarted once since the switch"),
        (Process(pid=0, sub="auto-restart", active="activating", result="exit-code"), "keystroke ended (exit-code)"),
        (Process(active="failed", result="timeout"), "keystroke failed (timeout)"),
    ],
)
def test_an_end_of_a_process_fails_at_once_and_blames_its_unit(process: Process, why: str) -> None:
    verdict, seconds = judge(lambda at: flowing(at, processes={KEYSTROKE: process}) if at >= 17 else flowing(at))
    assert verdict == Verdict(False, why, (KEYSTROKE,))
    assert seconds == 17


def test_restarts_of_before_the_switch_are_none_of_it_while_the_process_is_the_same() -> None:
    older = Process(pid=42, restarts=3)
    before = Before(units={KEYSTROKE: {"pid": 42, "restarts": 3}}, busy=frozenset({"keystroke"}))
    assert judge(lambda at: flowing(at, processes={KEYSTROKE: older}), before)[0].good
    new = Process(pid=50, restarts=4)
    verdict, _ = judge(lambda at: flowing(at, processes={KEYSTROKE: new if at > 3 else older}), before)
    assert verdict.why.startswith("keystroke ended and was restarted 4 times")


def test_a_unit_restarted_by_hand_begins_the_soak_anew() -> None:
    def host(at: int) -> Look:
        return flowing(at, processes={KEYSTROKE: Process(pid=42 if at < 20 else 43)})

    verdict, seconds = judge(host)
    assert verdict.good and seconds == 65


def test_a_host_that_is_never_well_fails_when_patience_ends() -> None:
    verdict, seconds = judge(lambda at: flowing(at, faults=["keystroke: writes no heartbeat"]))
    assert (verdict.good, verdict.why, seconds) == (False, "keystroke: writes no heartbeat", 60)


def test_a_fault_counts_when_it_lasts() -> None:
    def host(begin: int, end: int) -> Host:
        return lambda at: flowing(at, faults=["the agent says fail: x"] if begin <= at < end else [])

    assert judge(host(10, 15))[0].good
    verdict, seconds = judge(host(10, 99))
    assert (verdict.good, seconds) == (False, 18)


def test_a_fault_in_the_last_second_of_the_soak_is_not_passed_over() -> None:
    verdict, seconds = judge(lambda at: flowing(at, faults=["x"] if at >= 45 else []))
    assert not verdict.good and seconds == 53


def test_events_without_a_window_fail() -> None:
    verdict, seconds = judge(counts(events=lambda at: 100 * at))
    assert not verdict.good
    assert "keystroke took" in verdict.why and "made no window" in verdict.why
    assert 30 <= seconds <= 40


def test_short_windows_are_windows() -> None:
    assert judge(counts(events=lambda at: at, windows_short=lambda at: at // 5))[0].good


def test_an_extractor_that_made_nothing_before_either_does_not_fail() -> None:
    before = Before(figures={"keystroke": {"events": 900}}, busy=frozenset({"keystroke"}))
    assert judge(counts(events=lambda at: 100 * at), before)[0].good


def test_events_that_come_too_late_for_any_window_are_not_held_against_it() -> None:
    assert judge(counts(events=lambda at: 100 * at, late=lambda at: 100 * at))[0].good


def test_windows_that_become_few_fail() -> None:
    few = {name: lambda at: min(at // 5, 1) for name in ("windows", "points_written")}
    verdict, seconds = judge(counts(events=lambda at: 100 * at, **few))
    assert verdict.why == "keystroke made 1 of at least 5 windows that were due in 48 s of events"
    assert 40 <= seconds <= 50


def test_windows_that_come_later_than_before_or_were_as_few_before_do_not_fail() -> None:
    few = counts(events=lambda at: 100 * at, windows=lambda at: min(at // 5, 1), points_written=lambda at: at // 5)
    before = Before(figures={"keystroke": {"events": 90_000, "windows": 20}}, busy=frozenset({"keystroke"}))
    assert judge(few, before)[0].good
    late = {name: lambda at: max(0, at - 22) // 5 for name in ("windows", "points_written")}
    assert judge(counts(events=lambda at: 100 * at, **late))[0].good


def test_the_tracker_is_held_to_its_rate_of_before() -> None:
    def host(at: int) -> Look:
        return flowing(at, counters={"app": {"events": at, "windows": 0}})

    verdict, _ = judge(host)
    assert verdict.why == "app took 17 events and made no output; before, 15 came of so many"


def test_outputs_that_are_neither_stored_nor_kept_fail() -> None:
    verdict, _ = judge(counts(events=lambda at: 100 * at, windows=lambda at: at // 5))
    assert "neither stored nor kept a point" in verdict.why
    assert judge(counts(events=lambda at: 100 * at, windows=lambda at: at // 5, points_spooled=lambda at: at // 5))[
        0
    ].good


def spooling(takes: Callable[[int], bool], **more: Any) -> Host:
    """A host whose keystroke extractor keeps all points on its disk; `takes`: whether the store takes a write then."""

    def at_once(at: int) -> Look:
        counters = {"events": 100 * at, "windows": at // 5, "points_spooled": at // 5}
        return flowing(at, counters={"keystroke": counters}, takes=takes(at), **more)

    return at_once


def test_points_that_stay_on_the_disk_of_a_host_whose_store_takes_writes_fail() -> None:
    verdict, seconds = judge(spooling(lambda _: True))
    assert verdict == Verdict(
        False, "keystroke made 20 outputs; InfluxDB takes writes, and none of its points arrived there"
    )
    assert 5 + 30 + 60 <= seconds <= 5 + 30 + 60 + 8


@pytest.mark.parametrize(
    "takes",
    [
        pytest.param(lambda _: False, id="refuses or does not answer"),
        pytest.param(lambda at: at % 40 < 39, id="now and then"),
        pytest.param(lambda at: at < 40, id="away from the soak's end on"),
    ],
)
def test_points_that_stay_on_the_disk_are_no_fault_while_the_store_takes_no_writes(
    takes: Callable[[int], bool],
) -> None:
    assert judge(spooling(takes))[0].good


@pytest.mark.parametrize("excuse", ["busy", "refused"])
def test_points_that_the_store_refuses_by_a_fault_of_its_own_are_kept_without_blame(excuse: str) -> None:
    assert judge(spooling(lambda _: True, **{excuse: {"keystroke"}})) == judge(spooling(lambda _: False))


def beside_mouse(stores: Callable[[int], bool], excuse: str, refused: Callable[[int], set[str]]) -> Host:
    """A keystroke extractor that keeps all its points with this excuse, beside a mouse extractor that stores a point
    each 5 s as long as `stores` says so.
    """

    def at_once(at: int) -> Look:
        mouse = {"events": 100 * at, "windows": at // 5, "points_written": sum(map(stores, range(5, at + 1, 5)))}
        keystroke = {"events": 100 * at, "windows": at // 5, "points_spooled": at // 5}
        counters = {"keystroke": keystroke, "mouse": mouse | {"points_spooled": at // 5 - mouse["points_written"]}}
        return flowing(at, counters=counters, takes=True, **{excuse: refused(at)})

    return at_once


def test_a_fault_of_the_store_that_one_extractor_alone_reports_is_not_believed() -> None:
    verdict, seconds = judge(beside_mouse(lambda _: True, "refused", lambda _: {"keystroke"}))
    assert not verdict.good
    assert verdict.why == "keystroke made 20 outputs; InfluxDB takes writes, and none of its points arrived there"
    assert 5 + 30 + 60 <= seconds <= 5 + 30 + 60 + 8 + 5


@pytest.mark.parametrize(
    ("stores", "excuse", "refused"),
    [
        pytest.param(lambda _: True, "busy", lambda _: {"keystroke"}, id="the store wants one later"),
        pytest.param(lambda _: False, "refused", lambda _: {"keystroke"}, id="the other has stored nothing yet"),
        pytest.param(lambda at: at < 20, "refused", lambda _: {"keystroke"}, id="the other stores no more"),
        pytest.param(
            lambda at: at < 20,
            "refused",
            lambda at: {"keystroke", "mouse"} if at >= 20 else {"keystroke"},
            id="the disk is full a little later for the other",
        ),
        pytest.param(lambda at: at % 40 < 5, "refused", lambda _: {"keystroke"}, id="a disk with room now and then"),
    ],
)
def test_a_fault_of_the_store_is_believed_while_no_other_point_arrives(
    stores: Callable[[int], bool], excuse: str, refused: Callable[[int], set[str]]
) -> None:
    assert judge(beside_mouse(stores, excuse, refused))[0].good


@pytest.mark.parametrize(
    "before",
    [
        Before(figures={"keystroke": {"events": 900, "windows": 9, "points_spooled": 9}}),
        Before(frozenset({"keystroke:store"}), figures=BUSY.figures, busy=BUSY.busy),
        Before(frozenset({"keystroke:spool"}), figures=BUSY.figures, busy=BUSY.busy),
        Before(),
    ],
)
def test_an_extractor_that_stored_nothing_before_either_does_not_fail(before: Before) -> None:
    verdict, seconds = judge(spooling(lambda _: True), before)
    assert (verdict.good, seconds) == (True, 45)


def test_a_good_one_is_not_confirmed_before_its_first_point_is_stored() -> None:
    def host(stored_at: int) -> Host:
        def look(at: int) -> Look:
            counters = {"events": 100 * at, "windows": at // 5, "points_spooled": at // 5}
            return flowing(at, counters={"keystroke": counters | {"points_written": int(at >= stored_at)}}, takes=True)

        return look

    assert judge(host(20))[1] == 45
    verdict, seconds = judge(host(80))
    assert (verdict.good, seconds) == (True, 80)
    mind = Judge(RULES, BUSY)
    for at in range(60):
        mind.see(host(80)(at))
    assert mind.progress() == "the first stored point of keystroke: with 100 events/s and 11 outputs"


def test_after_an_outage_of_the_store_an_extractor_has_the_time_of_its_next_attempt() -> None:
    """The store is back at 40 s, and the longest pause between attempts is 60 s."""

    def host(at: int) -> Look:
        counters = {"events": 100 * at, "windows": at // 5, "points_spooled": at // 5, "points_written": int(at >= 100)}
        return flowing(at, counters={"keystroke": counters}, takes=at >= 40)

    verdict, seconds = judge(host)
    assert (verdict.good, seconds) == (True, 100)


def test_points_whose_absence_cannot_be_a_fault_before_the_deadline_are_not_waited_for() -> None:
    rules = Rules(soak=45, deadline=240, due=RULES.due, retry=600.0)
    verdict, seconds = judge(spooling(lambda _: True), rules=rules)
    assert (verdict.good, seconds) == (True, 45)


def test_a_reading_that_is_missing_is_waited_for_and_is_no_fault() -> None:
    def host(until: int, **more: Any) -> Host:
        return lambda at: flowing(at, unknown=["units: no answer within 5 s"] if at < until else [], **more)

    verdict, seconds = judge(host(100))
    assert (verdict.good, seconds) == (True, 100)
    assert judge(host(20))[1] == 45
    verdict, seconds = judge(host(999))
    assert (verdict.good, seconds) == (False, 240)
    assert verdict.why == "no verdict within 240 s; at last: units: no answer within 5 s"


def test_the_judges_own_looks_decide_while_a_reading_is_missing() -> None:
    def host(at: int) -> Look:
        faults = ["keystroke: writes no heartbeat"] if at >= 20 else []
        return flowing(at, unknown=["units: no answer within 5 s"], faults=faults)

    verdict, seconds = judge(host)
    assert (verdict, seconds) == (Verdict(False, "keystroke: writes no heartbeat"), 28)


def test_messages_that_are_skipped_more_often_than_before_fail() -> None:
    verdict, _ = judge(counts(events=lambda at: 10 * at, malformed=lambda at: 90 * at, windows=lambda at: at // 5))
    assert verdict.why.startswith("keystroke skips 90% of its messages as malformed; before, 0%")


def memory(used: Callable[[int], float]) -> Host:
    return lambda at: flowing(at, processes={KEYSTROKE: Process(pid=42, memory=int(used(at) * MIB), limit=64 * MIB)})


def test_four_fifths_of_the_memory_limit_fail() -> None:
    verdict, seconds = judge(memory(lambda at: 52.0 if at >= 5 else 10.0))
    assert (verdict.why, seconds) == ("keystroke uses 81% of its memory limit", 13)


def test_a_leak_fails_long_before_the_limit() -> None:
    verdict, seconds = judge(memory(lambda at: 10 + 0.2 * at))
    assert verdict.why == "keystroke grows steadily and reaches its memory limit in 4 minutes"
    assert seconds < 45


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(lambda at: 10 + min(at, 20) * 0.3, id="buffers that fill"),
        pytest.param(lambda at: 10 + (at % 7) * 0.9, id="a saw"),
        pytest.param(lambda at: 10 + at * 0.01, id="little"),
        pytest.param(lambda at: 20 - at * 0.1, id="less and less"),
        pytest.param(lambda at: 10.0 if at < 28 else 15.0, id="a step"),
    ],
)
def test_what_is_no_leak_passes(used: Callable[[int], float]) -> None:
    assert judge(memory(used))[0].good


def test_a_leak_takes_samples() -> None:
    assert leak([(0.0, 0), (30.0, 8 * MIB)], 32 * MIB) == 0.0


def test_what_is_away_is_waited_for_and_held_against_no_unit_until_the_deadline() -> None:
    def host(back: int) -> Host:
        return lambda at: flowing(at, away=["Redis does not answer"] if at < back else [])

    verdict, seconds = judge(host(100))
    assert verdict.good and seconds == 145
    verdict, seconds = judge(host(900))
    assert (verdict.good, seconds) == (False, 240)
    assert verdict.why == "no verdict within 240 s; at last: Redis does not answer"


def test_progress_says_what_is_waited_for() -> None:
    mind = Judge(RULES, BUSY)
    for at in range(13):
        mind.see(flowing(at))
    assert mind.progress() == "12 of 45 s: with 100 events/s and 2 outputs"


def test_what_is_read_again_of_the_stream_owes_no_window() -> None:
    """A new process reads the last windows' events once more; what they make was published before."""
    verdict, seconds = judge(counts(events=lambda at: min(at, 4) * 400))
    assert (verdict.good, seconds) == (True, 45)


def test_a_flow_after_a_pause_has_its_own_time_for_a_window() -> None:
    read_again_then_live = counts(
        events=lambda at: min(at, 4) * 400 + max(at - 35, 0) * 100, windows=lambda at: max(at - 60, 0) // 5
    )
    verdict, seconds = judge(read_again_then_live)
    assert (verdict.good, seconds) == (True, 65)
