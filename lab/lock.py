"""One process at a time: the second waits, and reports it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from lab import paths
from lab.say import say


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the machine-wide lock of that name."""
    path = paths.cache() / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"  waiting for another `python3 -m lab` ({name})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
