"""A rollback that did not come to its end is gone on with under its own name, unless it may still be at work."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from plugins.action import seclyzer_runs
from plugins.module_utils import controller
from plugins.module_utils.history import CONFIRMED, RETURNED, SWITCHED

FIRST, BACK = "20300101T000000Z-ann-000001", "20300102T000000Z-bob-000002"
ASKED = {"registered": "known", "undo": "", "to": "", "each_host": False, "without_unreachable": False}
GONE = controller.name(os.getpid()).rpartition(":")[0] + ":1"
"""A process of this controller that has ended: its number has another one by now."""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller has no report yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def facts(lease: dict[str, Any] | None) -> dict[str, Any]:
    """A host that a rollback switched, whose end no controller saw."""
    undone = {"run": FIRST, "by": "ann@c", "outcome": RETURNED, "from": 1, "to": 2}
    back = {"run": BACK, "by": "bob@c", "outcome": SWITCHED, "from": 2, "to": 1, "undoes": FIRST}
    records = {"1": {"release": "r", "state": CONFIRMED}, "2": {"release": "r", "state": RETURNED}}
    known = {"running": {"deployment": 1}, "deployment": 1, "records": records, "runs": [undone, back], "lease": lease}
    return {"ansible_play_hosts": ["a"], "ansible_play_hosts_all": ["a"], "hostvars": {"a": {"known": known}}}


def lease(**more: Any) -> dict[str, Any]:
    """A lease of that rollback."""
    now = time.time()
    return {
        "run": BACK,
        "by": "bob@c",
        "since": now,
        "deadline": now + 900,
        "process": "elsewhere:1:1",
        "stale": False,
    } | more


def choose(held: dict[str, Any] | None, take_over: bool = False) -> dict[str, Any]:
    return seclyzer_runs._choose(facts(held), ASKED | {"take_over": take_over})


@pytest.mark.parametrize(
    "held",
    [None, lease(stale=True), lease(process=GONE), lease(run="another")],
    ids=["none", "stale", "its process is gone", "of another run"],
)
def test_it_goes_on_under_the_name_of_the_first(held: dict[str, Any] | None) -> None:
    chosen = choose(held)
    assert (chosen["rollout"], chosen["undo"]) == (BACK, FIRST)
    assert chosen["msg"].startswith(f"goes on with the run {BACK}")


def test_it_is_refused_while_the_first_may_be_at_work_unless_it_is_taken_over() -> None:
    refused = choose(lease())
    assert refused["failed"] and "a: bob@c has a run going on this host since" in refused["msg"]
    assert choose(lease(), take_over=True)["rollout"] == BACK
