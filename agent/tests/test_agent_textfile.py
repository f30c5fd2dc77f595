"""The file for node_exporter: what anybody may read, as a whole, and nothing that node_exporter has itself."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_world import STATS, Agent, Host
from prometheus_client.parser import text_string_to_metric_families as parse_text

from seclyzer_agent.checks.extractor import ExtractorFacts
from seclyzer_agent.hysteresis import Damped
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.public import Public
from seclyzer_agent.snapshot import CheckState, Shown, Snapshot, View
from seclyzer_agent.stats import parse
from seclyzer_agent.textfile import EVERY, Textfile, write
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

Start = Callable[..., Agent]


@pytest.fixture
def file(host: Host) -> Path:
    """Where the agent of this host writes."""
    place = host.directory / "metrics" / "seclyzer.prom"
    place.parent.mkdir()
    host.config["metrics_file"] = str(place)
    return place


@pytest.fixture
def node_exporter(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Debian's node_exporter that reads a folder only, and what it answers."""
    folder, port = tmp_path / "textfiles", free_port()
    folder.mkdir()
    command = ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile"]
    command += [f"--collector.textfile.directory={folder}", f"--web.listen-address=127.0.0.1:{port}"]

    def answer() -> str:
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                f"http://127.0.0.1:{port}/metrics", timeout=5
            ) as response:
                return str(response.read().decode())
        except OSError:
            return ""

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until(answer, "node_exporter answers")
        yield answer
        process.kill()


def test_node_exporter_passes_on_what_the_agent_has_written(
    host: Host, file: Path, start: Start, node_exporter: Callable[[], str], tmp_path: Path
) -> None:
    (tmp_path / "textfiles" / "seclyzer.prom").symlink_to(file)
    agent = start()
    until(file.exists, "the file is there")
    answer = node_exporter()
    assert "node_textfile_scrape_error 0" in answer
    assert "seclyzer_redis_up 1" in answer and 'seclyzer_extractor_up{extractor="keystroke"} 1' in answer
    assert f'node_textfile_mtime_seconds{{file="{tmp_path}/textfiles/seclyzer.prom"}}' in answer
    assert file.stat().st_mode & 0o777 == 0o644
    assert agent.stop()[0] == 0
    file.unlink()  # as systemd does, whose RuntimeDirectory= it is in
    answer = node_exporter()
    assert "node_textfile_scrape_error 1" in answer and "seclyzer_" not in answer.replace(str(tmp_path), "")


def test_the_file_has_no_figures_of_the_agents_own_process_and_promtool_finds_nothing(file: Path, start: Start) -> None:
    start()
    until(file.exists, "the file is there")
    text = file.read_text()
    names = {family.name for family in parse_text(text)}
    assert "seclyzer_extractor_events" in names
    assert [name for name in names if not name.startswith("seclyzer_")] == []
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def typed(events: int) -> Snapshot:
    """A host on which so many events were read."""
    facts = ExtractorFacts(parse(STATS | {"events": str(events)}), 0, 0, 0.0)
    entry = Entry("heartbeat", "keystroke", "component", Status.PASS, "well")
    shown = (Shown(entry, Damped(Status.PASS, (Status.PASS,)), 1.7e9),)
    return Snapshot(
        "edge1", 1.7e9, (View(CheckState("keystroke", 5, 2, 1, 3, entry, shown, facts, 1, 1.7e9, 0), shown, facts),)
    )


def test_what_a_person_does_meanwhile_is_not_in_it_before_the_next_minute(tmp_path: Path) -> None:
    now, place, public = 100.0, tmp_path / "seclyzer.prom", Public()
    textfile = Textfile(place, public, lambda: now)
    for events in (100, 101):
        snapshot = typed(events)
        public.take(snapshot)
        textfile.update(snapshot)
        assert 'seclyzer_extractor_events_total{extractor="keystroke"} 100.0' in place.read_text()
        place.unlink()
        now += EVERY


def test_a_folder_that_is_not_there_harms_nothing_else(host: Host, start: Start) -> None:
    host.config["metrics_file"] = str(host.directory / "missing" / "seclyzer.prom")
    agent = start()
    assert agent.get("/readyz").status == 200
    status, log = agent.stop()
    assert status == 0
    assert "the file of metrics cannot be written" in log and "No such file or directory" in log


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    place = tmp_path / "seclyzer.prom"
    write(place, b"a 1\n" * 1000)
    with place.open("rb") as reader:
        write(place, b"b 2\n")
        assert reader.read() == b"a 1\n" * 1000
    assert place.read_bytes() == b"b 2\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["seclyzer.prom"]


def test_a_link_in_the_place_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    (tmp_path / ".seclyzer.prom.new").symlink_to(other)
    with pytest.raises(OSError):
        write(tmp_path / "seclyzer.prom", b"a 1\n")
    assert other.read_text() == "kept" and not (tmp_path / "seclyzer.prom").exists()


def test_what_could_not_be_moved_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "seclyzer.prom").mkdir()
    with pytest.raises(OSError):
        write(tmp_path / "seclyzer.prom", b"a 1\n")
    assert os.listdir(tmp_path) == ["seclyzer.prom"]


def test_it_is_written_every_half_minute_and_not_before_all_was_read(tmp_path: Path) -> None:
    now = 100.0
    place = tmp_path / "seclyzer.prom"
    textfile = Textfile(place, Public(), lambda: now)
    entry = Entry("thing", "redis", "component", Status.FAIL, "")
    unread = CheckState("redis", 5.0, 2.0, 1, 1, entry, (), None, None, None, 0.0)
    textfile.update(Snapshot("edge1", 0.0, (View(unread, (), None),)))
    assert not place.exists()
    textfile.update(Snapshot("edge1", 0.0, ()))
    assert place.exists()
    place.unlink()
    now += EVERY - 1
    textfile.update(Snapshot("edge1", 0.0, ()))
    assert not place.exists()
    now += 1
    textfile.update(Snapshot("edge1", 0.0, ()))
    assert place.exists()
