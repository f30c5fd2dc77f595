"""The power of a host is cut at each step of a rollout: it comes up with what it ran, or with the new one, whole."""

from typing import Any

import pytest
from hostchecks import bad_release, deployment, rollouts, trial
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, ROOT, hosts, power_cut
from hostchecks.polling import poll
from hostchecks.rollout import Run, roll_out, started
from hostchecks.systemd import AGENT, EXTRACTORS, show, wait_until_active

testinfra_hosts = ["ansible://localhost?connection=local"]

UNITS = [*EXTRACTORS.values(), AGENT]
EXTRACTORS_ONLY, HYBRID = ("--tags", "extractors"), ("-e", "mode=hybrid")
QUICK = (*EXTRACTORS_ONLY, "-e", "seclyzer_release_soak_seconds=0")
RETRY = ("-e", "retry=true")
# Of the past: rollback.yml is to find the runs of people as the last ones afterwards.
RUN = "20200101T000000Z-test-{:06x}"
BOOTED = 120
STEPS = {"link": "returned", "units": "confirmed", "restart": "confirmed"}
"""What the host decides after a cut before this step of a switch."""
TITLES = {
    "link": "before `current` moves",
    "units": "between the link and the unit files",
    "restart": "before the units restart",
}


@pytest.fixture(scope="module")
def edge() -> Host:
    """The edge with the newer Debian."""
    return hosts(EDGES)[1]


@pytest.fixture
def in_python(edge: Host) -> int:
    """The deployment of mode python that was confirmed here; the edge is in mode hybrid again."""
    numbers = []
    for mode in ("python", "hybrid"):
        assert roll_out(*QUICK, *RETRY, "--limit", name(edge), "-e", f"mode={mode}").status == 0
        numbers.append(int(deployment.manifest(edge)["deployment"]))
    return numbers[0]


def decided(edge: Host, title: str, run: Run | None = None) -> trial.Trial:
    """What the host decides after the cut; left for docs/rollouts.md."""
    found = trial.decided(edge)
    rollouts.record(title, run, rollouts.decision(name(edge), found), back_s=trial.took(edge, found))
    return found


def is_whole(edge: Host) -> None:
    """All runs that should, from the files of the deployment that `current` leads to, and nothing judges any more."""
    units = wait_until_active(edge, UNITS, BOOTED)
    assert {unit: units[unit]["ActiveState"] for unit in UNITS} == dict.fromkeys(UNITS, "active")
    for unit in UNITS:
        installed = f"/etc/systemd/system/{unit}"
        assert edge.run("cmp %s %s", installed, f"{deployment.current(edge)}/units/{unit}").rc == 0
    gone = poll(lambda: show(edge, [trial.JUDGE])[trial.JUDGE], lambda unit: unit["ActiveState"] != "active", 60)
    assert gone["LoadState"] == "not-found"


@pytest.mark.parametrize("step", STEPS)
def test_a_cut_between_two_steps_of_the_switch_ends_with_one_whole_deployment(
    edge: Host, in_python: int, step: str
) -> None:
    before, to = deployment.manifest(edge), in_python
    run_on(
        edge,
        "cut_off",
        release=before["release"],
        deployment=to,
        step=step,
        run=RUN.format(list(STEPS).index(step)),
        on_trial=(ROOT / "plugins" / "module_utils" / "on_trial.py").read_text(),
    )
    power_cut(edge)
    found = decided(edge, TITLES[step])
    assert (found["state"], found["to"]) == (STEPS[step], to), found
    runs: dict[str, Any] = deployment.manifest(edge)
    assert runs["deployment"] == (to if STEPS[step] == "confirmed" else before["deployment"])
    is_whole(edge)


def test_a_cut_in_the_trial_of_a_good_release_ends_with_it(edge: Host) -> None:
    last = trial.of(edge)
    with started("site.yml", "--limit", name(edge), *EXTRACTORS_ONLY, *RETRY, "-e", "mode=rust") as run:
        trial.began(edge, last, run)
        run.kill()
        first = run.ended()
    power_cut(edge)
    assert decided(edge, "in the trial of a good release", first)["state"] == "confirmed"
    assert deployment.manifest(edge)["mode"] == "rust"
    is_whole(edge)


def test_a_cut_in_the_trial_of_a_bad_release_ends_with_the_one_before(
    edge: Host, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bundle = bad_release.make("hangs", tmp_path_factory.mktemp("bad") / "bundle")
    before, last = deployment.manifest(edge), trial.of(edge)
    typed = ("--limit", name(edge), *EXTRACTORS_ONLY, *HYBRID, "-e", f"seclyzer_bundle={bundle}")
    with started("site.yml", *typed) as run:
        trial.began(edge, last, run)
        run.kill()
        first = run.ended()
    power_cut(edge)
    assert decided(edge, "in the trial of a bad release", first)["state"] == "returned"
    assert deployment.manifest(edge) == before
    is_whole(edge)


def test_a_cut_while_staging_changes_nothing_and_the_next_run_finishes(
    edge: Host, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bundle = bad_release.make("another", tmp_path_factory.mktemp("another") / "bundle")
    before = deployment.manifest(edge)
    known = edge.check_output("ls -A %s", f"{deployment.HOME}/releases")
    typed = (*QUICK, *HYBRID, "--limit", name(edge), "-e", f"seclyzer_bundle={bundle}")
    with started("site.yml", *typed) as run:
        assert poll(lambda: edge.check_output("ls -A %s", f"{deployment.HOME}/releases") != known, bool, 300, 0.1)
        power_cut(edge)
        run.kill()
        first = run.ended()
    assert deployment.manifest(edge) == before
    is_whole(edge)
    again = roll_out(*typed)
    rollouts.record(
        "while staging", first, f"{name(edge)} was not switched; the same again: exit {again.status}", again
    )
    assert again.status == 0, again.text
    assert deployment.manifest(edge)["release"] != before["release"]
