"""A release that saves a later version of its state: going back from it needs a word, and loses only what was named."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostchecks import bad_release, deployment
from hostchecks.host import Host, name, run_on
from hostchecks.lab import ROOT, hosts
from hostchecks.polling import poll
from hostchecks.rollout import EDGES_ONLY, Run, go_back, roll_out

from plugins.module_utils import bundles

testinfra_hosts = ["ansible://edge1"]

LOSS = "what the tracker of this test has learnt"
LIMITS = ("--limit", "edge1")
QUICK = (*EDGES_ONLY, *LIMITS, "-e", "seclyzer_release_soak_seconds=10", "-e", "mode=rust")
STATE = "/var/lib/seclyzer/app/app-state.json"
SEGMENT = "/var/lib/seclyzer/keystroke/spool/00000000000000000001.lp2"


@dataclass(frozen=True)
class Seen:
    """Rolled out, gone back in vain by both playbooks, and gone back with the flag; what ran after each."""

    runs: dict[str, Run]
    ran: dict[str, str]
    stats: dict[str, dict[str, str]]
    files: list[str]


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder: Path = tmp_path_factory.mktemp("later")
    later = bad_release.make("another", folder / "bundle", states={"app": {"version": 2, "loss": LOSS}})
    runs: dict[str, Run] = {"before": roll_out(*QUICK)}
    ran: dict[str, str] = {}
    (edge,) = hosts("edge1")

    def note(step: str, run: Run) -> None:
        runs[step], ran[step] = run, str(deployment.manifest(edge)["release"])

    note("later", roll_out(*QUICK, "-e", f"seclyzer_bundle={later}"))
    note("checked", go_back(*LIMITS, "--check"))
    note("in vain", go_back(*LIMITS))
    note("rolled out in vain", roll_out(*QUICK))
    # As that release would leave them.
    edge.check_output("systemctl stop seclyzer-app seclyzer-keystroke")
    edge.check_output("sed -i s/.schema.:1/'\"schema\":2'/ %s", STATE)
    edge.check_output(
        "install -d -m 0700 -o seclyzer-keystroke -g seclyzer-keystroke /var/lib/seclyzer/keystroke/spool"
    )
    edge.check_output("echo later > %s; chown seclyzer-keystroke: %s", SEGMENT, SEGMENT)
    run_on(edge, "forget", "resp")
    edge.check_output("systemctl start seclyzer-app seclyzer-keystroke")
    note("accepted", go_back(*LIMITS, "-e", "accept_state_loss=true"))
    stats = poll(lambda: run_on(edge, "stats", "resp"), lambda found: "state_skipped" in found["keystroke"], 30)
    files = edge.check_output("ls /var/lib/seclyzer/app /var/lib/seclyzer/keystroke/spool").split()
    yield Seen(runs, ran, stats, files)
    edge.check_output("rm -f %s /var/lib/seclyzer/app/app-state.v2.json", SEGMENT)


def sentence(seen: Seen) -> str:
    own = bundles.read(ROOT / "build" / "bundle").manifest["release"]
    return f"{own} cannot read all that {seen.ran['later']} has saved: app (version 2; it reads up to 1): {LOSS}"


def test_the_way_forward_reports_what_the_way_back_will_need(seen: Seen) -> None:
    assert seen.runs["later"].status == 0, seen.runs["later"].text
    assert "accept_state_loss=true, for it loses app (version 2; it reads up to 1)" in seen.runs["later"].text


@pytest.mark.parametrize("step", ["checked", "in vain", "rolled out in vain"])
def test_going_back_without_the_flag_is_refused_with_what_would_be_lost_and_nothing_changes(
    host: Host, seen: Seen, step: str
) -> None:
    run = seen.runs[step]
    assert run.status != 0
    assert sentence(seen) in " ".join(run.text.split()), run.text
    assert seen.ran[step] == seen.ran["later"]
    assert name(host) == "edge1"


def test_with_the_flag_it_goes_back_and_leaves_alone_what_it_cannot_read(seen: Seen) -> None:
    assert seen.runs["accepted"].status == 0, seen.runs["accepted"].text
    assert seen.ran["accepted"] != seen.ran["later"]
    assert (seen.stats["keystroke"]["state_skipped"], seen.stats["mouse"]["state_skipped"]) == ("1", "0")
    assert {"app-state.v2.json", SEGMENT.rpartition("/")[2]} <= {*seen.files}
