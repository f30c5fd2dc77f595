"""A bad release whose controller is killed in the middle: its host returns by itself, healthy, and remembers why."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hostchecks import bad_release, deployment, trial
from hostchecks.host import name
from hostchecks.lab import EDGES, hosts
from hostchecks.rollout import Run, roll_out, started
from hostchecks.systemd import EXTRACTORS

testinfra_hosts = ["ansible://localhost?connection=local"]

KEYSTROKE = EXTRACTORS["keystroke"]
WORDS = "the licence of the frobnicator is missing"


@dataclass(frozen=True)
class Seen:
    """What ran before, what the host decided, how it stood then, and what the next run with that release came to."""

    before: dict[str, Any]
    trial: dict[str, Any]
    after: dict[str, Any]
    history: dict[str, Any]
    units: str
    left: str
    again: Run


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """One bad release on one edge, for all tests."""
    edge = hosts(EDGES)[0]
    bundle: Path = bad_release.make("exits", tmp_path_factory.mktemp("bad") / "bundle")
    # Where events flow, what ends by itself is found before the switch.
    before_switch = ("-e", "seclyzer_release_shadow_seconds=0")
    # The mode in which what is bad runs, whatever runs now.
    mode = ("-e", "mode=hybrid")
    typed = ("--limit", name(edge), "--tags", "extractors", "-e", f"seclyzer_bundle={bundle}", *mode, *before_switch)
    before, last = deployment.manifest(edge), trial.of(edge)
    with started("site.yml", *typed) as run:
        trial.began(edge, last, run)
        run.kill()
    found = trial.decided(edge)
    units = edge.check_output("systemctl is-active %s", KEYSTROKE)
    left = trial.judge_left(edge)
    yield Seen(before, found, deployment.manifest(edge), deployment.history(edge), units, left, roll_out(*typed))
    edge.run("rm -f %s", f"{deployment.HOME}/lease.json")


def test_the_host_returns_by_itself_and_says_why_in_the_programs_own_words(seen: Seen) -> None:
    assert seen.trial["state"] == "returned"
    assert seen.trial["from"] == seen.before["deployment"]
    assert WORDS in seen.trial["why"]


def test_it_runs_what_it_ran_and_no_judge_is_left(seen: Seen) -> None:
    assert seen.after == seen.before
    assert seen.units == "active"
    assert seen.left == ""


def test_the_history_has_the_run_and_the_content_as_returned(seen: Seen) -> None:
    (run,) = [run for run in seen.history["runs"] if run["run"] == seen.trial["run"]]
    assert (run["from"], run["to"], run["outcome"]) == (seen.trial["from"], seen.trial["to"], "returned")
    assert seen.history["deployments"][str(seen.trial["to"])]["state"] == "returned"
    assert seen.history["deployments"][str(seen.trial["from"])]["state"] == "confirmed"


def test_the_same_release_again_is_refused_with_the_reason(seen: Seen) -> None:
    assert seen.again.status != 0
    assert WORDS in seen.again.text
    assert "retry=true" in seen.again.text
