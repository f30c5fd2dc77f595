"""The mouse features of one window: its events in, 38 features out. Pure.

Times are integer µs; a duration in s is their difference / 1e6, one in ms their difference / 1000.
"""

from collections.abc import Sequence
from math import atan2, pi, sqrt

from . import stats
from .event import Button, Move, Scroll

MIN_DT_S = 0.001
MAX_SPEED = 10_000.0  # px/s
MAX_ACCELERATION = 100_000.0  # px/s²
MAX_JERK = 1_000_000.0  # px/s³
LONG_DT_S = 0.1
MAX_CLICK_US = 5_000_000
DOUBLE_CLICK_US = 500_000
BUTTONS = ("Left", "Right", "Middle")

MouseEvent = Move | Button | Scroll
Value = float | int | bool | str


def features(events: Sequence[MouseEvent], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
    """The values in the schema's order. `events` are ordered; `dev_mode` is the process's own."""
    window_s = window_us / 1e6
    moves = [event for event in events if type(event) is Move]
    clicks = [event for event in events if type(event) is Button and event.button in BUTTONS]
    scrolls = [event for event in events if type(event) is Scroll]
    return (
        *_move_features(moves, window_s),
        *_click_features(clicks, window_s),
        *_scroll_features(scrolls, window_s),
        dev_mode or any(event.dev_mode for event in events),
    )


def _move_features(moves: Sequence[Move], window_s: float) -> tuple[float, ...]:
    n = len(moves)
    if n < 3:
        return (0.0,) * 20
    dts, dists, angles = [], [], []
    for k in range(1, n):
        before, after = moves[k - 1], moves[k]
        dx, dy = after.x - before.x, after.y - before.y
        dts.append(max((after.ts - before.ts) / 1e6, MIN_DT_S))
        dists.append(sqrt(dx * dx + dy * dy))
        angles.append(atan2(dy, dx))

    speeds = [dist / dt for dist, dt in zip(dists, dts, strict=True)]
    accelerations = _rates(speeds, dts)
    jerks = _rates(accelerations, dts)
    v = [speed for speed in speeds if speed < MAX_SPEED]
    a = [each for each in accelerations if abs(each) < MAX_ACCELERATION]
    j = [each for each in jerks if abs(each) < MAX_JERK]
    abs_a = [abs(each) for each in a]
    turns = [_turn(angles[k], angles[k + 1]) for k in range(len(angles) - 1)]

    way = 0.0
    for dist in dists:
        way += dist
    dx, dy = moves[-1].x - moves[0].x, moves[-1].y - moves[0].y
    straight = sqrt(dx * dx + dy * dy)
    straightness = straight / max(way, 1.0)
    long_intervals = len([dt for dt in dts if dt > LONG_DT_S])
    return (
        stats.mean(v),
        stats.std(v),
        stats.largest(v),
        stats.median(v),
        stats.mean(abs_a),
        stats.std(a),
        stats.largest(abs_a),
        1.0 - straightness,
        stats.mean(turns),
        stats.std(turns),
        stats.mean([abs(each) for each in j]),
        stats.std(j),
        way,
        straight,
        way / n,
        long_intervals / len(dts),
        stats.mean(dts),
        stats.std(dts),
        straightness,
        n / window_s,
    )


def _rates(values: Sequence[float], dts: Sequence[float]) -> list[float]:
    """How fast `values` change: (value[k + 1] - value[k]) / dt[k]."""
    return [(values[k + 1] - values[k]) / dts[k] for k in range(len(values) - 1)]


def _turn(angle: float, following: float) -> float:
    """The change of direction, folded into [0, π]."""
    turn = abs(following - angle)
    return 2.0 * pi - turn if turn > pi else turn


def _click_features(clicks: Sequence[Button], window_s: float) -> tuple[Value, ...]:
    down: dict[str, int] = {}  # button -> ts of its last press
    presses = {button: 0 for button in BUTTONS}
    durations: list[float] = []
    doubles = 0
    last_press: int | None = None
    for click in clicks:
        ts, button = click.ts, click.button
        if click.pressed:
            down[button] = ts
            presses[button] += 1
            if last_press is not None and ts - last_press < DOUBLE_CLICK_US:
                doubles += 1
            last_press = ts
        elif (pressed_at := down.pop(button, None)) is not None and 0 < ts - pressed_at < MAX_CLICK_US:
            durations.append((ts - pressed_at) / 1000)
    left, right, middle = presses["Left"], presses["Right"], presses["Middle"]
    total = left + right + middle
    return (
        stats.mean(durations),
        stats.std(durations),
        left,
        right,
        middle,
        left / max(total, 1),
        doubles,
        doubles / max(total, 1),
        total / window_s,
        stats.median(durations),
    )


def _scroll_features(scrolls: Sequence[Scroll], window_s: float) -> tuple[Value, ...]:
    deltas = [scroll.delta for scroll in scrolls if scroll.delta is not None]
    up = len([delta for delta in deltas if delta > 0])
    down = len([delta for delta in deltas if delta < 0])
    between = [(scrolls[k].ts - scrolls[k - 1].ts) / 1e6 for k in range(1, len(scrolls))]
    return (
        stats.mean([abs(delta) for delta in deltas]),
        stats.std(deltas),
        up,
        down,
        up / max(len(deltas), 1),
        len(scrolls) / window_s,
        stats.mean(between),
        stats.std(between),
    )
