"""Any local user against the agent: floods, names of other hosts, and looking over a user's shoulder."""

from datetime import datetime
from functools import cache
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, ROOT, on_every

testinfra_hosts = ["ansible://seclyzer_edge"]

MANY = 1100
ANSWERED = 400  # more than are kept; each costs an answer, of a fifth of a processor
LIVELY = 4.0  # s; less than the five for which a connection may take its time
CHECKED_EVERY = 10.0  # s, and read within five
HOLD = 16.0  # s; each check but the slow ones is read again meanwhile
SLOW = ("integrity", "certificate", "host", "limits", "legacy_clients")  # every minute, 5 minutes, 30 s, 30 s, a minute
FEW_BYTES = 4096
PERIOD = "in the last 300 s"  # of what it warns, which an attack before may have left: no figure of a person
NAMES = ROOT / "tests" / "loopback"


@cache
def _besieged(how: str, count: int) -> dict[str, Any]:
    """What came of it on every edge, all at the same time."""
    return on_every(EDGES, lambda edge: run_on(edge, "besiege", how=how, count=count, hold=HOLD))


@cache
def _watched() -> dict[str, Any]:
    """What was seen of a person on every edge, all at the same time."""
    return on_every(EDGES, lambda edge: run_on(edge, "spy", "resp", "besiege", what="watch", seconds=14.0))


@pytest.mark.parametrize(("how", "count"), [("half-open", MANY), ("slow", MANY), ("garbage", MANY), ("idle", ANSWERED)])
def test_many_connections_hold_up_neither_answers_nor_checks_and_fill_no_journal(
    host: Host, how: str, count: int
) -> None:
    page = _besieged(how, count)[name(host)]
    assert (page["statuses"], page["fails"], page["same"]) == ([200], [], True), page
    assert page["slowest"] < LIVELY
    assert page["journal"] < FEW_BYTES
    assert page["descriptors"] < 512
    ages = {
        check: page["began"] + HOLD - datetime.fromisoformat(at).timestamp() for check, at in page["readings"].items()
    }
    stale = [check for check, age in ages.items() if age >= CHECKED_EVERY + 5 and not check.startswith(SLOW)]
    assert len(ages) > len(SLOW) and stale == [], "these checks were not read meanwhile"


def test_what_a_person_does_shows_once_a_minute_outside_and_at_once_inside(host: Host) -> None:
    page = _watched()[name(host)]
    different = page["different"]
    assert different["inside"] >= 3, page
    assert {way: n for way, n in different.items() if way != "inside" and n > 2} == {}, page
    assert page["times"] in ([], [0.0])


def test_the_full_figures_are_for_the_group_of_the_socket(host: Host) -> None:
    assert run_on(host, "spy", "resp", "besiege", what="doors") == {"nobody": "PermissionError", "member": "200"}


def test_no_name_of_another_host_is_answered(host: Host) -> None:
    tricks = [one for one in (NAMES / "others.txt").read_text().splitlines() if one.isascii()]
    good = (NAMES / "loopback.txt").read_text().splitlines()
    page = run_on(host, "spy", "resp", "besiege", what="hosts", names=[*tricks, *good])
    assert {one: page[one] for one in tricks} == dict.fromkeys(tricks, 421)
    assert {one: page[one] for one in good} == dict.fromkeys(good, 200)


def test_systemd_shows_no_figures_of_a_person_to_everybody(host: Host) -> None:
    """The agent's and the extractors' STATUS is read by every local user."""
    text = host.check_output("systemctl show -P StatusText 'seclyzer-*.service'").replace(PERIOD, "")
    assert not any(word.isdecimal() and len(word) > 2 for word in text.split()), text
