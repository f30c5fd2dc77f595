"""scripts/dev: what runs is what was asked for last."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import processes
from scripts.processes import Service, end, launch, pid_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of its own; nothing is left running."""
    monkeypatch.setattr(processes, "HOME", tmp_path)
    yield
    end("keystroke")


def sleeper(seconds: int) -> Service:
    """Stands for an extractor: its command differs by implementation."""
    return Service("keystroke", ["sleep", str(seconds)], lambda: True)


def test_what_runs_with_another_command_is_started_anew() -> None:
    launch(sleeper(600))
    python = pid_of("keystroke")
    launch(sleeper(601))
    rust = pid_of("keystroke")
    assert python is not None and rust is not None and rust != python
    assert Path(f"/proc/{rust}/cmdline").read_bytes() == b"sleep\x00601\x00"
    assert not Path(f"/proc/{python}").exists()


def test_what_runs_with_the_same_command_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    launch(sleeper(600))
    first = pid_of("keystroke")
    launch(sleeper(600))
    assert pid_of("keystroke") == first
    assert capsys.readouterr().out.splitlines()[-1] == "  keystroke: runs"


def test_a_reader_that_has_seen_enough_ends_it_without_a_traceback() -> None:
    ended = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m scripts.pipeline status | true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stderr == ""
