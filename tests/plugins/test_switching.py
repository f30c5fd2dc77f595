"""A switch restarts what changed, and nothing else."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, switching, systemd
from plugins.module_utils.deployments import History, Wanted
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import Systemd, bundle, wanted

KEYSTROKE, AGENT = "seclyzer-keystroke.service", "seclyzer-agent.service"
TOGETHER = "seclyzer-extractors.service"


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    return bundle(tmp_path)


def stage(host: Layout, value: Wanted) -> int:
    return deployments.create(host, History.load(host), value, "me", None)


def test_on_a_blank_host_everything_is_installed_enabled_and_started(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    done = switching.switch(host, stage(host, wanted(host, manifest)), "me")
    assert done.started == [AGENT, KEYSTROKE]
    assert done.restarted == []
    assert os.readlink(host.current) == "deployments/1"
    assert not (host.units / KEYSTROKE).is_symlink()
    assert os.readlink(host.wants / KEYSTROKE) == str(host.units / KEYSTROKE)


def test_the_same_again_changes_nothing(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, wanted(host, manifest))
    switching.switch(host, n, "me")
    fake.commands.clear()
    done = switching.switch(host, n, "me")
    assert not done.changed
    assert done.sentence() == "nothing to do"
    assert {words[1] for words in fake.commands} == {"--no-ask-password"}
    assert fake.verbs("show") and not fake.verbs("restart") and not fake.verbs("start")


def test_only_the_unit_whose_settings_changed_restarts(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    switching.switch(host, stage(host, wanted(host, manifest)), "me")
    done = switching.switch(host, stage(host, wanted(host, manifest, settings="window: 10")), "me")
    assert done.restarted == [KEYSTROKE]
    assert done.sentence() == "deployment 2 after 1; unit files of keystroke; restarted keystroke"


def test_a_unit_file_changed_by_hand_is_mended(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, wanted(host, manifest))
    switching.switch(host, n, "me")
    (host.units / AGENT).write_text("[Service]\nExecStart=/bin/true\n")
    done = switching.switch(host, n, "me")
    assert (done.installed, done.restarted) == ([AGENT], [AGENT])
    assert "daemon-reload" in [words[-1] for words in fake.commands]


def test_a_disabled_and_a_stopped_unit_come_back(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, wanted(host, manifest))
    switching.switch(host, n, "me")
    (host.wants / AGENT).unlink()
    del fake.active[KEYSTROKE]
    done = switching.switch(host, n, "me")
    assert done.started == [KEYSTROKE]
    assert (host.wants / AGENT).is_symlink()


def test_the_unit_that_names_all_three_is_never_restarted_since_they_would_follow(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    def with_it(words: str) -> Wanted:
        value = wanted(host, manifest)
        text = f"[Unit]\nDescription={words}\n[Service]\nType=oneshot\n"
        return Wanted(**{**vars(value), "units": {**value.units, TOGETHER: text}})

    switching.switch(host, stage(host, with_it("a")), "me")
    done = switching.switch(host, stage(host, with_it("b")), "me")
    assert (done.installed, done.restarted, done.started) == ([TOGETHER], [], [])


def test_a_unit_that_is_no_longer_wanted_is_stopped_and_taken_away(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    value = wanted(host, manifest)
    switching.switch(host, stage(host, value), "me")
    agent_only = Wanted(**{**vars(value), "units": {AGENT: value.units[AGENT]}})
    done = switching.switch(host, stage(host, agent_only), "me")
    assert done.removed == [KEYSTROKE]
    assert fake.verbs("stop") == [KEYSTROKE]
    assert not (host.units / KEYSTROKE).exists() and not (host.wants / KEYSTROKE).is_symlink()


def test_a_new_credential_restarts_the_units_that_hold_the_old_one(
    host: Layout, fake: Systemd, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    n = stage(host, wanted(host, manifest))
    switching.switch(host, n, "me")
    (host.base.parent / "credential").write_text("new")
    monkeypatch.setattr(systemd, "started_at", lambda state: time.time() - 60)
    assert switching.switch(host, n, "me").restarted == [AGENT, KEYSTROKE]
    monkeypatch.setattr(systemd, "started_at", lambda state: time.time() + 60)
    assert switching.switch(host, n, "me").restarted == []


def test_a_unit_that_does_not_start_is_said_with_its_last_words(
    host: Layout, fake: Systemd, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.fails["--no-ask-password start"] = "Job failed."
    monkeypatch.setattr(systemd, "journal", lambda unit, lines: [f"{unit} has lost its way"])
    with pytest.raises(Refused, match=r"keystroke did not start: seclyzer-keystroke.service has lost its way"):
        switching.switch(host, stage(host, wanted(host, manifest)), "me")


def test_a_plan_touches_nothing(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    planned = switching.plan(host, stage(host, wanted(host, manifest)))
    assert planned.changed and planned.started == [AGENT, KEYSTROKE]
    assert not host.current.is_symlink() and not list(host.units.glob("*.service"))
