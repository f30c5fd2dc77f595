"""The health module ends in words also when the host's own files cannot be read or written."""

import errno
import json
import os
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from plugins.module_utils import files
from plugins.module_utils.history import History
from plugins.modules import seclyzer_health
from tests.plugins.trial_world import World

FULL = os.strerror(errno.ENOSPC)


def asked(world: World, capsys: pytest.CaptureFixture[str], **more: Any) -> dict[str, Any]:
    """What the module returns; it ends by SystemExit, any other end is a traceback for an operator."""
    given = {"base": str(world.host.base), "seconds": 0, "by": "ann", **more}
    with patch_module_args(given), pytest.raises(SystemExit):
        seclyzer_health.main()
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, FULL, "history.json")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"deployments": 3}'], ids=["JSON", "text", "entries"])
def test_a_history_that_cannot_be_read_is_a_sentence(
    world: World, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    world.host.history.write_bytes(content)
    found = asked(world, capsys)
    assert found["failed"] and "exception" not in found
    assert found["faults"] == [found["msg"]]
    assert str(world.host.base) in found["msg"]
    assert "Traceback" not in found["msg"] and len(found["msg"].splitlines()) == 1


def test_a_history_that_is_a_folder_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.host.history.unlink()
    world.host.history.mkdir()
    found = asked(world, capsys)
    assert (found["failed"], found["msg"]) == (True, f"{world.host.history}: {os.strerror(errno.EISDIR)}")


def test_a_check_does_not_fail_for_a_history_that_cannot_be_read(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.host.history.write_text("{")
    found = asked(world, capsys, _ansible_check_mode=True)
    assert not found.get("failed") and f"{world.host.history} cannot be read" in found["summary"]


@pytest.mark.parametrize("bad", ["", "keystroke: writes no heartbeat"])
def test_a_full_disk_under_the_history_is_reported_beside_the_look(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    world.switch()
    world.bad = bad
    monkeypatch.setattr(files, "_rename", full)
    found = asked(world, capsys)
    words = f"the outcome could not be written into the history: history.json: {FULL}"
    assert found["failed"] and found["faults"] == [*([bad] if bad else []), words]
    assert found["msg"] == "; ".join(found["faults"])
    assert found["running"]["deployment"] == 2


def test_a_host_that_returned_is_reported_as_that_also_when_its_history_cannot_be_read(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.switch()
    world.bad = "keystroke: writes no heartbeat"
    trial = world.trial().identity()
    world.judge()
    world.host.history.write_text("{")
    returned, unread = asked(world, capsys, trial=trial, follow=0)["faults"]
    assert returned.startswith("the host returned by itself to deployment 1")
    words = f"that it was seen could not be written into the history: {world.host.history} cannot be read"
    assert unread.startswith(words)


def test_what_was_found_is_written_into_the_history(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(world, capsys)
    assert not found.get("failed"), found
    assert History.load(world.host).state(1) == "confirmed"
