"""What lies between one move of the pointer and the next. Pure.

Windows overlap: a move is in six of them. So speeds, turns and so on are computed when a move is added, not for
every window. The same numbers come out: each depends on its own move and at most three before it.
"""

from array import array
from collections.abc import Sequence
from itertools import pairwise
from math import atan2, pi, sqrt

from .event import Move

MIN_DT_S = 0.001
FULL_TURN = 2.0 * pi


class Motion:
    """The moves of a window and their differences, as columns; n moves have n - 1 steps.

    `dt[k]` (s), `dist[k]` (px) and `v[k]` (px/s) are of the step from move k to move k + 1. `a[k]` (px/s²) and
    `turn[k]` (rad) are of the steps k and k + 1, and `j[k]` (px/s³) is of the steps k to k + 2.
    """

    def __init__(self) -> None:
        self.ts = array("q")
        self.x, self.y = array("d"), array("d")
        self.dt, self.dist, self.v = array("d"), array("d"), array("d")
        self._angle = array("d")
        self.a, self.turn = array("d"), array("d")
        self.j = array("d")
        steps = (self.dt, self.dist, self.v, self._angle)
        self._columns = ((self.ts, self.x, self.y), steps, (self.a, self.turn), (self.j,))  # n, n - 1, … long

    def forget(self, count: int) -> None:
        """Lets go of the first `count` moves."""
        for columns in self._columns:
            for column in columns:
                del column[:count]

    def keep(self, count: int) -> None:
        """Lets go of all but the first `count` moves."""
        for shorter, columns in enumerate(self._columns):
            for column in columns:
                del column[max(0, count - shorter) :]

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
        self.v.fromlist([dist / dt for dist, dt in zip(self.dist[k:], self.dt[k:], strict=True)])
        k = len(self.a)
        self.a.fromlist(_rates(self.v[k:], self.dt[k:]))
        turns = [abs(following - angle) for angle, following in pairwise(self._angle[k:])]
        self.turn.fromlist([FULL_TURN - turn if turn > pi else turn for turn in turns])  # folded into [0, π]
        k = len(self.j)
        self.j.fromlist(_rates(self.a[k:], self.dt[k:]))


def _rates(values: "array[float]", dt: "array[float]") -> list[float]:
    """How fast `values` change: (value[k + 1] - value[k]) / dt[k]."""
    return [(after - before) / each for (before, after), each in zip(pairwise(values), dt, strict=False)]
