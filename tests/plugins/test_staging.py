"""Staging makes a host ready, proves it, and touches nothing that runs; equal content is no change."""

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, proof, staging, switching
from plugins.module_utils.deployments import History, Wanted
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.releases import present
from tests.plugins.hosts import Systemd, bundle, wanted


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    return bundle(tmp_path)


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors are not what is tested here."""
    monkeypatch.setattr(proof, "replay", lambda vectors, programs, user: None)


def run(host: Layout, value: Wanted, manifest: dict[str, Any], folder: Path | None) -> staging.Staged:
    return staging.stage(host, value, manifest, folder, "me")


def test_a_host_that_lacks_the_release_asks_for_the_archives_it_needs_and_changes_nothing(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    done = run(host, wanted(host, manifest), manifest, None)
    assert (done.needs, done.changed) == (["common", "python3.11"], False)
    assert not host.base.exists()


def test_staging_unpacks_writes_down_and_proves_without_touching_a_service(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    done = run(host, wanted(host, manifest), manifest, tmp_path)
    assert (done.deployment, done.changed) == (1, True)
    assert present(host, manifest)
    assert History.load(host).state(1) == "staged"
    assert [words[0] for words in fake.commands] == ["systemd-analyze", "systemd-run", "systemd-run"]
    assert not host.current.is_symlink() and not list(host.units.iterdir())


def test_what_runs_already_is_no_change(host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path) -> None:
    switching.switch(host, run(host, wanted(host, manifest), manifest, tmp_path).deployment or 0, "me")
    fake.commands.clear()
    done = run(host, wanted(host, manifest), manifest, None)
    assert (done.deployment, done.changed, done.needs) == (1, False, [])
    assert fake.commands == []


def test_after_a_return_the_same_content_is_a_new_deployment(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    for mode in ("hybrid", "rust"):
        switching.switch(host, run(host, wanted(host, manifest, mode), manifest, tmp_path).deployment or 0, "me")
    switching.switch(host, 1, "me", "returned")
    done = run(host, wanted(host, manifest, "rust"), manifest, None)
    assert (done.deployment, done.changed) == (3, True)


def test_an_interrupted_rollout_goes_on_with_what_it_staged(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    run(host, wanted(host, manifest), manifest, tmp_path)
    done = run(host, wanted(host, manifest), manifest, None)
    assert (done.deployment, done.changed) == (1, False)


def test_a_deployment_that_fails_its_proof_is_said_and_not_current(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    fake.fails["--check"] = "influx_token: 401"
    with pytest.raises(Refused, match=r"deployment 1 is not switched to: seclyzer-agent.service: .*influx_token: 401"):
        run(host, wanted(host, manifest), manifest, tmp_path)
    past = History.load(host)
    assert (past.state(1), past.events[-1]["what"]) == ("unproven", "not proven")
    assert deployments.current(host) is None


def test_a_proof_that_failed_is_tried_again_under_the_same_number(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    fake.fails["--check"] = "Redis is away"
    with pytest.raises(Refused):
        run(host, wanted(host, manifest), manifest, tmp_path)
    fake.fails.clear()
    assert run(host, wanted(host, manifest), manifest, None).deployment == 1
    assert History.load(host).state(1) == "staged"


def test_check_mode_on_a_blank_host_says_what_would_come_and_writes_nothing(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    done = staging.stage(host, wanted(host, manifest), manifest, None, "me", check=True)
    assert (done.deployment, done.changed, done.needs) == (None, True, [])
    assert not host.base.exists()


def test_a_diff_shows_settings_against_what_runs(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    switching.switch(host, run(host, wanted(host, manifest), manifest, tmp_path).deployment or 0, "me")
    shown = "".join(
        part["prepared"] for part in staging.differences(host, wanted(host, manifest, settings="window: 10"))
    )
    assert "--- running/config/keystroke.yaml" in shown
    assert "-window: 30" in shown and "+window: 10" in shown
    assert "agent.yaml" not in shown
    assert staging.differences(host, wanted(host, manifest)) == []
