"""One line per event of note to stderr, as logfmt or JSON. No line holds what a person typed."""

import json
import re
import sys
import time
from collections.abc import Callable

from .output import dumps, timestamp

LEVELS = ("debug", "info", "warning", "error")
_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f]+")

_threshold = LEVELS.index("info")
_as_json = False


def setup(level: str, log_format: str) -> None:
    """From now on only `level` and above, as `logfmt` or `json`."""
    global _threshold, _as_json
    _threshold = LEVELS.index(level)
    _as_json = log_format == "json"


def debug(message: str, **fields: object) -> None:
    _write("debug", message, fields)


def info(message: str, **fields: object) -> None:
    _write("info", message, fields)


def warning(message: str, **fields: object) -> None:
    _write("warning", message, fields)


def error(message: str, **fields: object) -> None:
    _write("error", message, fields)


def _write(level: str, message: str, fields: dict[str, object]) -> None:
    if LEVELS.index(level) < _threshold:
        return
    record = {"ts": timestamp(time.time_ns() // 1000), "level": level, "msg": message, **fields}
    if _as_json:
        line = dumps({name: _simple(value) for name, value in record.items()})
    else:
        line = " ".join(f"{name}={_quoted(str(_simple(value)))}" for name, value in record.items())
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # a log that nobody takes stops nothing


def _simple(value: object) -> object:
    return value if isinstance(value, (int, float, str)) or value is None else str(value)


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def crash(problem: BaseException) -> None:
    """Something that must not happen: what and where, but no value, for it could be what a person typed."""
    frame = problem.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_globals.get('__name__')}:{frame.tb_lineno}" if frame else "unknown"
    error("crashed", what=type(problem).__name__, where=where)


class Dependency:
    """What the program needs and can be away: said once and on change, not at every attempt.

    It may have several parts; it works again when all of them do.
    """

    def __init__(self, name: str) -> None:
        self.trouble: str | None = None  # what is wrong, None when nothing is
        self._name = name  # begins the sentences
        self._away: set[str] = set()  # the parts
        self._said: set[str] = set()  # in this outage
        self._since = 0.0

    def away(self, part: str, trouble: str, say: Callable[..., None] = warning) -> None:
        if not self._away:
            self._since = time.monotonic()
        self._away.add(part)
        self.trouble = trouble
        if trouble not in self._said:
            self._said.add(trouble)
            say(f"{self._name} does not work, trying again", reason=trouble)

    def back(self, part: str) -> None:
        if part not in self._away:
            return
        self._away.remove(part)
        if not self._away:
            self.trouble = None
            self._said.clear()
            info(f"{self._name} works again", after_s=int(time.monotonic() - self._since))
