"""Log lines as logfmt on stderr, for the journal: `ts=… level=info msg="…" key=value`."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

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

    An exception's words are left out: nobody knows what was in the value that it is about.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line without a line ending."""
        ts = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = [f"ts={ts.replace('+00:00', 'Z')}", f"level={record.levelname.lower()}"]
        parts.append(f"msg={quote(record.getMessage())}")
        fields = getattr(record, "fields", {})
        parts += [f"{key}={quote(value)}" for key, value in fields.items()]
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            parts += [f"error={type(error).__name__}", f"at={quote(place(error))}"]
        return " ".join(parts)


def setup(level: str) -> None:
    """Send this program's records, and the libraries' warnings, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("seclyzer_agent").setLevel(level.upper())
