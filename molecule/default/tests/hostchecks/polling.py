"""Waiting for what a host comes to. The tests/helpers of the root cannot be imported where this folder is `tests`."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def poll(read: Callable[[], T], good: Callable[[T], object], patience: float, step: float = 0.5) -> T:
    """The first reading that is good, or the last one within `patience` seconds: for the test to judge and show."""
    end = time.monotonic() + patience
    while not good(value := read()) and time.monotonic() < end:
        time.sleep(step)
    return value
