"""Wakes at the moment a folder's files change: the kernel's inotify."""

import ctypes
import os
import select
from pathlib import Path

IN_MODIFY, IN_CREATE = 0x2, 0x100
IN_NONBLOCK = os.O_NONBLOCK

_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """Watches one folder from the moment it is made."""

    def __init__(self, folder: Path) -> None:
        self._fd = _libc.inotify_init1(IN_NONBLOCK)
        assert self._fd >= 0, os.strerror(ctypes.get_errno())
        added = _libc.inotify_add_watch(self._fd, os.fsencode(folder), IN_MODIFY | IN_CREATE)
        assert added >= 0, os.strerror(ctypes.get_errno())

    def wait(self, patience: float) -> bool:
        """Returns as soon as a file is made or grows; False when none does within `patience` seconds."""
        return bool(select.select([self._fd], [], [], patience)[0])

    def close(self) -> None:
        """Watches no more."""
        os.close(self._fd)
