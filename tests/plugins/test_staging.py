"""Staging makes a host ready, proves it, and touches nothing that runs; equal content is no change."""

import os
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, proof, staging, switching
from plugins.module_utils.deployments import Desired
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.releases import look
from tests.plugins.hosts import Systemd, bundle, desired
from tests.plugins.test_releases import change, older


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    return bundle(tmp_path)


@pytest.fixture(autouse=True)
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors are not what is tested here."""
    monkeypatch.setattr(proof, "replay", lambda vectors, programs, user: None)


def run(host: Layout, value: Desired, manifest: dict[str, Any], folder: Path | None) -> staging.Staged:
    return staging.stage(host, value, manifest, folder, "me")


def test_a_host_that_lacks_the_release_asks_for_the_archives_it_needs_and_changes_nothing(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    done = run(host, desired(host, manifest), manifest, None)
    assert (done.needs, done.changed) == (["common", "python3.11"], False)
    assert not host.base.exists()


def test_staging_unpacks_writes_down_and_proves_without_touching_a_service(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    done = run(host, desired(host, manifest), manifest, tmp_path)
    assert (done.deployment, done.changed) == (1, True)
    assert look(host, manifest).whole
    assert History.load(host).state(1) == "staged"
    assert [words[0] for words in fake.commands] == ["systemd-analyze", "systemd-run", "systemd-run"]
    assert not host.current.is_symlink() and not list(host.units.iterdir())


def test_what_runs_already_is_no_change(host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path) -> None:
    switching.switch(host, run(host, desired(host, manifest), manifest, tmp_path).deployment or 0, "me")
    fake.commands.clear()
    done = run(host, desired(host, manifest), manifest, None)
    assert (done.deployment, done.changed, done.needs) == (1, False, [])
    assert fake.commands == []


def test_after_a_return_the_same_content_tried_again_is_a_new_deployment(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    for mode in ("hybrid", "rust"):
        switching.switch(host, run(host, desired(host, manifest, mode), manifest, tmp_path).deployment or 0, "me")
    switching.switch(host, 1, "me", "returned")
    done = staging.stage(host, desired(host, manifest, "rust"), manifest, None, "me", retry=True)
    assert (done.deployment, done.changed) == (3, True)


@pytest.mark.parametrize("check", [True, False])
def test_what_was_returned_from_is_refused_before_anything_is_sent_with_what_to_type(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path, check: bool
) -> None:
    for mode in ("hybrid", "rust"):
        switching.switch(host, run(host, desired(host, manifest, mode), manifest, tmp_path).deployment or 0, "me")
    switching.switch(host, 1, "bob", "returned", why="it leaked")
    with pytest.raises(
        Refused, match=r"was returned from on this host at .*, as deployment 2: it leaked\. .* -e retry=true"
    ):
        staging.stage(host, desired(host, manifest, "rust"), manifest, None, "me", check)
    assert sorted(History.load(host).records) == [1, 2]
    assert run(host, desired(host, manifest, "python"), manifest, None).deployment == 3, "another content is free to go"


def test_an_interrupted_rollout_goes_on_with_what_it_staged(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    run(host, desired(host, manifest), manifest, tmp_path)
    done = run(host, desired(host, manifest), manifest, None)
    assert (done.deployment, done.changed) == (1, False)


def test_a_deployment_that_fails_its_proof_is_reported_and_not_current(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    fake.fails["--check"] = "influx_token: 401"
    with pytest.raises(Refused, match=r"deployment 1 is not switched to: seclyzer-agent.service: .*influx_token: 401"):
        run(host, desired(host, manifest), manifest, tmp_path)
    past = History.load(host)
    assert (past.state(1), past.events[-1]["what"]) == ("unproven", "not proven")
    assert deployments.current(host) is None


def test_a_proof_that_failed_is_tried_again_under_the_same_number(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    fake.fails["--check"] = "Redis is away"
    with pytest.raises(Refused):
        run(host, desired(host, manifest), manifest, tmp_path)
    fake.fails.clear()
    assert run(host, desired(host, manifest), manifest, None).deployment == 1
    assert History.load(host).state(1) == "staged"


def test_check_mode_on_a_blank_host_says_what_would_come_and_writes_nothing(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    done = staging.stage(host, desired(host, manifest), manifest, None, "me", check=True)
    assert (done.deployment, done.changed, done.needs) == (None, True, [])
    assert not host.base.exists()


def test_a_diff_shows_settings_against_what_runs(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    switching.switch(host, run(host, desired(host, manifest), manifest, tmp_path).deployment or 0, "me")
    shown = "".join(
        part["prepared"] for part in staging.differences(host, desired(host, manifest, settings="window: 10"))
    )
    assert "--- running/config/keystroke.yaml" in shown
    assert "-window: 30" in shown and "+window: 10" in shown
    assert "agent.yaml" not in shown
    assert staging.differences(host, desired(host, manifest)) == []


def running(host: Layout, manifest: dict[str, Any], folder: Path) -> int:
    """A host that runs what is desired; the deployment's number."""
    n = run(host, desired(host, manifest), manifest, folder).deployment or 0
    switching.switch(host, n, "me")
    return n


