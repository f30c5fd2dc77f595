"""Points that InfluxDB refused as invalid, set aside for somebody to look at: `<state_dir>/rejected.lp`."""

import os

from . import logs
from .disk import Disk

FILE = "rejected.lp"
BOUND = 1_048_576  # bytes


class Rejected:
    """Appends lines to the file; past the bound they are not kept, which is said once."""

    def __init__(self, state_dir: str, disk: Disk | None = None) -> None:
        self._path = os.path.join(state_dir, FILE) if state_dir else ""
        self._disk = disk or Disk()
        self._full_said = False
        self._broken_said = False

    def add(self, line: bytes) -> None:
        if not self._path:
            return
        try:
            self._append(line + b"\n")
        except OSError as error:
            if not self._broken_said:
                logs.error("rejected.lp cannot be written", reason=error.strerror or type(error).__name__)
            self._broken_said = True
        else:
            self._broken_said = False

    def _append(self, data: bytes) -> None:
        file = self._disk.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            if self._disk.size(file) + len(data) <= BOUND:
                while data:
                    data = data[self._disk.write(file, data) :]
            elif not self._full_said:
                self._full_said = True
                logs.warning("rejected.lp is full: what InfluxDB refuses is only counted")
        finally:
            self._disk.close(file)
