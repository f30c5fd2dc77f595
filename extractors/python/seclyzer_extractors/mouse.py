"""The mouse features of windows: the events of each in, 38 features out.

Times are integer µs; a duration in s is their difference / 1e6, one in ms their difference / 1000.
"""

from collections.abc import Sequence
from math import sqrt

from . import stats
from .event import Button, Move, Scroll
from .features import Value, ordering
from .motion import MOST_BEFORE, Motion
from .sliding import common

MAX_CLICK_US = 5_000_000
DOUBLE_CLICK_US = 500_000
BUTTONS = ("Left", "Right", "Middle")

MouseEvent = Move | Button | Scroll


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
        dev_mode = dev_mode or (bool(events) and self._dev_mode_at >= events[0].ts)
        return _in_order(_features(self._motion, clicks, scrolls, window_s, dev_mode))

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


def _features(
    motion: Motion, clicks: Sequence[Button], scrolls: Sequence[Scroll], window_s: float, dev_mode: bool
) -> dict[str, Value]:
    moves = _move_features(motion, window_s) if len(motion.moves) >= 3 else _NO_MOVES
    # TypeError when a name is given twice.
    return dict(**moves, **_click_features(clicks, window_s), **_scroll_features(scrolls, window_s), dev_mode=dev_mode)


def _move_features(motion: Motion, window_s: float) -> dict[str, Value]:
    """Of three moves or more."""
    moves, n = motion.moves, len(motion.moves)
    times = motion.times()
    way = stats.total(motion.ways())
    dx, dy = moves[-1].x - moves[0].x, moves[-1].y - moves[0].y
    straight = sqrt(dx * dx + dy * dy)
    straightness = straight / max(way, 1.0)
    accelerations, jerks = motion.accelerations, motion.jerks
    speed_mean, speed_std = stats.mean_and_std(motion.speeds.values)
    turn_mean, turn_std = stats.mean_and_std(motion.turns())
    time_mean, time_std = stats.mean_and_std(times)
    return {
        "move_0": speed_mean,
        "move_1": speed_std,
        "move_2": motion.speeds.largest(),
        "move_3": motion.speeds.median(),
        "move_4": stats.mean_magnitude(accelerations),
        "move_5": stats.std(accelerations),
        "move_6": stats.largest_magnitude(accelerations),
        "move_7": 1.0 - straightness,
        "move_8": turn_mean,
        "move_9": turn_std,
        "move_10": stats.mean_magnitude(jerks),
        "move_11": stats.std(jerks),
        "move_12": way,
        "move_13": straight,
        "move_14": way / n,
        "move_15": motion.long_steps() / len(times),
        "move_16": time_mean,
        "move_17": time_std,
        "move_18": straightness,
        "move_19": n / window_s,
    }


def _click_features(clicks: Sequence[Button], window_s: float) -> dict[str, Value]:
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
    return {
        "click_0": stats.mean(durations),
        "click_1": stats.std(durations),
        "click_2": left,
        "click_3": right,
        "click_4": middle,
        "click_5": left / max(total, 1),
        "click_6": doubles,
        "click_7": doubles / max(total, 1),
        "click_8": total / window_s,
        "click_9": stats.median(durations),
    }


def _scroll_features(scrolls: Sequence[Scroll], window_s: float) -> dict[str, Value]:
    deltas = [scroll.delta for scroll in scrolls if scroll.delta is not None]
    up = len([delta for delta in deltas if delta > 0])
    down = len([delta for delta in deltas if delta < 0])
    between = [(scrolls[k].ts - scrolls[k - 1].ts) / 1e6 for k in range(1, len(scrolls))]
    return {
        "scroll_0": stats.mean_magnitude(deltas),
        "scroll_1": stats.std(deltas),
        "scroll_2": up,
        "scroll_3": down,
        "scroll_4": up / max(len(deltas), 1),
        "scroll_5": len(scrolls) / window_s,
        "scroll_6": stats.mean(between),
        "scroll_7": stats.std(between),
    }


def _example() -> Motion:
    motion = Motion()
    motion.add([Move(k, False, 0.0, 0.0) for k in range(3)])
    return motion


_NO_MOVES = dict.fromkeys(_move_features(_example(), 1.0), 0.0)
_in_order = ordering("mouse", _features(_example(), (), (), 1.0, False))
