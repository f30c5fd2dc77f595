"""The two clocks of the host."""

import time


def now_us() -> int:
    """Monotonic µs."""
    return time.monotonic_ns() // 1000


def host_time() -> int:
    """µs since the Unix epoch."""
    return time.time_ns() // 1000
