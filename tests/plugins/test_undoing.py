"""Which run `rollback.yml` undoes over many hosts, and when it refuses: the rows of what went wrong before."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from plugins.module_utils.deploying import RUNS_SHOWN
from plugins.module_utils.history import (
    CONFIRMED,
    FAILED,
    NOTHING,
    REFUSED,
    RETURNED,
    RUNS,
    STAGED,
    STARTED,
    SWITCHED,
    newest,
)
from plugins.module_utils.layout import Refused
from plugins.module_utils.undoing import Choice, Going, Seen, choose, everywhere, step

FIRST, LAST = "20300101T000000Z-ann-000001", "20300102T000000Z-bob-000002"


def entry(run: str, outcome: str, start: int | None, to: int | None, why: str = "") -> dict[str, Any]:
    by = f"{run.split('-')[1]}@controller"
    return {"run": run, "by": by, "at": "", "outcome": outcome, "from": start, "to": to, "why": why}


def host(running: int, *runs: Mapping[str, Any], **states: str) -> Seen:
    """A host with three deployments of release r."""
    records = {n: {"release": "r", "state": states.get(f"n{n}", CONFIRMED)} for n in (1, 2, 3)}
    return Seen(running, records, runs)


def undo(hosts: Mapping[str, Seen], *away: str, run: str = "", despite: bool = False) -> Choice:
    return choose(hosts, away, run, despite)


UPDATED = entry(FIRST, CONFIRMED, 1, 2)


def test_the_last_run_is_undone_and_reported_with_its_hosts() -> None:
    hosts = {"a": host(3, UPDATED, entry(LAST, CONFIRMED, 2, 3)), "b": host(2, UPDATED, entry(LAST, NOTHING, 2, 2))}
    choice = undo(hosts)
    assert choice.run == LAST
    assert choice.words == f"undoes the run {LAST} by bob@controller at 2030-01-02 00:00:00Z, on a"


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (entry(LAST, REFUSED, 2, 3, "fails the golden vectors"), "refused: fails the golden vectors"),
        (entry(LAST, FAILED, 2, 2, "InfluxDB does not answer"), "failed: InfluxDB does not answer"),
        (entry(LAST, STAGED, 2, 3), "changed nothing here, staged"),
        (entry(LAST, STARTED, 2, None), "changed nothing here, started"),
        (entry(LAST, RETURNED, 2, 3, "it hung"), "it has returned from the run already: it hung"),
    ],
)
def test_a_healthy_fleet_goes_no_further_back_by_a_run_that_left_nothing(last: Mapping[str, Any], says: str) -> None:
    hosts = {"a": host(2, UPDATED, last), "b": host(2, UPDATED, entry(LAST, NOTHING, 2, 2))}
    with pytest.raises(Refused) as refused:
        undo(hosts)
    assert f"The last run, {LAST} by bob@controller" in str(refused.value)
    assert says in str(refused.value)
    assert f"-e undo={FIRST} undoes that one" in str(refused.value)
    assert undo(hosts, run=FIRST).run == FIRST


@pytest.mark.parametrize("idle", [entry(LAST, NOTHING, 2, 2), entry(LAST, CONFIRMED, 2, 2)])
def test_a_run_that_found_nothing_to_do_anywhere_is_passed_over(idle: Mapping[str, Any]) -> None:
    assert undo({"a": host(2, UPDATED, idle)}).run == FIRST


def decided(runs: Sequence[Mapping[str, Any]], running: int) -> tuple[Choice | str, Going | str]:
    """What is undone over all hosts, and where this one goes by itself; by what a host keeps, and what it sends."""
    kept: list[dict[str, Any]] = []
    for one in runs:
        kept = newest([*kept, dict(one)], RUNS)
    found: list[Any] = []
    for decide in (
        lambda: undo({"a": host(running, *newest(kept, RUNS_SHOWN))}),
        lambda: step(host(running, *kept), ""),
    ):
        try:
            found.append(decide())
        except Refused as refused:
            found.append(str(refused))
    return found[0], found[1]


@pytest.mark.parametrize("seed", range(40))
def test_however_many_runs_found_nothing_to_do_in_between_the_same_is_undone(seed: int) -> None:
    """Each run begins in an hour of its own; the others are those of a cron job."""
    chance = random.Random(seed)
    running, hour = 1, 0
    with_idle: list[Mapping[str, Any]] = []
    without: list[Mapping[str, Any]] = []
    for _ in range(chance.randint(1, 6)):
        for _ in range(chance.choice([0, 1, RUNS_SHOWN, 2 * RUNS])):
            hour += 1
            outcome = chance.choice([NOTHING, CONFIRMED])
            with_idle.append(entry(f"{20300101 + hour}T000000Z-cron-00000c", outcome, running, running))
        hour += 1
        to = chance.choice([n for n in (1, 2, 3) if n != running])
        outcome = chance.choice([CONFIRMED, CONFIRMED, FAILED, SWITCHED, REFUSED, RETURNED, STAGED, STARTED])
        run = entry(f"{20300101 + hour}T000000Z-ann-00000a", outcome, running, to)
        running = to if outcome in (CONFIRMED, FAILED, SWITCHED) else running
        with_idle.append(run)
        without.append(run)
    more = chance.randint(0, 3 * RUNS)
    with_idle += [entry(f"2040{n:04}T000000Z-cron-00000c", NOTHING, running, running) for n in range(more)]
    assert decided(with_idle, running) == decided(without, running)


def test_with_hosts_away_nothing_is_undone_unless_confirmed() -> None:
    hosts = {"a": host(2, UPDATED), "b": host(2, UPDATED)}
    with pytest.raises(Refused, match=rf"c cannot be asked, .* nothing was changed.*-e undo={FIRST}"):
        undo(hosts, "c")
    choice = undo(hosts, "c", despite=True)
    assert choice.run == FIRST and choice.words.endswith("on a, b; not reached: c")
    assert undo(hosts, "c", run=FIRST).run == FIRST


def test_undoing_is_undone_in_turn() -> None:
    back = entry(LAST, CONFIRMED, 2, 1)
    assert undo({"a": host(1, entry(FIRST, RETURNED, 1, 2), back, n2=RETURNED)}).run == LAST


def back(start: int, to: int, **more: Any) -> dict[str, Any]:
    """The entry of a rollback that undid the first run."""
    return entry(LAST, CONFIRMED, start, to) | {"undoes": FIRST} | more


FORWARD = entry(FIRST, RETURNED, 1, 2)


@pytest.mark.parametrize(
    ("there", "elsewhere", "on"),
    [
        (host(1, FORWARD, back(2, 1, followed=True)), host(2, UPDATED), "b"),
        (host(1, FORWARD, back(2, 1, followed=True)), host(2, UPDATED, back(2, 1) | {"outcome": REFUSED}), "b"),
        (host(1, FORWARD, back(2, 1)), host(3), "a"),
        (host(1, FORWARD, back(2, 1) | {"outcome": SWITCHED}), host(2, UPDATED), "a, b"),
        (host(2, UPDATED, back(2, 1) | {"outcome": STARTED}), host(3), "a"),
    ],
    ids=["not everywhere", "refused on one", "its end not seen", "on trial", "cut off before the switch"],
)
def test_a_rollback_that_did_not_come_to_its_end_is_gone_on_with(there: Seen, elsewhere: Seen, on: str) -> None:
    choice = undo({"a": there, "b": elsewhere})
    assert (choice.run, choice.goes_on) == (FIRST, LAST)
    assert choice.words == (
        f"goes on with the run {LAST} by bob@controller at 2030-01-02 00:00:00Z, which began to undo the run {FIRST} "
        f"and did not come to its end on {on}; -e undo={LAST} goes forward instead"
    )


def test_a_rollback_that_came_to_its_end_is_undone_by_the_next() -> None:
    done = host(1, FORWARD, back(2, 1, followed=True))
    assert undo({"a": done, "b": done}) == Choice(LAST, undo({"a": done, "b": done}, run=LAST).words)
    assert undo({"a": done, "b": host(2, UPDATED)}, run=LAST).goes_on == ""


def test_runs_compare_by_the_time_on_their_controllers_and_not_on_hosts() -> None:
    early = entry(FIRST, CONFIRMED, 1, 2) | {"at": "2031-01-01T00:00:00Z"}
    late = entry(LAST, SWITCHED, 1, 2) | {"at": "1999-01-01T00:00:00Z"}
    assert undo({"a": host(2, early), "b": host(2, late)}).run == LAST
    old = entry("2029-12-31T00:00:00.000+00:00-x", CONFIRMED, 1, 2)
    assert undo({"a": host(2, old), "b": host(2, early)}).run == FIRST


def test_an_unknown_run_is_refused() -> None:
    with pytest.raises(Refused, match="no host of this play knows the run 2040"):
        undo({"a": host(2, UPDATED)}, run="2040")
    with pytest.raises(Refused, match="No run has changed these hosts"):
        undo({"a": Seen()})


def test_many_hosts_are_counted() -> None:
    hosts = {f"h{number:02}": host(2, UPDATED) for number in range(60)}
    assert undo(hosts).words.endswith("on h00, h01, h02, h03, h04 and 55 more")
    bad = {name: host(2, entry(LAST, REFUSED, 2, 3, "no")) for name in hosts}
    with pytest.raises(Refused, match="; and 55 more"):
        undo(bad)


def test_hosts_that_are_sent_somewhere_must_all_have_it() -> None:
    hosts = {"a": host(2), "b": host(1)}
    assert everywhere(hosts, "1") == "goes to 1: a to deployment 1"
    assert everywhere(hosts, "r") == "goes to r: a to deployment 3, b to deployment 3"
    with pytest.raises(Refused, match="b: there is no deployment, release or run 2 on this host"):
        everywhere({"a": host(3), "b": Seen(1, {1: {"release": "r"}})}, "2")
    with pytest.raises(Refused, match="All hosts run 2 already"):
        everywhere({"a": host(2)}, "2")
