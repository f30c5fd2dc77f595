"""Programs that run all the while: every message of a run through one process each, and what memory that takes."""

from __future__ import annotations

import fcntl
import json
import struct
import subprocess
import termios
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.helpers.waiting import until
from tests.parity import implementations

FOLDERS = {"python": implementations.PYTHON, "rust": implementations.RUST}
PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
PATIENCE_S = 300.0


@dataclass
class Steady:
    """One program that reads JSON lines until there are no more. Memory in KiB."""

    implementation: str
    kind: str
    rss: list[int] = field(default_factory=list)  # VmRSS, each time it was looked at
    peak: int = 0  # VmHWM, when looked at last

    def __post_init__(self) -> None:
        self._output = TemporaryFile()  # noqa: SIM115 (it lives as long as the program)
        words = [str(FOLDERS[self.implementation] / PROGRAMS[self.kind]), "--replay", "-", "--stats"]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._output,
            env=implementations.environment(),
        )

    def feed(self, raw: bytes) -> None:
        """Hands lines over, and returns when it has read them."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(raw)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(f"{self} has ended: {self._text()}") from None
        until(self._waits, f"{self} reads", PATIENCE_S)

    def _waits(self) -> bool:
        """It has read all, and sleeps."""
        assert self._process.poll() is None, f"{self} has ended: {self._text()}"
        return not self._unread() and self._state() == "S"

    def look(self) -> None:
        """Notes its memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        figures = {line.split(":")[0]: line.split() for line in status.splitlines()}
        self.rss.append(int(figures["VmRSS"][1]))
        self.peak = int(figures["VmHWM"][1])

    def finish(self) -> dict[str, Any]:
        """No more lines: its counters."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        code = self._process.wait(PATIENCE_S)
        assert code == 0, f"{self} ended with {code}: {self._text()}"
        counters: dict[str, Any] = json.loads(self._text().splitlines()[-1])
        return counters

    def close(self) -> None:
        """Ends it, if it still runs."""
        self._process.kill()
        self._process.wait()
        self._output.close()

    def _unread(self) -> int:
        assert self._process.stdin is not None
        held = fcntl.ioctl(self._process.stdin, termios.FIONREAD, b"\0\0\0\0")
        count: int = struct.unpack("i", held)[0]
        return count

    def _state(self) -> str:
        """S: it sleeps, and with nothing left to read it waits for more."""
        return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def _text(self) -> str:
        self._output.seek(0)
        return self._output.read().decode()

    def __str__(self) -> str:
        return f"{PROGRAMS[self.kind]} in {self.implementation}"


def all_six() -> list[Steady]:
    return [Steady(implementation, kind) for implementation in FOLDERS for kind in PROGRAMS]


def feed(programs: list[Steady], raw: bytes) -> None:
    """The same lines to all, and their memory after that."""
    with ThreadPoolExecutor(len(programs)) as pool:
        list(pool.map(lambda program: program.feed(raw), programs))
    for program in programs:
        program.look()
