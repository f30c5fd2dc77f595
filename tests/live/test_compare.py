"""`scripts/dev compare` on a Redis of its own: both implementations agree, and one that computes otherwise is found."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils.kinds import PROGRAMS
from scripts.compare import CompareError, Place, run
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until, until_each

from .events import Worker
from .extractor import BIN, Extractor, program

SEED = 1
SECONDS = 11.0  # windows are of 3 s and end each second; the first 5 s do not count
FORGER = """#!{python}
import json, subprocess, sys
if "--print-config" in sys.argv:
    sys.exit(subprocess.run([{program!r}, *sys.argv[1:]]).returncode)
import signal
child = subprocess.Popen([{program!r}, *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
for line in child.stdout:
    output = json.loads(line)
    output[{feature!r}] += 1
    print(json.dumps(output), flush=True)
sys.exit(child.wait())
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """In which a made-up person works."""
    server = RedisServer(tmp_path)
    worker = Worker(server.start(), SEED)
    worker.start()
    yield server
    worker.go_home()
    server.kill()


@pytest.fixture
def place(redis: RedisServer) -> Place:
    """Short windows, for a short test, which only events close: so it does not matter how slow the machine is."""
    words = ["--redis-url", redis.url, "--window", "3", "--interval", "1", "--idle-timeout", "60000"]

    def ask(*asked: str) -> list[str]:
        answer = redis.client().execute_command(*asked)
        return list(answer) if isinstance(answer, list) else [part for pair in answer.items() for part in pair]

    return Place(dict.fromkeys(PROGRAMS, words), ask)


def forger(folder: Path, kind: str, feature: str) -> str:
    """A release whose programs are real, but that of `kind` adds 1 to a feature."""
    folder.mkdir()
    for name, file in PROGRAMS.items():
        (folder / file).symlink_to(program("rust", name))
    (folder / PROGRAMS[kind]).unlink()
    text = FORGER.format(python=sys.executable, program=program("rust", kind), feature=feature)
    (folder / PROGRAMS[kind]).write_text(text)
    (folder / PROGRAMS[kind]).chmod(0o755)
    return str(folder)


def test_both_implementations_agree_and_the_report_is_written(place: Place, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run((str(BIN["python"]), str(BIN["rust"])), place, SECONDS, tmp_path, out) == 0
    report = json.loads((out / "compare.json").read_text())
    assert report["agree"] is True
    kinds = {one["kind"]: one for one in report["kinds"]}
    assert kinds.keys() == PROGRAMS.keys()
    assert all(kinds[kind]["equal"] == kinds[kind]["compared"] > 0 for kind in ("keystroke", "mouse"))
    python, rust = kinds["mouse"]["costs"]
    assert 0 < rust["memory_mib"] < python["memory_mib"] and min(rust["seconds"], python["seconds"]) > 5
    assert "keystroke  " in (out / "compare.txt").read_text()
    drawing = ElementTree.parse(out / "compare.svg").getroot()
    assert drawing.tag.endswith("svg") and "mouse: equal" in "".join(drawing.itertext())


def test_what_runs_there_agrees_with_the_shadow_of_the_other_implementation(
    place: Place, redis: RedisServer, tmp_path: Path
) -> None:
    settings = {"REDIS_URL": redis.url, "SECLYZER_IDLE_TIMEOUT_MS": "60000"}
    running = {kind: Extractor("python", kind, tmp_path, settings) for kind in PROGRAMS}
    try:
        until_each(PROGRAMS, lambda kind: redis.client().hexists(f"seclyzer:stats:{kind}", "pid"), "it runs")
        # Its stats, with the last event, are up to 5 s old.
        assert run(("running", str(BIN["rust"])), place, SECONDS + 6, tmp_path, tmp_path / "out") == 0
        kinds = {one["kind"]: one for one in json.loads((tmp_path / "out" / "compare.json").read_text())["kinds"]}
        assert kinds["mouse"]["equal"] > 0 and kinds["mouse"]["costs"][0]["memory_mib"] > 10
        for extractor in running.values():
            extractor.kill()
        redis.client().delete(*(f"seclyzer:stats:{kind}" for kind in PROGRAMS))
        with pytest.raises(CompareError, match="no extractor runs for keystroke, mouse, app"):
            run(("running", str(BIN["rust"])), place, SECONDS, tmp_path, tmp_path / "out")
    finally:
        for extractor in running.values():
            extractor.close()


def test_a_release_that_computes_otherwise_is_found_by_the_feature(place: Place, tmp_path: Path) -> None:
    altered = forger(tmp_path / "altered", "mouse", "move_3")
    assert run((str(BIN["rust"]), altered), place, SECONDS, tmp_path, tmp_path / "out") == 1
    kinds = {one["kind"]: one for one in json.loads((tmp_path / "out" / "compare.json").read_text())["kinds"]}
    assert kinds["mouse"]["different"] == kinds["mouse"]["compared"] > 0
    assert list(kinds["mouse"]["features"]) == ["move_3"]
    assert kinds["keystroke"]["different"] == kinds["keystroke"]["missing_right"] == 0


def test_nothing_compared_is_no_agreement(tmp_path: Path) -> None:
    idle = RedisServer(tmp_path)
    idle.start()
    try:
        place = Place({kind: ["--redis-url", idle.url] for kind in PROGRAMS}, lambda *_: [])
        assert run((str(BIN["rust"]), str(BIN["python"])), place, 0.5, tmp_path, tmp_path / "out") == 1
        assert "nothing was compared" in (tmp_path / "out" / "compare.txt").read_text()
    finally:
        idle.kill()


def test_a_program_that_ends_by_itself_is_named_and_nothing_is_left_running(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "short"
    folder.mkdir()
    for kind, file in PROGRAMS.items():
        body = "echo dead >&2; exit 3" if kind == "mouse" else f'exec {program("rust", kind)} "$@"'
        config = f'[[ $* == *--print-config* ]] && exec {program("rust", kind)} "$@"\n'
        (folder / file).write_text(f"#!/bin/bash\n{config}{body}\n")
        (folder / file).chmod(0o755)
    with pytest.raises(CompareError, match="mouse_extractor ended by itself: dead"):
        run((str(BIN["rust"]), str(folder)), place, 4, tmp_path, tmp_path / "out")
    listeners = [("seclyzer:events", 0)]
    until(lambda: RedisServer(tmp_path).client().pubsub_numsub("seclyzer:events") == listeners, "no shadow is left")


def test_a_side_that_is_not_there_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(CompareError, match=r"nowhere: no keystroke_extractor.*name python, rust, running, or a folder"):
        run(("rust", "nowhere"), place, 4, tmp_path, tmp_path / "out")
    with pytest.raises(CompareError, match="one side has to be other than running"):
        run(("running", "running"), place, 4, tmp_path, tmp_path / "out")


def test_a_redis_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.compare.START_S", 0.5)
    place = Place({kind: ["--redis-url", f"unix://{tmp_path}/absent"] for kind in PROGRAMS}, lambda *_: [])
    with pytest.raises(CompareError, match="keystroke_extractor does not reach Redis"):
        run((str(BIN["rust"]), str(BIN["rust"])), place, 4, tmp_path, tmp_path / "out")
