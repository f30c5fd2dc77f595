"""What a host had is written down before the change, and once."""

import stat
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import found, systemd
from plugins.module_utils.found import Found
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.systemd import Completed

REDIS = "redis-server.service"


@pytest.fixture(autouse=True)
def states(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What systemd reports of the one unit there is."""
    state = {"Id": REDIS, "LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active"}

    def run(argv: Any, timeout: float = 60.0) -> Completed:
        return Completed(list(argv), 0, "\n".join(f"{name}={value}" for name, value in state.items()), "")

    monkeypatch.setattr(systemd, "run", run)
    return state


def test_the_first_look_counts_and_what_is_new_is_looked_at_then(
    host: Layout, states: dict[str, str], tmp_path: Path
) -> None:
    found.note(host, users=["root", "seclyzer-none"], groups=["root"], paths=[str(tmp_path / "x")], units=[REDIS])
    (tmp_path / "x").write_text("made by a role")
    states["ActiveState"] = "inactive"
    found.note(host, users=["seclyzer-none", "seclyzer-other"], paths=[str(tmp_path / "x")], units=[REDIS])
    assert found.load(host) == Found(
        users={"root": True, "seclyzer-none": False, "seclyzer-other": False},
        groups={"root": True},
        paths={str(tmp_path / "x"): False},
        units={REDIS: {"load": "loaded", "enabled": "enabled", "active": "yes"}},
    )
    assert stat.S_IMODE(host.found.stat().st_mode) == 0o600


def test_a_host_that_nothing_is_changed_on_yet_is_written_down_as_looked_at(host: Layout) -> None:
    found.note(host)
    (host.units / "seclyzer-redis.service").write_text("Description=SecLyzer's Redis, beside another's\n")
    recorded = found.note(host, users=["root"])
    assert (recorded.late, recorded.users) == (False, {"root": True})


def test_a_dry_look_writes_nothing(host: Layout) -> None:
    assert found.note(host, users=["root"], dry=True).users == {"root": True}
    assert not host.base.exists()
    assert found.load(host) is None


def test_a_unit_that_a_person_wrote_is_written_down_with_its_text(host: Layout, states: dict[str, str]) -> None:
    (host.units / REDIS).write_text("[Service]\nExecStart=/opt/theirs\n")
    states["FragmentPath"] = str(host.units / REDIS)
    assert found.state_of(host, REDIS)["text"] == "[Service]\nExecStart=/opt/theirs\n"
    states["FragmentPath"] = "/lib/systemd/system/redis-server.service"
    assert "text" not in found.state_of(host, REDIS)


def test_a_host_that_seclyzer_was_on_before_it_wrote_down_has_its_names_for_our_own(host: Layout) -> None:
    host.base.mkdir()
    host.history.write_text("{}")
    recorded = found.note(host, users=["root"], groups=["root"], paths=["/etc"], units=[REDIS])
    assert recorded.late
    assert (recorded.users, recorded.groups, recorded.paths) == ({"root": False}, {"root": False}, {"/etc": False})
    assert recorded.units == {REDIS: {"load": "unknown"}}


def test_a_record_that_cannot_be_read_is_refused_and_not_written_over(host: Layout) -> None:
    host.base.mkdir()
    host.found.write_text("{")
    with pytest.raises(Refused, match="cannot be read"):
        found.note(host, users=["root"])
    assert host.found.read_text() == "{"


def test_what_was_made_in_another_s_influxdb_is_written_down_once(host: Layout) -> None:
    for what in ("bucket a", "bucket a", "organisation b"):
        found.make(host, what)
    recorded = found.load(host)
    assert recorded is not None and recorded.made == ["bucket a", "organisation b"]
