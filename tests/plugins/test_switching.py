"""A switch restarts what changed, and nothing else."""

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, mends, switching, systemd
from plugins.module_utils.deployments import Desired
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import Systemd, bundle, desired, with_way

KEYSTROKE, AGENT = "seclyzer-keystroke.service", "seclyzer-agent.service"
TOGETHER = "seclyzer-extractors.service"


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    return bundle(tmp_path)


def stage(host: Layout, value: Desired) -> int:
    return deployments.create(host, History.load(host), value, "me", None)


def test_on_a_blank_host_everything_is_installed_enabled_and_started(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    done = switching.switch(host, stage(host, desired(host, manifest)), "me")
    assert done.started == [AGENT, KEYSTROKE]
    assert done.restarted == []
    assert os.readlink(host.current) == "deployments/1"
    assert not (host.units / KEYSTROKE).is_symlink()
    assert os.readlink(host.wants / KEYSTROKE) == str(host.units / KEYSTROKE)


def test_the_same_again_changes_nothing(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    fake.commands.clear()
    done = switching.switch(host, n, "me")
    assert not done.changed
    assert done.sentence() == "nothing to do"
    assert {words[1] for words in fake.commands} == {"--no-ask-password"}
    assert fake.verbs("show") and not fake.verbs("restart") and not fake.verbs("start")


def test_only_the_unit_whose_settings_changed_restarts(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    switching.switch(host, stage(host, desired(host, manifest)), "me")
    done = switching.switch(host, stage(host, desired(host, manifest, settings="window: 10")), "me")
    assert done.restarted == [KEYSTROKE]
    assert done.sentence() == "deployment 2 after 1; unit files of keystroke; restarted keystroke"


def test_a_unit_file_changed_by_hand_is_mended(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    (host.units / AGENT).write_text("[Service]\nExecStart=/bin/true\n")
    done = switching.switch(host, n, "me")
    assert (done.installed, done.restarted) == ([AGENT], [AGENT])
    assert "daemon-reload" in [words[-1] for words in fake.commands]


def test_a_disabled_and_a_stopped_unit_come_back(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    (host.wants / AGENT).unlink()
    del fake.active[KEYSTROKE]
    done = switching.switch(host, n, "me")
    assert done.started == [KEYSTROKE]
    assert (host.wants / AGENT).is_symlink()


def test_the_unit_that_names_all_three_is_never_restarted_since_they_would_follow(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    def with_it(words: str) -> Desired:
        value = desired(host, manifest)
        text = f"[Unit]\nDescription={words}\n[Service]\nType=oneshot\n"
        return Desired(**{**vars(value), "units": {**value.units, TOGETHER: text}})

    switching.switch(host, stage(host, with_it("a")), "me")
    done = switching.switch(host, stage(host, with_it("b")), "me")
    assert (done.installed, done.restarted, done.started) == ([TOGETHER], [], [])


def test_a_unit_that_is_no_longer_desired_is_stopped_and_taken_away(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    value = desired(host, manifest)
    switching.switch(host, stage(host, value), "me")
    agent_only = Desired(**{**vars(value), "units": {AGENT: value.units[AGENT]}})
    done = switching.switch(host, stage(host, agent_only), "me")
    assert done.removed == [KEYSTROKE]
    assert fake.verbs("stop") == [KEYSTROKE]
    assert not (host.units / KEYSTROKE).exists() and not (host.wants / KEYSTROKE).is_symlink()


def test_a_new_credential_restarts_the_units_that_hold_the_old_one(
    host: Layout, fake: Systemd, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    (host.base.parent / "credential").write_text("new")
    monkeypatch.setattr(systemd, "started_at", lambda state: time.time() - 60)
    assert switching.switch(host, n, "me").restarted == [AGENT, KEYSTROKE]
    monkeypatch.setattr(systemd, "started_at", lambda state: time.time() + 60)
    assert switching.switch(host, n, "me").restarted == []


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("success", "keystroke did not start: seclyzer-keystroke.service has lost its way"),
        ("exit-code", r"keystroke did not start \(exit-code\): seclyzer-keystroke.service has lost its way"),
        ("timeout", "keystroke did not report that it is ready in time, and logged nothing"),
    ],
)
def test_a_unit_that_does_not_start_is_reported_with_systemds_result_and_its_last_words(
    host: Layout, fake: Systemd, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch, result: str, shown: str
) -> None:
    fake.result = result
    fake.fails["--no-ask-password start"] = "Job failed."
    monkeypatch.setattr(systemd, "journal", lambda unit, lines, since: [f"{unit} has lost its way"])
    with pytest.raises(Refused, match=f"{shown}$"):
        switching.switch(host, stage(host, desired(host, manifest)), "me")


def test_a_plan_touches_nothing(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    planned = switching.plan(host, stage(host, desired(host, manifest)))
    assert planned.changed and planned.started == [AGENT, KEYSTROKE]
    assert not host.current.is_symlink() and not list(host.units.glob("*.service"))


STORE_SOCKET, STORE_PROXY, AGENT_SOCKET = "seclyzer-store.socket", "seclyzer-store.service", "seclyzer-agent.socket"
LISTENS = "[Socket]\nListenStream=127.0.0.1:9484\n"


def commands(fake: Systemd) -> list[str]:
    """What systemctl was called to change, in order."""
    reported = [" ".join(words[1:]).removeprefix("--no-ask-password ") for words in fake.commands]
    return [text for text in reported if text.split()[0] in ("stop", "start", "restart")]


def test_sockets_start_with_the_host_and_before_the_services(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    switching.switch(host, stage(host, with_way(desired(host, manifest))), "me")
    assert commands(fake) == [
        f"stop {STORE_SOCKET} {STORE_PROXY}",
        f"start {STORE_SOCKET}",
        f"start {AGENT} {KEYSTROKE} {STORE_PROXY}",
    ]
    for folder, unit in (("sockets.target.wants", STORE_SOCKET), ("multi-user.target.wants", STORE_PROXY)):
        assert os.readlink(host.units / folder / unit) == str(host.units / unit)
    assert sorted(path.name for path in host.wants.iterdir()) == [AGENT, KEYSTROKE, STORE_PROXY]


def test_a_service_that_holds_the_address_of_a_new_socket_stops_before_and_starts_after_it(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    value = desired(host, manifest)
    switching.switch(host, stage(host, value), "me")
    fake.commands.clear()
    done = switching.switch(host, stage(host, with_way(value, **{AGENT_SOCKET: LISTENS})), "me")
    assert commands(fake)[:3] == [
        f"stop {AGENT_SOCKET} {STORE_SOCKET} {AGENT} {STORE_PROXY}",
        f"start {AGENT_SOCKET} {STORE_SOCKET}",
        f"restart {AGENT}",
    ]
    assert done.sentence().endswith("restarted agent; started agent.socket, store, store.socket")


def test_a_socket_that_changed_begins_anew_with_its_service(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    value = desired(host, manifest)
    switching.switch(host, stage(host, with_way(value, **{AGENT_SOCKET: LISTENS})), "me")
    fake.commands.clear()
    other = with_way(value, **{AGENT_SOCKET: LISTENS.replace("9484", "9485")})
    done = switching.switch(host, stage(host, other), "me")
    assert (done.installed, done.restarted) == ([AGENT_SOCKET], [AGENT_SOCKET, AGENT])
    assert commands(fake) == [f"stop {AGENT_SOCKET} {AGENT}", f"start {AGENT_SOCKET}", f"restart {AGENT}"]


def test_a_socket_that_was_stopped_comes_back(host: Layout, fake: Systemd, manifest: dict[str, Any]) -> None:
    n = stage(host, with_way(desired(host, manifest)))
    switching.switch(host, n, "me")
    del fake.active[STORE_SOCKET]
    done = switching.switch(host, n, "me")
    assert (done.started, done.restarted) == ([STORE_SOCKET], [STORE_PROXY])


def test_going_back_to_a_deployment_without_sockets_takes_them_away(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    before = stage(host, desired(host, manifest))
    switching.switch(host, before, "me")
    after = with_way(desired(host, manifest), **{AGENT_SOCKET: LISTENS})
    switching.switch(host, stage(host, after), "me")
    fake.commands.clear()
    done = switching.switch(host, before, "me", "returned")
    assert done.removed == [AGENT_SOCKET, STORE_SOCKET, STORE_PROXY]
    assert commands(fake)[0] == f"stop {AGENT_SOCKET} {STORE_SOCKET} {STORE_PROXY}"
    assert not list((host.units / "sockets.target.wants").iterdir()) and not (host.wants / STORE_PROXY).is_symlink()
    assert not list(host.units.glob("*.socket"))


def test_what_ran_from_a_release_that_was_mended_restarts_once_and_the_release_is_reported(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    mends.note(host, History.load(host), "me", "release X was damaged: bin/keystroke; mended", manifest["release"])
    done = switching.switch(host, n, "me")
    assert done.sentence() == "release X was damaged: bin/keystroke; mended; restarted agent, keystroke"
    assert done.changed
    assert switching.switch(host, n, "me").sentence() == "nothing to do"


def test_what_was_mended_elsewhere_or_before_the_machine_came_up_restarts_nothing(
    host: Layout, fake: Systemd, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    mends.note(host, History.load(host), "me", "another", "0.1.0-0123456789ab")
    mends.note(host, History.load(host), "me", "another", deployment=n + 1)
    assert not switching.plan(host, n).changed
    mends.note(host, History.load(host), "me", "an older boot", manifest["release"])
    assert switching.plan(host, n).changed
    monkeypatch.setattr(mends, "boot", lambda: "the next boot")
    assert not switching.plan(host, n).changed


def test_a_unit_that_was_stopped_when_its_release_was_mended_starts_and_the_release_is_reported(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    n = stage(host, desired(host, manifest))
    switching.switch(host, n, "me")
    fake.active.clear()
    mends.note(host, History.load(host), "me", "release X was damaged: bin/keystroke; mended", manifest["release"])
    done = switching.switch(host, n, "me")
    assert done.sentence() == "release X was damaged: bin/keystroke; mended; started agent, keystroke"


def test_a_process_that_runs_another_file_than_its_program_restarts(
    host: Layout, fake: Systemd, manifest: dict[str, Any], tmp_path: Path
) -> None:
    """A real process: started from a program that was put in the place of ours, which was put back afterwards."""
    program = host.releases / manifest["release"] / "bin" / "keystroke"
    program.parent.mkdir(parents=True)
    shutil.copy("/bin/sleep", program)
    value = desired(host, manifest)
    unit = value.units[KEYSTROKE].replace("/opt/seclyzer/releases", str(host.releases))
    n = stage(host, replace(value, units={KEYSTROKE: unit}))
    switching.switch(host, n, "me")
    process = subprocess.Popen([program, "60"])
    try:
        fake.pid = process.pid
        assert not switching.plan(host, n).changed
        shutil.copy("/bin/sleep", tmp_path / "sleep")
        (tmp_path / "sleep").rename(program)
        done = switching.plan(host, n)
    finally:
        process.kill()
        process.wait()
    assert done.restarted == [KEYSTROKE]
    assert done.mended == [f"keystroke ran {program} (deleted), which is not its program"]


def test_a_switch_to_another_release_blames_no_unit_for_running_the_one_before(
    host: Layout, fake: Systemd, manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "executable", lambda pid: "/opt/seclyzer/releases/another/bin/keystroke")
    monkeypatch.setattr(systemd, "is_binary", lambda program: True)

    def value(settings: str) -> Desired:
        made = desired(host, manifest, settings=settings)
        units = {KEYSTROKE: made.units[KEYSTROKE].replace("/opt/seclyzer/releases", str(host.releases))}
        return replace(made, units=units)

    switching.switch(host, stage(host, value("window: 30")), "me")
    done = switching.plan(host, stage(host, value("window: 10")))
    assert (done.mended, done.restarted) == ([], [KEYSTROKE])
    assert switching.plan(host, 1).mended == [
        "keystroke ran /opt/seclyzer/releases/another/bin/keystroke, which is not its program"
    ]


def test_a_unit_that_runs_nothing_of_a_release_stays_when_it_is_mended(
    host: Layout, fake: Systemd, manifest: dict[str, Any]
) -> None:
    value = desired(host, manifest)
    other = value.units[AGENT].replace(f"/opt/seclyzer/releases/{manifest['release']}/bin/agent", "/usr/lib/proxy")
    n = stage(host, replace(value, units={**value.units, AGENT: other}))
    switching.switch(host, n, "me")
    mends.note(host, History.load(host), "me", "release X was damaged", manifest["release"])
    assert switching.plan(host, n).restarted == [KEYSTROKE]
