"""Log lines as logfmt on stderr, for the journal: `ts=… level=info msg="…" key=value`."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime

PLAIN = re.compile(r"[A-Za-z0-9_.:/+@%-]+")


def quote(value: object) -> str:
    """A value as logfmt: bare when plain, else quoted, one line, with control characters escaped."""
    text = str(value)
    if PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in escaped)
    return f'"{escaped}"'


class Logfmt(logging.Formatter):
    """Formats a record; its attribute `fields`, a mapping, becomes keys, a traceback the key `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line without a line ending."""
        ts = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = [f"ts={ts.replace('+00:00', 'Z')}", f"level={record.levelname.lower()}"]
        parts.append(f"msg={quote(record.getMessage())}")
        fields = getattr(record, "fields", {})
        parts += [f"{key}={quote(value)}" for key, value in fields.items()]
        if record.exc_info:
            parts.append(f"error={quote(self.formatException(record.exc_info))}")
        return " ".join(parts)


def setup(level: str) -> None:
    """Send this program's records, and the libraries' warnings, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("seclyzer_agent").setLevel(level.upper())
