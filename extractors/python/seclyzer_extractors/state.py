"""The app tracker's saved state: as text, and as a file."""

import json
import os
import re
from typing import Any

from . import logs
from .apps import TransitionOperator
from .core import Row
from .cursor import AHEAD_US
from .output import dumps
from .schema import state_version
from .versions import Later

STATE_FILE = "app-state.json"
# Not the number of the features: a release that goes forth or back over a new one still finds what was learnt.
STATE_FORM = state_version("app")


def dump_state(operator: TransitionOperator, last_id: str, unstored: list[Row]) -> str:
    """The app tracker's state as JSON; `unstored` are transitions that InfluxDB has not answered yet."""
    return dumps(
        {
            "schema": STATE_FORM,
            "last_id": last_id,
            **operator.dump(),
            "unstored": [[row.ts, *row.values] for row in unstored],
        }
    )


def load_state(text: str, operator: TransitionOperator, host_time: int) -> tuple[str, list[Row]] | None:
    """Lets `operator` go on from a state; its last stream entry and what is unstored, None if it is no state.

    Raises Later for one that a later version wrote.
    """
    reason = "not JSON"  # never the error's own text, which could name applications
    try:
        state = json.loads(text)
        reason = "damaged"
        if type(form := state["schema"]) is int and STATE_FORM < form < 2**32:
            raise Later("app", form)
        if form != STATE_FORM:
            reason = "another schema"
            raise ValueError
        last_id, unstored = _stream_id(state["last_id"]), [_row(one) for one in state.get("unstored", [])]
        operator.load(state)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError):
        logs.log("state_unusable", reason=reason)
        return None
    stream_time = operator.stream_time()
    if stream_time is not None and stream_time > host_time + AHEAD_US:
        operator.new_session()
    return last_id, unstored


def _stream_id(value: object) -> str:
    parts = re.fullmatch(r"([0-9]{1,20})-([0-9]{1,20})", str(value))
    if not parts or any(int(part) >= 2**64 for part in parts.groups()):
        raise ValueError("no id of a stream entry")
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
        logs.log("state_unreadable", reason=getattr(error, "strerror", None) or "not UTF-8")
        return None


def set_state_file_aside(directory: str, version: int) -> None:
    """Keeps the file that a later version wrote, under another name. OSError when the disk refuses."""
    os.replace(os.path.join(directory, STATE_FILE), os.path.join(directory, f"app-state.v{version}.json"))


def write_state_file(directory: str, text: str) -> None:
    """Saves the state; a reader finds the old or the new one whole. OSError when the disk refuses."""
    path = os.path.join(directory, STATE_FILE)
    fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
