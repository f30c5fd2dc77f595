"""Going back: only what a run did is undone, only where it did it, only to what is whole, and typed again it ends."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hostchecks import bad_release, deployment, rollouts, trial
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts, on_every, unplugged
from hostchecks.polling import poll
from hostchecks.rollout import EDGES_ONLY, Run, go_back, roll_out, started
from hostchecks.systemd import EXTRACTORS, main_pids

testinfra_hosts = ["ansible://localhost?connection=local"]

NO_SOAK = ("--limit", "seclyzer_edge", "-e", "seclyzer_release_soak_seconds=0")
QUICK = ("--tags", "extractors", *NO_SOAK)


Stood = dict[str, tuple[Any, ...]]
"""By edge."""


def stands() -> Stood:
    """What each edge runs, and its processes."""
    return on_every(EDGES, lambda edge: (deployment.manifest(edge), main_pids(edge, list(EXTRACTORS.values()))))


def runs() -> list[str]:
    """The mode of each edge."""
    return [deployment.manifest(edge)["mode"] for edge in hosts(EDGES)]


@pytest.fixture(scope="module", autouse=True)
def in_python() -> None:
    """In their order, the tests find the edges in mode python after mode hybrid, and leave them so; not the last."""
    for mode in ("hybrid", "python"):
        assert roll_out(*QUICK, "-e", f"mode={mode}").status == 0
    assert runs() == ["python", "python"]


def damage(edge: Host) -> Callable[[], object]:
    """A program of the release that undoing the last run leads to is changed; what mends it."""
    program = f"{deployment.release(edge)}/bin/app_tracker"
    edge.check_output("cp -a %s /root/kept && printf x >> %s", program, program)
    return lambda: edge.check_output("cp -a /root/kept %s && rm /root/kept", program)


def remove(edge: Host) -> Callable[[], object]:
    """The deployment that undoing the last run leads to is gone; what brings it back."""
    folder = f"{deployment.HOME}/deployments/{deployment.before(edge)}"
    edge.check_output("mv %s /root/kept", folder)
    return lambda: edge.check_output("mv /root/kept %s", folder)


BROKEN = {damage: "release whose files are damaged", remove: "deployment that is gone"}


@pytest.fixture(params=BROKEN, ids=["damaged", "gone"])
def broken(request: pytest.FixtureRequest) -> Iterator[tuple[Host, str]]:
    """An edge whose way back is broken, and by what."""
    edge = hosts(EDGES)[0]
    mend = request.param(edge)
    yield edge, BROKEN[request.param]
    mend()


def leave(title: str, back: Run, edge: Host, before: Stood) -> None:
    """A row of docs/rollouts.md."""
    untouched = stands() == before
    rollouts.record(
        title, back, rollouts.cause(back, name(edge)), others=rollouts.UNTOUCHED if untouched else "changed"
    )


def test_a_host_does_not_go_to_what_is_damaged_or_gone(broken: tuple[Host, str]) -> None:
    before, (edge, what) = stands(), broken
    for check in ((), ("--check",)):
        back = go_back(*NO_SOAK, "--limit", name(edge), *check)
        leave(f"rollback.yml {'--check ' if check else ''}to a {what}", back, edge, before)
        assert back.status != 0, back.text
        assert stands() == before


def cut_off() -> Run:
    """A rollback whose controller is switched off as soon as one edge has gone back."""
    with started("rollback.yml", "--limit", EDGES) as run:
        assert poll(lambda: "hybrid" in runs(), bool, 300)
        run.kill()
        return run.ended()


def test_typed_again_after_it_was_cut_off_it_goes_on_going_back_and_then_forward() -> None:
    first, again = cut_off(), go_back("--limit", EDGES)
    words = f"goes on going back: exit {again.status}; the edges run {' and '.join(runs())}"
    rollouts.record("rollback.yml again after it was cut off", first, words, again)
    assert again.status == 0, again.text
    assert "goes on with the run" in again.text
    assert runs() == ["hybrid", "hybrid"]
    forward = go_back(*NO_SOAK)
    assert forward.status == 0, forward.text
    assert runs() == ["python", "python"]


def test_a_run_that_was_refused_at_staging_takes_nothing_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    unproven = bad_release.make("unproven", tmp_path_factory.mktemp("unproven") / "bundle")
    refused = roll_out(*QUICK, "-e", f"seclyzer_bundle={unproven}", "-e", "mode=rust")
    assert refused.status == 2, refused.text
    before = stands()
    back = go_back(*NO_SOAK)
    leave("rollback.yml after a run that was refused at staging", back, hosts(EDGES)[0], before)
    assert back.status != 0
    assert "left nothing that could be undone, so nothing was changed" in back.text
    assert stands() == before


def test_after_a_run_that_failed_because_the_store_was_away_no_host_goes_to_a_release_known_to_be_bad(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    edge = hosts(EDGES)[0]
    bad = bad_release.make("exits", tmp_path_factory.mktemp("exits") / "bundle")
    tried = roll_out(*EDGES_ONLY, "--limit", name(edge), "-e", "mode=rust", "-e", f"seclyzer_bundle={bad}")
    assert (tried.status, trial.decided(edge)["state"]) == (2, "returned"), tried.text
    before = on_every(EDGES, deployment.manifest)
    with unplugged("store"):
        run = roll_out("-e", "seclyzer_release_soak_seconds=0", "-e", "mode=rust")
    assert run.status != 0
    assert runs() == ["rust", "rust"], run.text
    back = go_back("-e", "seclyzer_release_soak_seconds=0")
    same = on_every(EDGES, deployment.manifest) == before
    words = "each edge runs what it ran before that run" if same else f"the edges run {' and '.join(runs())}"
    rollouts.record("rollback.yml after a run that failed because the store was away", run, words, back)
    assert back.status == 0, back.text
    assert on_every(EDGES, deployment.manifest) == before


def test_while_the_only_host_of_the_last_run_is_away_no_other_is_switched() -> None:
    edge = hosts(EDGES)[0]
    assert roll_out(*QUICK, "--limit", name(edge), "-e", "mode=rust", "-e", "retry=true").status == 0
    before = stands()
    with unplugged(name(edge)):
        back = go_back(*NO_SOAK)
    leave("rollback.yml while the only host of the last run is away", back, edge, before)
    assert back.status != 0
    assert f"{name(edge)} cannot be asked" in back.text
    assert stands() == before
