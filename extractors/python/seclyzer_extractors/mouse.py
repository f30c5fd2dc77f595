"""The mouse features of windows: the events of each in, 38 features out.

Times are integer µs; a duration in s is their difference / 1e6, one in ms their difference / 1000.
"""

from collections.abc import Sequence
from math import sqrt

from . import stats
from .event import Button, Move, Scroll
from .motion import MOST_BEFORE, Motion
from .sliding import common

MAX_CLICK_US = 5_000_000
DOUBLE_CLICK_US = 500_000
BUTTONS = ("Left", "Right", "Middle")

MouseEvent = Move | Button | Scroll
Value = float | int | bool | str


def features(events: Sequence[MouseEvent], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
    """The values of one window in the schema's order. `events` are ordered; `dev_mode` is the process's own."""
    return Windows().features(events, window_us, dev_mode)


class Windows:
    """The features of one window after another: what is known from the last one is not computed again."""

    def __init__(self) -> None:
        self._events: Sequence[MouseEvent] = ()  # the last window's
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._is_move = bytearray()  # 1 for each of the events that is a move
        self._motion = Motion()  # of the moves among them
        self._others: list[Button | Scroll] = []
        self._dev_mode_at = 0  # ts of the last event in developer mode

    def features(self, events: Sequence[MouseEvent], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
        """As the function of this name. The sequence is kept, and not to be changed later."""
        self._turn_to(events)
        window_s = window_us / 1e6
        clicks = [event for event in self._others if type(event) is Button and event.button in BUTTONS]
        scrolls = [event for event in self._others if type(event) is Scroll]
        return (
            *_move_features(self._motion, window_s),
            *_click_features(clicks, window_s),
            *_scroll_features(scrolls, window_s),
            dev_mode or (bool(events) and self._dev_mode_at >= events[0].ts),
        )

    def _turn_to(self, events: Sequence[MouseEvent]) -> None:
        """Forgets what is only in the last window, keeps what begins this one as well, and adds the rest."""
        start, stop = common(self._events, events)
        moves_gone = self._is_move.count(1, 0, start)
        if stop < len(self._events) or len(self._motion.moves) - moves_gone < MOST_BEFORE:
            self._begin_anew()
            new = events
        else:
            self._motion.forget(moves_gone)
            del self._others[: start - moves_gone]
            del self._is_move[:start]
            new = events[stop - start :]
        self._events = events
        are_moves = [type(event) is Move for event in new]
        self._is_move += bytes(are_moves)
        self._motion.add([event for event in new if type(event) is Move])
        self._others += [event for event in new if not isinstance(event, Move)]
        self._dev_mode_at = max([event.ts for event in new if event.dev_mode], default=self._dev_mode_at)


def _move_features(motion: Motion, window_s: float) -> tuple[float, ...]:
    moves, n = motion.moves, len(motion.moves)
    if n < 3:
        return (0.0,) * 20
    times = motion.times()
    way = stats.total(motion.ways())
    dx, dy = moves[-1].x - moves[0].x, moves[-1].y - moves[0].y
    straight = sqrt(dx * dx + dy * dy)
    straightness = straight / max(way, 1.0)
    accelerations, jerks = motion.accelerations, motion.jerks
    return (
        *stats.mean_and_std(motion.speeds.values),
        motion.speeds.largest(),
        motion.speeds.median(),
        stats.mean_magnitude(accelerations),
        stats.std(accelerations),
        stats.largest_magnitude(accelerations),
        1.0 - straightness,
        *stats.mean_and_std(motion.turns()),
        stats.mean_magnitude(jerks),
        stats.std(jerks),
        way,
        straight,
        way / n,
        motion.long_steps() / len(times),
        *stats.mean_and_std(times),
        straightness,
        n / window_s,
    )


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
        stats.mean_magnitude(deltas),
        stats.std(deltas),
        up,
        down,
        up / max(len(deltas), 1),
        len(scrolls) / window_s,
        stats.mean(between),
        stats.std(between),
    )
