"""What anybody may read of the metrics, in a file: for node_exporter's textfile collector, where the agent has no port.

`process_*` are left out, for node_exporter has its own. The file is written beside its place and moved there, so that
no reader sees half of it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from .metrics import Exposition
from .public import Public
from .snapshot import Snapshot

log = logging.getLogger("seclyzer_agent")

EVERY = 30.0  # s; figures are a minute old at most anyhow


class Textfile:
    """The file at `path`, written when `update` is called and the last one is old."""

    def __init__(self, path: Path, public: Public, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._public, self._clock = path, public, clock
        self._exposition = Exposition()
        self._written: float | None = None

    def update(self, snapshot: Snapshot) -> None:
        """Write, once all checks have been read. What does not work is logged, and tried again."""
        now = self._clock()
        if not snapshot.ready or (self._written is not None and now - self._written < EVERY):
            return
        self._written = now
        shown = self._public.of(snapshot)
        text, _ = self._exposition.write("", shown, shown, own=())
        try:
            write(self._path, text)
        except OSError as error:
            fields = {"file": str(self._path), "why": error.strerror or type(error).__name__}
            log.error("the file of metrics cannot be written", extra={"fields": fields, "often": True})


def write(path: Path, text: bytes) -> None:
    """Put the text there as a whole, for everybody to read. Raises OSError; what was there stays then."""
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o644)  # whatever the umask
            file.write(text)
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
