"""Files of the kernel's that stay open: what is read is of now, and one that is gone is let go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seclyzer_agent.small_file import Kept


@contextmanager
def program() -> Iterator[int]:
    """The process of a program that runs: the kernel's files of it go with it."""
    with subprocess.Popen(["sleep", "999"]) as running:
        try:
            yield running.pid
        finally:
            running.kill()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_file_that_stays_open_shows_what_is_in_it_now(tmp_path: Path) -> None:
    file, kept = tmp_path / "memory.current", Kept()
    for text in ("4096\n", "8192000\n", "1\n"):
        file.write_text(text)
        assert kept.read(str(file)) == text.encode()


def test_a_file_that_is_read_again_and_again_is_open_once(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    kept, before = Kept(), open_files()
    assert {kept.read(str(tmp_path / "memory.max")) for _ in range(5)} == {b"max\n"}
    assert open_files() - before == 1


def test_after_one_that_is_gone_the_next_in_its_place_is_read(tmp_path: Path) -> None:
    place, kept, before = tmp_path / "place", Kept(), open_files()
    for _ in range(2):
        with program() as pid:
            place.symlink_to(f"/proc/{pid}/stat")
            assert kept.read(str(place)).startswith(f"{pid} ".encode())
        place.unlink()
    with pytest.raises(FileNotFoundError):
        kept.read(str(place))
    assert open_files() == before
