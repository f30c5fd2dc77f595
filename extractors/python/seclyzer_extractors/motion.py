"""What lies between one move of the pointer and the next. Pure.

Windows overlap: a move is in six of them. So speeds, turns and so on are computed when a move is added, not for
every window. The same numbers come out: each depends on its own move and at most three before it.
"""

from array import array
from collections.abc import Sequence
from itertools import compress, pairwise
from math import atan2, pi, sqrt

from .event import Move

MIN_DT_S = 0.001
MAX_SPEED = 10_000.0  # px/s
MAX_ACCELERATION = 100_000.0  # px/s²
MAX_JERK = 1_000_000.0  # px/s³
FULL_TURN = 2.0 * pi


class Within:
    """Of values that come one after the other those whose magnitude is below `limit`."""

    def __init__(self, limit: float) -> None:
        self.values = array("d")
        self._limit = limit
        self._is_in = bytearray()  # 1 for each that is, 0 for each that is not

    def add(self, values: Sequence[float]) -> None:
        """What comes after those it has."""
        limit = self._limit
        are_in = [-limit < value < limit for value in values]
        self._is_in.extend(are_in)
        self.values.fromlist(list(compress(values, are_in)))

    def forget(self, count: int) -> None:
        """Lets go of the first `count`."""
        del self.values[: self._is_in.count(1, 0, count)]
        del self._is_in[:count]

    def keep(self, count: int) -> None:
        """Lets go of all but the first `count`."""
        del self.values[self._is_in.count(1, 0, count) :]
        del self._is_in[count:]


class Motion:
    """The moves of a window and their differences, as columns; n moves have n - 1 steps.

    `dt[k]` (s), `dist[k]` (px) and a speed (px/s) are of the step from move k to move k + 1. An acceleration (px/s²)
    and `turn[k]` (rad) are of the steps k and k + 1, and a jerk (px/s³) is of the steps k to k + 2.
    """

    def __init__(self) -> None:
        self.ts = array("q")
        self.x, self.y = array("d"), array("d")
        self.dt, self.dist = array("d"), array("d")
        self._v, self._angle = array("d"), array("d")
        self._a, self.turn = array("d"), array("d")
        self.speeds, self.accelerations, self.jerks = Within(MAX_SPEED), Within(MAX_ACCELERATION), Within(MAX_JERK)
        steps = (self.dt, self.dist, self._v, self._angle)
        self._columns = ((self.ts, self.x, self.y), steps, (self._a, self.turn))  # n, n - 1, n - 2 long
        self._within = (self.speeds, self.accelerations, self.jerks)  # of n - 1, n - 2, n - 3

    def forget(self, count: int) -> None:
        """Lets go of the first `count` moves."""
        for columns in self._columns:
            for column in columns:
                del column[:count]
        for within in self._within:
            within.forget(count)

    def keep(self, count: int) -> None:
        """Lets go of all but the first `count` moves."""
        for shorter, columns in enumerate(self._columns):
            for column in columns:
                del column[max(0, count - shorter) :]
        for shorter, within in enumerate(self._within, 1):
            within.keep(max(0, count - shorter))

    def add(self, moves: Sequence[Move]) -> None:
        """Moves that come after those it has. Every column goes on from where it ends."""
        self.ts.fromlist([move.ts for move in moves])
        self.x.fromlist([move.x for move in moves])
        self.y.fromlist([move.y for move in moves])
        k = len(self.dt)
        gaps = [(after - before) / 1e6 for before, after in pairwise(self.ts[k:])]
        self.dt.fromlist([gap if gap > MIN_DT_S else MIN_DT_S for gap in gaps])
        dx = [after - before for before, after in pairwise(self.x[k:])]
        dy = [after - before for before, after in pairwise(self.y[k:])]
        self.dist.fromlist([sqrt(x * x + y * y) for x, y in zip(dx, dy, strict=True)])
        self._angle.fromlist(list(map(atan2, dy, dx)))
        speeds = [dist / dt for dist, dt in zip(self.dist[k:], self.dt[k:], strict=True)]
        self._v.fromlist(speeds)
        self.speeds.add(speeds)
        k = len(self._a)
        turns = [abs(following - angle) for angle, following in pairwise(self._angle[k:])]
        self.turn.fromlist([FULL_TURN - turn if turn > pi else turn for turn in turns])  # folded into [0, π]
        accelerations = _rates(self._v[k:], self.dt[k:])
        k = max(0, k - 1)  # a jerk begins with the last acceleration that it had
        self._a.fromlist(accelerations)
        self.accelerations.add(accelerations)
        self.jerks.add(_rates(self._a[k:], self.dt[k:]))


def _rates(values: "array[float]", dt: "array[float]") -> list[float]:
    """How fast `values` change: (value[k + 1] - value[k]) / dt[k]."""
    return [(after - before) / each for (before, after), each in zip(pairwise(values), dt, strict=False)]
