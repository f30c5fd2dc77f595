"""Log lines: one per event to stderr, as logfmt or JSON. Level, message and fields of each stand in `log.json`.

No line holds what a person typed.
"""

import json
import re
import sys
import time
from typing import NamedTuple

from . import schema
from .timestamp import timestamp

LEVELS = ("debug", "info", "warning", "error")
_PLAIN = re.compile(r"[^\x00-\x20\x7f\"=\\]+")
_PLACE = re.compile(r"{(\w+)}")


class _Event(NamedTuple):
    """What `log.json` has of one event. `places` are the fields that stand in the message."""

    level: str
    message: str
    fields: tuple[str, ...]
    places: tuple[str, ...]


def _event(one: dict[str, object]) -> _Event:
    message, fields = str(one["message"]), one["fields"]
    assert isinstance(fields, list)
    return _Event(str(one["level"]), message, tuple(fields), tuple(_PLACE.findall(message)))


EVENTS: dict[str, _Event] = {one["name"]: _event(one) for one in schema.document("log")["events"]}

_threshold = LEVELS.index("info")
_as_json = False


def setup(level: str, log_format: str) -> None:
    """From now on only `level` and above, as `logfmt` or `json`."""
    global _threshold, _as_json
    _threshold = LEVELS.index(level)
    _as_json = log_format == "json"


def log(name: str, /, **values: object) -> None:
    """Logs an event of `log.json`; a field that is None is left out. KeyError or ValueError for an unknown name."""
    event = EVENTS[name]
    unknown = values.keys() - {*event.fields, *event.places}
    if unknown:
        raise ValueError(f"{name} has no field {min(unknown)}")
    if LEVELS.index(event.level) < _threshold:
        return
    message = event.message.format(**{place: values[place] for place in event.places})
    record: dict[str, object] = {"ts": timestamp(time.time_ns() // 1000), "level": event.level, "msg": message}
    for field in event.fields:
        value = values.get(field)
        if value is not None:
            record[field] = value if isinstance(value, (int, float)) else str(value)
    _write(record)


def _write(record: dict[str, object]) -> None:
    if _as_json:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    else:
        line = " ".join(f"{name}={_quoted(str(value))}" for name, value in record.items())
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # a log that cannot be written stops nothing


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def crash(problem: BaseException) -> None:
    """Something that must not happen: what and where, but no value, for it could be what a person typed."""
    frame = problem.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_globals.get('__name__')}:{frame.tb_lineno}" if frame else "unknown"
    log("crashed", what=type(problem).__name__, where=where)
