"""A host goes to no release that cannot read what is saved there, unless that is accepted; and reads no later file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import bundles, deployments, judge_unit, proof, releases, staging, state_versions, trials
from plugins.module_utils.deploying import run, would
from plugins.module_utils.history import CONFIRMED, History
from plugins.module_utils.layout import Layout, Refused
from plugins.modules.seclyzer_deployment import ARGUMENTS
from tests.plugins.hosts import Systemd, bundle, desired

LEARNT = "what was learnt"
LATER = {"app": {"version": 2, "loss": LEARNT}, "spool": {"version": 1, "loss": "points"}}
LOST = f"app (version 2; it reads up to 1): {LEARNT}"
"""What is reported."""


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors are not what is tested here."""
    monkeypatch.setattr(proof, "replay", lambda vectors, programs, user: None)


def staged(host: Layout, manifest: dict[str, Any], folder: Path, **more: Any) -> staging.Staged:
    return staging.stage(host, desired(host, manifest), manifest, folder, "me", **more)


def switch(host: Layout, n: int | None) -> None:
    """Without a trial, found well."""
    parameters = {name: option.get("default") for name, option in ARGUMENTS.items()}
    run(host, parameters | {"state": "current", "deployment": n, "by": "me"}, False)
    history = History.load(host)
    history.mark(n or 0, CONFIRMED, "me")
    history.save(host)


@pytest.fixture
def two(host: Layout, fake: Systemd, tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs the second of two releases, whose tracker saves a later version."""
    (tmp_path / "new").mkdir()
    old = bundle(tmp_path)
    new = bundle(tmp_path / "new", says="two") | {"state": LATER}
    switch(host, staged(host, old, tmp_path).deployment)
    done = staged(host, new, tmp_path / "new")
    assert done.changes[-1] == f"going back will need -e accept_state_loss=true, for it loses {LOST}"
    switch(host, done.deployment)
    return old, new


@pytest.mark.parametrize("check", [True, False])
def test_staging_a_release_that_reads_less_is_refused_with_what_would_be_lost(
    host: Layout, two: tuple[dict[str, Any], dict[str, Any]], tmp_path: Path, check: bool
) -> None:
    old, new = two
    with pytest.raises(Refused) as refused:
        staged(host, old, tmp_path, check=check)
    assert str(refused.value) == (
        f"{old['release']} cannot read all that {new['release']} has saved: {LOST}. Nothing was changed and nothing is "
        "deleted; -e accept_state_loss=true goes there all the same"
    )
    assert (deployments.current(host), sorted(History.load(host).records)) == (2, [1, 2])


def test_a_loss_that_is_accepted_is_reported(
    host: Layout, two: tuple[dict[str, Any], dict[str, Any]], tmp_path: Path
) -> None:
    done = staged(host, two[0], tmp_path, accept_loss=True)
    assert (done.deployment, done.changes) == (3, ["deployment 3", f"accepted: {LOST}"])


def test_going_back_to_a_release_that_reads_less_needs_the_flag(
    host: Layout, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    parameters = {name: option.get("default") for name, option in ARGUMENTS.items()}
    parameters |= {"state": "previous", "by": "me", "to": "1"}
    for go in (would, run):
        with pytest.raises(Refused, match=r"app \(version 2; it reads up to 1\): what was learnt"):
            go(host, parameters, False)
        assert deployments.current(host) == 2
    done = run(host, parameters | {"accept_state_loss": True}, False)
    assert (done["deployment"], f"accepted: {LOST}" in done["said"]) == (1, True)


def test_the_same_versions_and_earlier_ones_are_no_loss() -> None:
    same = {"release": "a", "state": LATER}
    assert state_versions.verify_readable(same, same, False) == []
    assert state_versions.verify_readable(None, same, False) == []
    assert state_versions.verify_readable({"release": "b"}, same, False) == []
    assert state_versions.raised({"release": "b"}, same) != []


@pytest.mark.parametrize("states", [[], {"app": 2}, {"app": {"version": 0, "loss": ""}}, {"app": {"version": True}}])
def test_a_manifest_with_wrong_versions_is_refused(tmp_path: Path, states: object) -> None:
    manifest = bundle(tmp_path) | {"state": states}
    with pytest.raises(Refused, match="describes the versions of state wrongly"):
        bundles.parse(json.dumps(manifest))


def test_files_that_a_later_version_wrote_are_refused_by_name_and_left_as_they_are(
    host: Layout, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    trials.save(host, trials.Trial("r", 1, 2, 0.0, 0.0, 45.0))
    readers: dict[Path, Callable[[], object]] = {
        host.history: lambda: History.load(host),
        host.trial: lambda: trials.load(host),
        host.deployments / "2" / "manifest.json": lambda: deployments.load(host, 2),
    }
    for path, read in readers.items():
        value = json.loads(path.read_text())
        assert value["schema"] == state_versions.HOST
        text = json.dumps(value | {"schema": state_versions.HOST + 1})
        path.write_text(text)
        with pytest.raises(Refused, match=f"{path} was written by a later version .* run the checkout that wrote it"):
            read()
        assert path.read_text() == text
        path.write_text(json.dumps(value))


def test_a_judge_that_reads_an_earlier_form_of_trials_does_not_judge(
    host: Layout, two: tuple[dict[str, Any], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = two
    assert judge_unit.judges(host, 1, 2) == old["release"]
    monkeypatch.setattr(state_versions, "HOST", 2)
    assert releases.kept(host, old["release"]) is not None
    assert judge_unit.judges(host, 1, 2) == new["release"]
