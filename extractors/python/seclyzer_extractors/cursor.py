"""The cursor: the windows last published and stored, from which an extractor goes on after a restart."""

import re
from collections.abc import Mapping

AHEAD_US = 10_000_000  # a time further ahead of the host's clock is from before the clock was set back


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
