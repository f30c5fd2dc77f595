"""A file of events is judged by the settings of the host's extractors; by the defaults where they cannot be read."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from command import cli, explain
from command.exits import DEGRADED, WELL
from command.host import Host
from plugins.module_utils.layout import Layout
from tests.helpers import ROOT

WAYS = f"import sys; sys.path[:0] = [{str(ROOT / 'extractors/python')!r}]\n"


class Edge(Host):
    """One whose release has this machine's Python."""

    @property
    def tree(self) -> Path:
        return self.layout.base / "release"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Edge(Layout(base=tmp_path / "opt", units=tmp_path / "units"), "edge1")
    vars(found).update({"number": 1, "units": {}, "is_root": True, "is_edge": True})
    found.tree.mkdir(parents=True)
    (found.tree / "venv").symlink_to(sys.prefix)
    monkeypatch.setattr(explain, "JUDGE", WAYS + explain.JUDGE)
    return found


def judged(host: Host, capsys: pytest.CaptureFixture[str], *, settings: str = "", back: float = 1.0) -> dict[str, Any]:
    """What is printed of two keys, the second of which has an earlier time by so many seconds."""
    if settings:
        path = host.layout.current / "config" / "keystroke.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f'influx_org: "seclyzer"\n{settings}\n')
    now = time.time_ns() // 1000
    times = [now, now + 1, now - int(back * 1e6)]
    events = [{"type": "keystroke", "ts": ts, "key": "Space", "event": "press"} for ts in times]
    file = host.layout.base / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    status = cli.main(["test-events", "--json", "--explain", str(file)], lambda: host)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found | {"status": status}


def test_an_event_that_is_late_by_the_hosts_window_is_judged_so(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(host, capsys, settings="window_seconds: 5", back=15)
    assert found["counts"] == {"accepted": 2, "late": 1} and found["status"] == DEGRADED
    assert list(found["settings"]) == ["keystroke"]


def test_without_the_hosts_settings_the_defaults_judge(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(host, capsys, back=15)
    assert found["counts"] == {"accepted": 2, "behind": 1} and found["status"] == WELL
    assert found["settings"] == {}


def test_an_event_that_finds_no_room_is_dropped_and_the_document_has_that_verdict(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    found = judged(host, capsys, settings="buffer_events: 1")
    assert found["counts"]["dropped"] and found["status"] == DEGRADED
    assert "| `dropped` |" in (ROOT / "docs/command.md").read_text()


def test_that_defaults_judge_is_on_the_screen_with_what_to_type(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    vars(host)["is_root"] = False
    assert cli.main(["test-events", "--explain", "/dev/null"], lambda: host) == WELL
    words = " ".join(capsys.readouterr().out.split())
    assert "0 events: none note: default settings of keystroke, mouse, app; sudo seclyzer" in words
