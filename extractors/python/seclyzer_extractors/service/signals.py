"""SIGTERM and SIGINT: they end whatever the loop waits for, and then the loop."""

import os
import signal
from collections.abc import Callable


def wake_by_signals() -> int:
    """A file descriptor that becomes readable with any signal."""
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    return wake


def stop_by_signals(stop: Callable[[], None]) -> None:
    """Calls `stop` with each."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
