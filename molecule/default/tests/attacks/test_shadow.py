"""A release that publishes other values is found beside what runs, before a service of its host is touched; and what
ends the comparison ends its shadows.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hostchecks import bad_release, deployment, rollouts
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, INVENTORY, ROOT, hosts
from hostchecks.polling import poll
from hostchecks.rollout import Run, roll_out
from hostchecks.systemd import EXTRACTORS, show

from lab.labs import labs

testinfra_hosts = ["ansible://localhost?connection=local"]

SECONDS = 50
"""A window of 30 s counts 35 s after the start."""
LONGEST = 240.0
"""Seconds for anything here on a slow machine."""
LOSSES = ("gaps", "dropped", "outputs_dropped", "output_errors")


@contextmanager
def working(edge: Host) -> Iterator[None]:
    """A person works there meanwhile."""
    (lab,) = [lab.name for lab in labs().values() if ROOT / lab.inventory == INVENTORY]
    words = (
        f"{sys.executable} -m lab generate --live --seconds 0 | {sys.executable} -m lab feed {name(edge)} - --speed max"
    )
    feeding = subprocess.Popen(
        ["/bin/sh", "-c", f"{words} --lab {lab}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        poll(lambda: stats(edge), lambda found: flows(found, "mouse") and flows(found, "keystroke"), 60)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(feeding.pid, signal.SIGKILL)
        feeding.wait()


def stats(edge: Host) -> dict[str, dict[str, str]]:
    """The counters of each extractor."""
    found: dict[str, dict[str, str]] = run_on(edge, "stats", "resp")
    return found


def flows(found: dict[str, dict[str, str]], kind: str) -> bool:
    """Whether events came in the last seconds."""
    return time.time() - int(found.get(kind, {}).get("last_event_ts", 0)) / 1e6 < 10


def units(edge: Host) -> dict[str, tuple[str, str]]:
    """Of each extractor the main process, and how often systemd restarted it."""
    shown = show(edge, list(EXTRACTORS.values()))
    return {unit: (found["MainPID"], found["NRestarts"]) for unit, found in shown.items()}


def transient(edge: Host) -> str:
    """The units of a comparison that are there."""
    listed = "systemctl list-units --all --no-legend --plain 'seclyzer-shadow-*' 'seclyzer-compare*'"
    return edge.check_output(listed).strip()


@dataclass(frozen=True)
class Seen:
    """A bad release on an edge, and the host before and after."""

    run: Run
    about: dict[str, Any]
    manifests: list[dict[str, Any]]
    units: list[dict[str, tuple[str, str]]]
    stats: list[dict[str, dict[str, str]]]
    left: str
    again: Run


@pytest.fixture(scope="module")
def edge() -> Iterator[Host]:
    """An edge on which a person works."""
    found = hosts(EDGES)[0]
    with working(found):
        yield found
    found.run("rm -f %s", f"{deployment.HOME}/lease.json")


@pytest.fixture(scope="module")
def seen(edge: Host, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One run for all tests; then the release that runs, again."""
    bundle: Path = bad_release.make("wrong", tmp_path_factory.mktemp("wrong") / "bundle")
    seconds = f"seclyzer_release_shadow_seconds={SECONDS}"
    # The mode in which what is bad runs, whatever runs now.
    typed = ("--limit", name(edge), "--tags", "extractors", "-e", "mode=hybrid", "-e", seconds)
    manifests, pids, figures = [deployment.manifest(edge)], [units(edge)], [stats(edge)]
    run = roll_out(*typed, "-e", f"seclyzer_bundle={bundle}", timeout=LONGEST)
    left = transient(edge)
    manifests.append(deployment.manifest(edge))
    pids.append(units(edge))
    figures.append(stats(edge))
    rollouts.record("a release that publishes wrong values", run, rollouts.cause(run, name(edge)))
    return Seen(run, run.host(name(edge)), manifests, pids, figures, left, roll_out(*typed, timeout=LONGEST))


def test_a_release_with_other_values_is_refused_with_feature_values_and_what_to_type(seen: Seen) -> None:
    assert seen.run.status != 0
    assert (seen.about["state"], seen.about["at"]) == ("failed", "the comparison before the switch")
    (cause,) = seen.about["cause"]
    assert "what runs was not touched" in cause
    assert "keystroke: " in cause and " outputs differ, in " in cause and " where " in cause
    assert "mouse: " not in cause and "app: " not in cause
    assert "-e seclyzer_release_values_change=true" in cause


def test_no_service_was_touched_and_no_window_was_lost(seen: Seen) -> None:
    assert seen.manifests[0] == seen.manifests[1]
    assert seen.units[0] == seen.units[1]
    for kind, after in seen.stats[1].items():
        lost = {counter: int(after[counter]) - int(seen.stats[0][kind][counter]) for counter in LOSSES}
        assert lost == dict.fromkeys(LOSSES, 0), kind
    assert int(seen.stats[1]["keystroke"]["windows"]) > int(seen.stats[0]["keystroke"]["windows"])


def test_nothing_of_it_is_left_and_the_release_that_runs_is_rolled_out_as_before(seen: Seen) -> None:
    assert seen.left == ""
    assert seen.again.status == 0, seen.again.text
    assert seen.again.changed == []


def compare(edge: Host, *typed: str) -> subprocess.Popen[str]:
    """playbooks/compare.yml on one edge."""
    return subprocess.Popen(
        ["ansible-playbook", "-i", INVENTORY, "playbooks/compare.yml", "--limit", name(edge), *typed],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_comparison_that_is_killed_leaves_no_shadow_and_is_reported(edge: Host) -> None:
    running = compare(edge, "-e", "right=python", "-e", "left=rust", "-e", "seconds=600")
    begun = poll(lambda: transient(edge), lambda units: units.count("seclyzer-shadow-") == 6, 60)
    assert begun.count("seclyzer-shadow-") == 6, begun
    for unit in ("seclyzer-shadow-left-mouse", "seclyzer-shadow-right-app"):
        shown = show(edge, [f"{unit}.service"])[f"{unit}.service"]
        assert shown["User"] == f"seclyzer-{unit.rpartition('-')[2]}"
        assert (shown["PrivateNetwork"], shown["ProtectSystem"], shown["StateDirectory"]) == ("yes", "strict", "")
    edge.check_output("systemctl kill --signal=KILL seclyzer-compare.service")
    assert poll(lambda: transient(edge), lambda units: units == "", 60) == ""
    text, _ = running.communicate(timeout=LONGEST)
    assert running.returncode != 0
    assert "the comparison ended without a result" in text


def test_both_implementations_agree_on_the_host_and_the_controller_has_the_report(edge: Host, tmp_path: Path) -> None:
    running = compare(
        edge, "-e", "left=rust", "-e", "right=python", "-e", f"seconds={SECONDS}", "-e", f"out={tmp_path}"
    )
    text, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 0, text
    folder = tmp_path / name(edge)
    report = json.loads((folder / "compare.json").read_text())
    kinds = {one["kind"]: one for one in report["kinds"]}
    assert report["agree"] is True
    assert kinds["keystroke"]["equal"] == kinds["keystroke"]["compared"] > 0
    assert {path.name for path in folder.iterdir()} == {"compare.txt", "compare.json", "compare.svg"}
    # The result that stays on the host is root's, and has no name of an application.
    kept = edge.check_output("stat -c %a /run/seclyzer-compare; cat /run/seclyzer-compare/result.json")
    assert kept.startswith("700\n") and "from_app" not in kept
