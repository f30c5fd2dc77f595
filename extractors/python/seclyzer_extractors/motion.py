"""What lies between one move of the pointer and the next. Pure.

Windows overlap: a move is in six of them. So speeds, turns and so on are computed when a move is added, not for
every window. The same numbers come out: each depends on its own move and at most three before it.
"""

from array import array
from collections.abc import Sequence
from math import atan2, nan, pi, sqrt

from .event import Move
from .runs import Runs

MIN_DT_S = 0.001
LONG_DT_S = 0.1
MAX_SPEED = 10_000.0  # px/s
MAX_ACCELERATION = 100_000.0  # px/s²
MAX_JERK = 1_000_000.0  # px/s³
FULL_TURN = 2.0 * pi
MOST_BEFORE = 3  # so many moves before its own a value is made of at most


class Motion:
    """The moves of a window, and as columns the steps that end in them.

    A step's time (s), way (px) and speed (px/s) are from the move before. A turn (rad) and an acceleration (px/s²) are
    of two steps, a jerk (px/s³) is of three.
    """

    def __init__(self) -> None:
        self.moves: list[Move] = []
        # One for each move: what is made of moves that are not there means nothing.
        self._dt, self._dist, self._turn = array("d"), array("d"), array("d")
        self._is_long = bytearray()  # 1 for a step that took long, else 0
        # Those within their limits; and for each move 1 if its one is, else 0.
        self.speeds, self.accelerations, self.jerks = Runs(), array("d"), array("d")
        self._speed_counts, self._acceleration_counts, self._jerk_counts = bytearray(), bytearray(), bytearray()
        # Of the last step, and the `dt` before. What is made of NaN is NaN, and that is within no limit.
        self._last = (nan, nan, nan, nan, nan, nan, nan, nan)

    def times(self) -> "array[float]":
        """How long the steps took, in s."""
        return self._dt[1:]

    def ways(self) -> "array[float]":
        """How long the steps are, in px."""
        return self._dist[1:]

    def turns(self) -> "array[float]":
        """From each step to the next, in rad, 0 to π."""
        return self._turn[2:]

    def long_steps(self) -> int:
        """How many took long."""
        return self._is_long.count(1, 1)

    def forget(self, count: int) -> None:
        """Lets go of the first `count` moves; at least `MOST_BEFORE` stay. What is made of one that went goes too."""
        for column in (self.moves, self._dt, self._dist, self._turn, self._is_long):
            del column[:count]
        self.speeds.forget(_forget(self._speed_counts, count, 1))
        del self.accelerations[: _forget(self._acceleration_counts, count, 2)]
        del self.jerks[: _forget(self._jerk_counts, count, 3)]

    def add(self, moves: Sequence[Move]) -> None:
        """Moves that come after those it has. One loop for all: it is what a move costs most."""
        dts: list[float] = []
        dists: list[float] = []
        turns: list[float] = []
        speeds: list[float] = []
        accelerations: list[float] = []
        jerks: list[float] = []
        speed_counts, acceleration_counts = self._speed_counts, self._acceleration_counts
        jerk_counts = self._jerk_counts
        last_ts, last_x, last_y, last_speed, last_angle, last_acceleration, last_dt, dt_before = self._last
        for move in moves:
            ts, x, y = move.ts, move.x, move.y
            dt = (ts - last_ts) / 1e6
            if not dt > MIN_DT_S:
                dt = MIN_DT_S
            dx, dy = x - last_x, y - last_y
            dist = sqrt(dx * dx + dy * dy)
            speed = dist / dt
            angle = atan2(dy, dx)
            turn = abs(angle - last_angle)
            if turn > pi:
                turn = FULL_TURN - turn  # folded into [0, π]
            acceleration = (speed - last_speed) / last_dt
            jerk = (acceleration - last_acceleration) / dt_before
            dts.append(dt)
            dists.append(dist)
            turns.append(turn)
            if speed < MAX_SPEED:
                speeds.append(speed)
                speed_counts.append(1)
            else:
                speed_counts.append(0)
            if -MAX_ACCELERATION < acceleration < MAX_ACCELERATION:
                accelerations.append(acceleration)
                acceleration_counts.append(1)
            else:
                acceleration_counts.append(0)
            if -MAX_JERK < jerk < MAX_JERK:
                jerks.append(jerk)
                jerk_counts.append(1)
            else:
                jerk_counts.append(0)
            last_ts, last_x, last_y, last_speed, last_angle, last_acceleration = ts, x, y, speed, angle, acceleration
            last_dt, dt_before = dt, last_dt
        self._last = (last_ts, last_x, last_y, last_speed, last_angle, last_acceleration, last_dt, dt_before)
        self.moves += moves
        self._dt.fromlist(dts)
        self._dist.fromlist(dists)
        self._turn.fromlist(turns)
        self._is_long += bytes([dt > LONG_DT_S for dt in dts])
        self.speeds.add(speeds)
        self.accelerations.fromlist(accelerations)
        self.jerks.fromlist(jerks)


def _forget(flags: bytearray, count: int, before: int) -> int:
    """Lets go of the first `count`, clears as many behind them as depend on those; how many were 1."""
    gone = flags.count(1, 0, count + before)
    del flags[:count]
    flags[:before] = bytes(before)
    return gone
