"""The feeder as the tests hold it: which they start, pause and end; and what it knows afterwards."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers import ROOT


@dataclass(frozen=True)
class Entry:
    """An event that Redis accepted. `at` orders them: how often Redis has begun anew at earlier ids, and the id."""

    at: tuple[int, int, int]
    kind: str
    text: bytes


def order(entry: str) -> tuple[int, int]:
    """A stream entry's id as what it is ordered by."""
    ms, _, sequence = entry.partition("-")
    return int(ms), int(sequence or 0)


class Feeder:
    """A process that feeds (`feeder`), with its record in `folder`."""

    def __init__(self, socket: Path, folder: Path, seed: int, env: dict[str, str] | None = None) -> None:
        self.record = folder / "fed"
        self.figures: dict[str, Any] = {}
        words = [sys.executable, "-m", "tests.faults.feeder", str(socket), str(seed), str(self.record)]
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        )
        self._tell("pause")

    def _tell(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the feeder has died"
        self.figures = json.loads(line)
        return self.figures

    def go(self) -> None:
        """Feeds from now on."""
        self._tell("go")

    def pause(self) -> dict[str, str]:
        """Feeds no more; the last entry of each kind."""
        last: dict[str, str] = self._tell("pause")["last"]
        return last

    def end(self) -> list[Entry]:
        """Ends it; all that Redis accepted."""
        self._tell("end")
        self._process.wait(5)
        entries = []
        last: dict[str, tuple[int, int, int]] = {}
        begun = 0
        for line in self.record.read_text(encoding="utf-8").splitlines():
            entry, kind, text = line.split(" ", 2)
            begun += (begun, *order(entry)) < last.get(kind, (0, 0, 0))
            last[kind] = (begun, *order(entry))
            entries.append(Entry(last[kind], kind, text.encode()))
        return entries

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP and SIGCONT."""
        self._process.send_signal(number)

    def close(self) -> None:
        """Ends it, whatever it does."""
        self._process.kill()
        self._process.wait()
