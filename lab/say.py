"""What the lab reports while it works: one line a step, with its seconds, on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class LabError(Exception):
    """A fault that a person can fix; its text states what is wrong and what to type."""


def say(text: str) -> None:
    """Print one line for a person; stdout is left to results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say a step's name and seconds when it is done, and its name when it fails."""
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"  {time.monotonic() - start:6.1f} s  failed: {text}")
        raise
    say(f"  {time.monotonic() - start:6.1f} s  {text}")
