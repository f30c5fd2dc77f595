"""Waiting for what is to come, and no longer."""

import time
from collections.abc import Callable

from . import BenchError

PATIENCE_S = 60.0


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE_S, step: float = 0.02) -> None:
    """Returns as soon as the condition holds; BenchError when it does not within `patience` seconds."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"not within {patience:.0f} s: {what}")
        time.sleep(step)
