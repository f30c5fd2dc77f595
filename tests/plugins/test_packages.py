"""Packages are installed once what comes is written down; sources that apt cannot read are named by its own words."""

from types import SimpleNamespace
from typing import Any

import pytest

from plugins.action.seclyzer_packages import ActionModule, sources

UNREACHABLE = """Hit:1 http://mirror.invalid/debian bookworm InRelease
Err:2 http://127.0.0.1:9/debian stable InRelease
  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)
Reading package lists...
W: Failed to fetch http://127.0.0.1:9/debian/dists/stable/InRelease  Could not connect to 127.0.0.1:9 (127.0.0.1).
W: Some index files failed to download. They have been ignored, or old ones used instead.
"""
UNSIGNED = """E: The repository 'https://ann:secret@apt.invalid/x stable Release' does not have a Release file.
W: GPG error: http://keys.invalid stable InRelease: The following signatures couldn't be verified
E: The repository 'http://keys.invalid stable InRelease' is not signed.
"""


def test_a_source_that_does_not_answer_is_named() -> None:
    assert sources(UNREACHABLE) == ["http://127.0.0.1:9/debian/dists/stable/InRelease"]


def test_a_source_without_release_file_or_signature_is_named_once_and_without_its_password() -> None:
    assert sources(UNSIGNED) == ["https://apt.invalid/x", "http://keys.invalid"]


def test_nothing_is_named_when_all_answered() -> None:
    assert sources("Hit:1 http://mirror.invalid/debian bookworm InRelease\nReading package lists...\n") == []


def installed(monkeypatch: pytest.MonkeyPatch, found: list[dict[str, Any]], names: list[str]) -> tuple[Any, list[str]]:
    """What comes of an installation on a host, which reports `found` one after the other; and the modules that ran."""
    ran: list[str] = []

    def ask(self: Any, module: str, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        ran.append(module.rpartition(".")[2])
        return found.pop(0) if ran[-1] == "seclyzer_found" else {"changed": True}

    monkeypatch.setattr(ActionModule, "ask", ask)
    action = object.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    return action._install({"name": names}, {}), ran


KNOWN = {"missing": ["redis-server"], "unknown": False}


def test_what_comes_is_written_down_before_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(monkeypatch, [KNOWN], ["redis-server"]) == ({"changed": True}, ["seclyzer_found", "apt"])


def test_lists_that_tell_nothing_are_brought_up_to_date_before_anything_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, ran = installed(monkeypatch, [{**KNOWN, "unknown": True}, KNOWN], ["redis-server"])
    assert ran == ["seclyzer_found", "command", "seclyzer_found", "apt"]


def test_apt_is_not_asked_for_what_is_installed_unless_a_version_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"missing": [], "unknown": False}
    assert installed(monkeypatch, [there], ["redis-server"]) == ({"changed": False}, ["seclyzer_found"])
    assert installed(monkeypatch, [there], ["redis-server=5:7.0"])[1] == ["seclyzer_found", "apt"]


def test_a_record_that_cannot_be_written_stops_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    result, ran = installed(monkeypatch, [{"failed": True, "msg": "no"}], ["redis-server"])
    assert (result["msg"], ran) == ("no", ["seclyzer_found"])
