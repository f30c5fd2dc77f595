"""How long to wait before trying again: ever longer, with full jitter so that many do not come at once."""

import random


class Backoff:
    """The n-th wait is anything up to `first_s` * 2^n seconds, at most `longest_s`."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def next_s(self) -> float:
        """The seconds to wait after one more failure."""
        bound = min(self._longest_s, self._first_s * 2 ** min(self._failures, 30))
        self._failures += 1
        return random.uniform(0.0, bound)

    def reset(self) -> None:
        """Something worked."""
        self._failures = 0
