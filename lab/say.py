"""What the lab reports while it works: one line a step, with its seconds, on stderr."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class LabError(Exception):
    """A fault that a person can fix; its text states what is wrong and what to type."""


def say(text: str) -> None:
    """Print one line for a person; stdout is left to results."""
    print(text, file=sys.stderr, flush=True)


def left(passed: float, usual: float) -> str:
    """How much of the usual time is left, in words; empty when none is known."""
    if not usual:
        return ""
    if passed >= usual:
        return f"; it usually takes {usual / 60:.0f} min, longer on a busy machine"
    return f"; about {max(usual - passed, 60) / 60:.0f} min left"


@contextmanager
def step(text: str, every: float = 20, usual: float = 0) -> Iterator[None]:
    """Report a step with its seconds when it is done or fails, and each `every` seconds that it goes on.

    With `usual`, the seconds that it takes on two idle cores, what is left of them is reported, too.
    """
    start = time.monotonic()
    ended = threading.Event()

    def seconds() -> str:
        return f"  {time.monotonic() - start:6.1f} s"

    def go_on() -> None:
        while not ended.wait(every):
            say(f"{seconds()}  goes on: {text}{left(time.monotonic() - start, usual)}")

    reporter = threading.Thread(target=go_on, daemon=True)
    reporter.start()
    words = f"failed: {text}"
    try:
        yield
        words = text
    finally:
        ended.set()
        reporter.join()
        say(f"{seconds()}  {words}")