def test_a_release_that_is_damaged_is_asked_for_mended_and_written_down(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    n = running(host, manifest, tmp_path)
    release = manifest["release"]
    change(host.releases / release, "a byte")
    planned = f"release {release} is damaged: bin/keystroke is not what was packed; it would be mended"
    checked = staging.stage(host, desired(host, manifest), manifest, None, "me", check=True)
    assert (checked.changes, checked.changed, checked.needs) == ([planned], True, [])
    assert run(host, desired(host, manifest), manifest, None).needs == ["common", "python3.11"]
    done = run(host, desired(host, manifest), manifest, tmp_path)
    mended = f"release {release} was damaged: bin/keystroke is not what was packed; mended"
    assert (done.deployment, done.changed, done.changes) == (n, True, [mended])
    event = History.load(host).events[-1]
    assert (event["what"], event["deployment"], event["release"], event["why"]) == ("mended", n, release, mended)
    again = run(host, desired(host, manifest), manifest, None)
    assert (again.changed, again.needs, again.changes) == (False, [], [])


def test_a_file_that_was_changed_with_its_line_in_the_list_is_named(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    running(host, manifest, tmp_path)
    change(host.releases / manifest["release"], "a byte and its line in the list")
    (mended,) = run(host, desired(host, manifest), manifest, tmp_path).changes
    assert "checksums/common.sha256 is not the list" in mended and "bin/keystroke is not what was packed" in mended


def test_a_release_from_before_lists_were_anchored_gets_its_anchors_and_nothing_is_sent(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    running(host, manifest, tmp_path)
    older(host, manifest)
    done = run(host, desired(host, manifest), manifest, None)
    assert (done.needs, done.changes) == ([], [f"release {manifest['release']} is anchored now"])
    assert not run(host, desired(host, manifest), manifest, None).changed
    assert not switching.plan(host, 1).changed


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("config/keystroke.yaml", "window: 1", "config/keystroke.yaml is not what was staged"),
        ("config/more.yaml", "x", "config/more.yaml is not of this deployment"),
        ("units/seclyzer-agent.service", "[Service]", "units/seclyzer-agent.service is not what was staged"),
    ],
)
def test_a_deployment_that_was_changed_is_mended_under_its_number_and_what_runs_from_it_restarts(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path, path: str, text: str, fault: str
) -> None:
    n = running(host, manifest, tmp_path)
    before = deployments.load(host, n)
    (host.deployments / str(n) / path).write_text(text)
    done = run(host, desired(host, manifest), manifest, None)
    assert (done.deployment, done.changes) == (n, [f"deployment {n} was damaged: {fault}; mended"])
    assert deployments.load(host, n) == before
    planned = switching.plan(host, n)
    assert (planned.mended, len(planned.restarted)) == (done.changes, 2)
    assert not run(host, desired(host, manifest), manifest, None).changed


def test_a_manifest_of_a_deployment_that_was_changed_is_mended(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    n = running(host, manifest, tmp_path)
    place = host.deployments / str(n) / "manifest.json"
    place.write_text(place.read_text().replace('"hybrid"', '"python"'))
    done = run(host, desired(host, manifest), manifest, None)
    assert done.changes == [f"deployment {n} was damaged: manifest.json is not what was staged; mended"]
    assert (deployments.manifest(host, n) or {})["mode"] == "hybrid"
    for number, damage in enumerate([b"no JSON", b"\xff", b"[]", b'{"release": 1}'], n + 1):
        place.write_bytes(damage)
        assert run(host, desired(host, manifest), manifest, None).deployment == number
        switching.switch(host, number, "me")
        place = host.deployments / str(number) / "manifest.json"


def test_files_that_others_could_read_are_a_change_once(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    running(host, manifest, tmp_path)
    host.history.chmod(0o644)
    checked = staging.stage(host, desired(host, manifest), manifest, None, "me", check=True)
    assert checked.changes == ["owner and mode of 1 files would be mended"]
    assert run(host, desired(host, manifest), manifest, None).changes == ["owner and mode of 1 files"]
    assert not run(host, desired(host, manifest), manifest, None).changed


def test_a_staged_deployment_that_was_changed_is_mended_before_it_is_proven_again(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    n = run(host, desired(host, manifest), manifest, tmp_path).deployment or 0
    (host.deployments / str(n) / "config/agent.yaml").write_text("x")
    done = run(host, desired(host, manifest), manifest, None)
    assert done.changes == [f"deployment {n} was damaged: config/agent.yaml is not what was staged; mended"]
    assert (done.deployment, deployments.load(host, n)) == (n, desired(host, manifest))


@pytest.mark.parametrize("how", ["bytes", "link", "folder", "more of any name"])
def test_whatever_stands_in_the_place_of_a_configuration_is_mended(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path, how: str
) -> None:
    n = running(host, manifest, tmp_path)
    path = host.deployments / str(n) / "config" / "agent.yaml"
    if how == "bytes":
        path.write_bytes(b"\xff\xfe")
    elif how == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif how == "folder":
        path.unlink()
        (path / "deeper").mkdir(parents=True)
    else:
        Path(os.fsdecode(os.fsencode(path.parent) + b"/\xff\n")).write_text("x")
    (mended,) = run(host, desired(host, manifest), manifest, None).changes
    assert mended.startswith(f"deployment {n} was damaged: config/") and mended.isprintable()
    assert path.read_text() == "listen: 127.0.0.1:9484" and not path.is_symlink()
    assert not run(host, desired(host, manifest), manifest, None).changed
