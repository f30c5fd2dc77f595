"""Points that InfluxDB rejected as invalid, set aside for an operator: `<state_dir>/rejected.lp`, the dead letters."""

import os

from .. import logs
from .disk import Disk

FILE = "rejected.lp"
BOUND = 1_048_576  # bytes


class Rejected:
    """Appends lines to the file; past the bound they are not kept, which is logged once."""

    def __init__(self, state_dir: str, disk: Disk | None = None) -> None:
        self._path = os.path.join(state_dir, FILE) if state_dir else ""
        self._disk = disk or Disk()
        self._full_logged = False
        self._logged: set[str] = set()  # why it could not be written

    def add(self, line: bytes) -> None:
        if not self._path:
            return
        try:
            self._append(line + b"\n")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if reason not in self._logged:
                self._logged.add(reason)
                logs.log("rejected_unwritable", reason=reason)

    def _append(self, data: bytes) -> None:
        file = self._disk.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            if self._disk.size(file) + len(data) <= BOUND:
                while data:
                    data = data[self._disk.write(file, data) :]
            elif not self._full_logged:
                self._full_logged = True
                logs.log("rejected_full")
        finally:
            self._disk.close(file)
