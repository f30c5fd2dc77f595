"""Deployments are numbered, compared by content, returned to by the record, and kept as long as they may be needed."""

from pathlib import Path

import pytest

from plugins.module_utils import deployments, switching
from plugins.module_utils.files import link
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.releases import install
from tests.plugins.hosts import Systemd, bundle, desired, history


def stage(host: Layout, folder: Path, settings: str, says: str = "one") -> int:
    """Writes a deployment without proving it."""
    manifest = bundle(folder, says=says)
    if not (host.releases / manifest["release"]).exists():
        install(host, manifest, folder)
    value = desired(host, manifest, settings=settings)
    return deployments.create(host, History.load(host), value, "me", manifest["source"])


def test_equal_content_is_equal_whoever_made_it(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    first, second = desired(host, manifest), desired(host, manifest)
    assert first.content == second.content
    assert first.content != desired(host, manifest, settings="window: 10").content
    assert first.content != desired(host, manifest, mode="rust").content


def test_a_deployment_reads_back_as_it_was_written(host: Layout, tmp_path: Path) -> None:
    n = stage(host, tmp_path, "window: 30")
    manifest = bundle(tmp_path)
    assert deployments.load(host, n) == desired(host, manifest)
    found = deployments.manifest(host, n) or {}
    assert (found["by"], found["mode"], found["source"]) == ("me", "hybrid", manifest["source"])


def test_numbers_go_on_also_past_a_deployment_the_history_does_not_know(host: Layout, tmp_path: Path) -> None:
    assert stage(host, tmp_path, "a") == 1
    (host.deployments / "7").mkdir()
    assert stage(host, tmp_path, "b") == 8


def test_going_back_follows_the_record_and_not_the_times_of_files(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    for settings in ("a", "b", "c"):
        switching.switch(host, stage(host, tmp_path, settings), "me")
    assert History.load(host).previous(3) == 2
    switching.switch(host, 2, "me", "returned")
    assert History.load(host).previous(2) == 1
    switching.switch(host, stage(host, tmp_path, "c"), "me")
    assert deployments.current(host) == 4
    assert History.load(host).previous(4) == 2


def test_the_first_deployment_has_none_before_it(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    switching.switch(host, stage(host, tmp_path, "a"), "me")
    assert History.load(host).previous(1) is None
    assert History.load(host).previous(None) is None


def test_a_staged_deployment_of_the_same_content_is_taken_up_again(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    n = stage(host, tmp_path, "a")
    content = deployments.load(host, n).content
    assert deployments.find_staged(host, History.load(host), content) == n
    assert deployments.find_staged(host, History.load(host), "another") is None
    switching.switch(host, n, "me")
    assert deployments.find_staged(host, History.load(host), content) is None


def test_a_broken_history_is_refused_and_not_guessed(host: Layout) -> None:
    host.base.mkdir()
    host.history.write_text('{"deployments": [')
    with pytest.raises(Refused, match="cannot be read"):
        History.load(host)


def test_current_is_read_from_the_link(host: Layout) -> None:
    assert deployments.current(host) is None
    host.base.mkdir()
    link(host.current, "deployments/12")
    assert deployments.current(host) == 12


def test_history_says_who_went_where_from_where(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    switching.switch(host, stage(host, tmp_path, "a"), "me")
    switching.switch(host, stage(host, tmp_path, "b"), "you")
    event = history(host)["events"][-1]
    assert (event["what"], event["deployment"], event["came_from"], event["by"]) == ("switched", 2, 1, "you")
