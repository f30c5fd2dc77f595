"""Log lines as logfmt on stderr, for the journal: `ts=… level=info msg="…" key=value`."""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

OWN = "seclyzer_agent"
QUIET_SECONDS = 10.0
LONGEST_MESSAGE = 300  # characters; a library's may hold anything
PACKAGE = Path(__file__).parent
PLAIN = re.compile(r"[A-Za-z0-9_.:/+@%-]+")


def quote(value: object) -> str:
    """A value as logfmt: bare when plain, else quoted, one line, with control characters escaped."""
    text = str(value)
    if PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped)
    return f'"{escaped}"'


def place(error: BaseException) -> str:
    """Where an exception came from: `extractor.py:12`; the innermost line of this program, if there is one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    return next((f"{Path(f.filename).name}:{f.lineno}" for f in reversed(own or frames)), "an unknown place")


class Logfmt(logging.Formatter):
    """Formats a record; its attribute `fields`, a mapping, becomes keys, an exception `error` and `at`.

    An exception's words are left out: they may hold the value that it is about.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line without a line ending."""
        ts = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = [f"ts={ts.replace('+00:00', 'Z')}", f"level={record.levelname.lower()}"]
        parts.append(f"msg={quote(record.getMessage()[:LONGEST_MESSAGE])}")
        fields = getattr(record, "fields", {})
        parts += [f"{key}={quote(value)}" for key, value in fields.items()]
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            parts += [f"error={type(error).__name__}", f"at={quote(place(error))}"]
        return " ".join(parts)


@dataclass(slots=True)
class Repeated:
    """The last line about a fault: when (s, monotonic), and how many were not written since."""

    record: logging.LogRecord
    at: float
    more: int = 0


class Journal(logging.StreamHandler[TextIO]):
    """Writes records to stderr. What may come often, however often it comes, makes one line in QUIET_SECONDS.

    That is whatever a library logs, and records of this program with the attribute `often`. The next line about the
    same fault has the key `repeated`: how many were not written.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(sys.stderr)
        self._clock = clock
        self._repeated: dict[object, Repeated] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, or count it."""
        if record.name == OWN and not getattr(record, "often", False):
            super().emit(record)
            return
        error = record.exc_info[0] if record.exc_info else None
        fault = (record.name, record.pathname, record.lineno, error, str(getattr(record, "fields", "")))
        now, last = self._clock(), self._repeated.get(fault)
        if last is None:
            self._write(record, 0)
            self._repeated[fault] = Repeated(record, now)
        else:
            last.record, last.more = record, last.more + 1
            self.write_repeated()

    def write_repeated(self) -> None:
        """Write what was counted long enough, and forget what has ended; to be called from time to time."""
        now = self._clock()
        for fault, last in list(self._repeated.items()):
            if now - last.at < QUIET_SECONDS:
                continue
            if last.more:
                self._write(last.record, last.more)
                last.at, last.more = now, 0
            else:
                del self._repeated[fault]

    def _write(self, record: logging.LogRecord, repeated: int) -> None:
        if repeated:
            record.fields = {**getattr(record, "fields", {}), "repeated": repeated}
        super().emit(record)


def setup(level: str) -> Journal:
    """Send this program's records, and the libraries' warnings, to stderr."""
    handler = Journal()
    handler.setFormatter(Logfmt())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(OWN).setLevel(level.upper())
    return handler
