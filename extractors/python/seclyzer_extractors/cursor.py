"""The cursor: the windows last published and stored, from which an extractor goes on after a restart."""

import re
from collections.abc import Mapping

from .schema import state_version
from .versions import Later

VERSION = state_version("cursor")
AHEAD_US = 10_000_000  # a time further ahead of the host's clock is from before the clock was set back


class Cursor:
    """The ends (µs) of the last window published and of the last one stored: what is read again is later."""

    def __init__(self, fields: Mapping[bytes, bytes], host_time: int) -> None:
        self.published = _time(fields.get(b"published"), host_time)
        self.stored = _time(fields.get(b"stored"), host_time)


def verify_version(fields: Mapping[bytes, bytes]) -> None:
    """Raises Later when the hash was written by a later version of the programs."""
    field = fields.get(b"version", b"")
    if re.fullmatch(rb"[0-9]{1,9}", field) and int(field) > VERSION:
        raise Later("cursor", int(field))


def moved(key: str, fields: Mapping[str, int]) -> tuple[str | int, ...]:
    """The command that moves halves of the cursor, by name; their version goes with them."""
    return ("HSET", key, *(word for field in fields.items() for word in field), "version", VERSION)


def _time(field: bytes | None, host_time: int) -> int:
    """A time of the hash; 0 when there is none to go by."""
    if field is None or not re.fullmatch(rb"[0-9]{1,18}", field) or int(field) > host_time + AHEAD_US:
        return 0
    return int(field)
