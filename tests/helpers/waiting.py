"""Waiting for what is to come, and no longer."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

PATIENCE_S = 120.0  # for a machine that has much else to do; nothing waits longer than it has to
STEP_S = 0.02

T = TypeVar("T")


def until(condition: Callable[[], Any], what: str = "it did not happen", patience: float = PATIENCE_S) -> Any:
    """The condition's value as soon as it holds; AssertionError when it does not within `patience` seconds."""
    end = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {patience:.0f} s: {what}"
        time.sleep(STEP_S)
    return value


def until_each(items: Iterable[T], condition: Callable[[T], object], what: str, patience: float = PATIENCE_S) -> None:
    """Waits for one after the other, `patience` seconds each."""
    for item in items:
        until(partial(condition, item), f"{item}: {what}", patience)
