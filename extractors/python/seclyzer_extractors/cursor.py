"""Where to go on after a restart: by the windows last published and stored, or by the app tracker's state."""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from . import logs
from .core import AppCore, Row
from .output import dumps
from .resp import Connection, Part, RedisRefused

AHEAD_US = 10_000_000  # further ahead of the host's clock it is from before the clock was set back
STATE_KEY = "seclyzer:app:state"
PATTERNS_KEY = "seclyzer:app:patterns"
STATE_FILE = "app-state.json"
# Not the number of the features: a release that goes forth or back over a new one still finds what was learnt.
STATE_FORM = 1


class Cursor:
    """The ends (µs) of the last window published and of the last one stored: what is read again is later."""

    def __init__(self, fields: Mapping[bytes, bytes], host_time: int) -> None:
        self.published = _time(fields.get(b"published"), host_time)
        self.stored = _time(fields.get(b"stored"), host_time)


def _time(field: bytes | None, host_time: int) -> int:
    """A time of the hash; 0 when there is none to go by."""
    if field is None or not re.fullmatch(rb"[0-9]{1,18}", field) or int(field) > host_time + AHEAD_US:
        return 0
    return int(field)


def look(connection: Connection, *command: Part) -> Any:
    """What a key holds; None when that is of another type, which must not keep an extractor from its work."""
    try:
        return connection.call(*command)
    except RedisRefused as error:
        if not str(error).startswith("WRONGTYPE"):
            raise
        logs.warning("a key of the wrong type is taken for none", key=command[1])
        return None


def order_of(entry_id: str) -> tuple[int, int]:
    """Ids of stream entries by age."""
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)


def dump_state(core: AppCore, last_id: str, unstored: list[Row]) -> str:
    """The app tracker's state as JSON; `unstored` are transitions that InfluxDB has not answered yet."""
    return dumps(
        {
            "schema": STATE_FORM,
            "last_id": last_id,
            **core.dump(),
            "unstored": [[row.ts, *row.values] for row in unstored],
        }
    )


def load_state(text: str, core: AppCore, host_time: int) -> tuple[str, list[Row]] | None:
    """Lets `core` go on from a state; its last stream entry and what is unstored, None if it is no state."""
    try:
        state = json.loads(text)
        if state["schema"] != STATE_FORM:
            raise ValueError("it is of another form")
        last_id, unstored = _stream_id(state["last_id"]), [_row(one) for one in state.get("unstored", [])]
        core.load(state)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        # The error's text could name applications.
        logs.error("the saved state cannot be used; it is begun anew", reason=type(error).__name__)
        return None
    stream_time = core.stream_time()
    if stream_time is not None and stream_time > host_time + AHEAD_US:
        core.new_session()
    return last_id, unstored


def _stream_id(value: object) -> str:
    parts = re.fullmatch(r"([0-9]{1,20})-([0-9]{1,20})", str(value))
    if not parts or any(int(part) >= 2**64 for part in parts.groups()):
        raise ValueError("last_id is no id of a stream entry")
    return str(value)


def _row(value: list[Any]) -> Row:
    ts, from_app, to_app, duration_ms, dev_mode = value
    return Row(int(ts), (str(from_app), str(to_app), int(duration_ms), bool(dev_mode)))


def read_state_file(directory: str) -> str | None:
    """The state as it was saved on disk; None when there is none."""
    if not directory:
        return None
    try:
        with open(os.path.join(directory, STATE_FILE), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        logs.error("the state file cannot be read", error=error)
        return None


def write_state_file(directory: str, text: str) -> None:
    """Saves the state; a reader finds the old or the new one whole. OSError when the disk refuses."""
    path = os.path.join(directory, STATE_FILE)
    fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
