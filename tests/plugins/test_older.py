"""An older SecLyzer is stopped once how it was is written down, and started again as it was."""

from collections.abc import Sequence

import pytest

from plugins.module_utils import existing, found, older, systemd
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.systemd import Completed

MOUSE, APP = "seclyzer-extractors@mouse.service", "seclyzer-extractors@app.service"


@pytest.fixture
def commands(host: Layout, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were given; the older mouse extractor runs, that of applications is enabled only."""
    given: list[list[str]] = []

    def run(argv: Sequence[str], timeout: float = 60.0) -> Completed:
        words = [word for word in argv if word != "--no-ask-password"]
        if words[1] == "show":
            active, enabled = ("active", "disabled") if words[-1] == MOUSE else ("inactive", "enabled")
            text = f"Id={words[-1]}\nLoadState=loaded\nUnitFileState={enabled}\nActiveState={active}\n"
            return Completed(words, 0, text, "")
        if words[1] == "disable":
            assert found.load(host) is not None, "it was stopped before it was written down"
        given.append(words[1:])
        return Completed(words, 0, "", "")

    monkeypatch.setattr(systemd, "run", run)
    monkeypatch.setattr(existing, "older", lambda layout, proc: [APP, MOUSE])
    return given


def test_it_is_stopped_once_how_it_was_is_written_down(host: Layout, commands: list[list[str]]) -> None:
    assert older.stop(host) == [APP, MOUSE]
    assert commands == [["disable", "--now", APP, MOUSE]]
    recorded = found.load(host)
    assert recorded is not None and recorded.older == {
        APP: {"load": "loaded", "enabled": "enabled", "active": "no"},
        MOUSE: {"load": "loaded", "enabled": "disabled", "active": "yes"},
    }


def test_it_comes_back_as_it_was(host: Layout, commands: list[list[str]]) -> None:
    older.stop(host)
    older.start_again(host)
    assert commands[1:] == [["enable", APP], ["start", MOUSE]]


def test_leaving_takes_our_units_and_the_link_and_keeps_releases_and_history(
    host: Layout, commands: list[list[str]]
) -> None:
    older.stop(host)
    host.history.write_text("{}")
    host.current.symlink_to("deployments/1")
    host.wants.mkdir()
    (host.units / "seclyzer-agent.service").write_text("# Written by site.yml\n")
    host.wants_link("seclyzer-agent.service").symlink_to("nowhere")
    (host.units / MOUSE.replace("mouse", "")).write_text("theirs")
    assert older.leave(host) == [APP, MOUSE]
    assert sorted(path.name for path in host.units.iterdir()) == [MOUSE.replace("mouse", "")]
    assert not host.current.is_symlink() and host.history.exists()
    assert commands[1][0] == "stop" and commands[-2:] == [["enable", APP], ["start", MOUSE]]


def test_a_host_without_one_has_nothing_to_go_back_to(host: Layout, commands: list[list[str]]) -> None:
    assert not older.was_stopped(host)
    with pytest.raises(Refused, match="no older SecLyzer was stopped on this host"):
        older.leave(host)
    assert commands == []


def test_a_program_without_a_unit_is_not_stopped(
    host: Layout, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(existing, "older", lambda layout, proc: [MOUSE, "session-3.scope"])
    with pytest.raises(Refused, match=r"session-3\.scope of an older SecLyzer runs without a unit"):
        older.stop(host)
    assert commands == [] and found.load(host) is None
