"""The keystroke features of windows: the events of each in, 48 features and their counts out.

Times are in ms. What belongs to an event is worked out in `strokes`; here is what is made of a window's.
"""

from collections import Counter
from collections.abc import Sequence

from . import stats
from .event import Key
from .sliding import common
from .strokes import Strokes

DIGRAPHS = 20
SPARE_NAMES = 10_000  # so many keys and pairs of keys may be remembered, be there an event of them or not

Value = float | int | bool | str


def features(events: Sequence[Key], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
    """The values of one window in the schema's order. `events` are ordered; `dev_mode` is the process's own."""
    return Windows().features(events, window_us, dev_mode)


class Windows:
    """The features of one window after another: what is known from the last one is not worked out again."""

    def __init__(self) -> None:
        self._events: Sequence[Key] = ()  # the last window's
        self._strokes = Strokes()

    def features(self, events: Sequence[Key], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
        """As the function of this name. The sequence is kept, and not to be changed later."""
        first = events[0].ts if events else 0
        self._turn_to(events, first)
        strokes = self._strokes
        if strokes.is_cut(first):
            strokes = Strokes()
            strokes.add(events)
        return (*_features(strokes), dev_mode or strokes.dev_mode_at >= first)

    def _turn_to(self, events: Sequence[Key], first: int) -> None:
        start, stop = common(self._events, events)
        if not events or stop < len(self._events) or self._strokes.names_known() > SPARE_NAMES:
            self._strokes = Strokes()
            start = stop = 0
        self._strokes.add(events[stop - start :])
        self._strokes.forget(first)  # also what ends in this window and began before it
        self._events = events


def _features(strokes: Strokes) -> tuple[Value, ...]:
    dwells, flights, gaps = strokes.dwells, strokes.flights, strokes.gaps
    return (
        *stats.eight(dwells.values, dwells.ordered()),
        *stats.eight(flights.values, flights.ordered()),
        *_digraphs(strokes),
        *_corrections(len(strokes.pressed), strokes.deleting.count(1)),
        *_rhythm(gaps.values, gaps.median()),
        len(dwells.values),
        len(flights.values),
        len(strokes.pressed),
    )


def _digraphs(strokes: Strokes) -> list[float]:
    """Mean times of the 20 most frequent pairs of keys, ties by first appearance; missing ranks are 0.0."""
    least = _least_count(Counter(map(len, strokes.gaps_of_pair)))
    frequent = {id(same): same for same in strokes.gaps_of_pair if len(same) >= least}  # by first appearance
    ranked = sorted(frequent.values(), key=len, reverse=True)[:DIGRAPHS]  # stable, also when reversed
    means = [stats.mean(same) for same in ranked]
    return means + [0.0] * (DIGRAPHS - len(means))


def _least_count(gaps: Counter[int]) -> int:
    """How often the 20th most frequent pair comes, 1 if there are fewer. `gaps` with a pair that comes so often."""
    pairs = 0
    for count in sorted(gaps, reverse=True):
        pairs += gaps[count] // max(count, 1)
        if pairs >= DIGRAPHS:
            return max(count, 1)
    return 1


def _corrections(total: int, deleting: int) -> tuple[Value, ...]:
    kept = total - deleting
    return deleting, deleting / max(total, 1), deleting / max(kept, 1), kept / max(total, 1)


def _rhythm(gaps: Sequence[float], median: float) -> tuple[float, ...]:
    """Consistency, burst and pause frequency, burst and pause mean, variation, speed, stability."""
    if not gaps:
        return (0.0,) * 8
    mean, std = stats.mean_and_std(gaps)
    bursts, burst_ms, pause_ms = 0, 0.0, 0.0
    for gap in gaps:
        if gap < median:
            bursts += 1
            burst_ms += gap
        else:
            pause_ms += gap
    pauses = len(gaps) - bursts
    return (
        1.0 - std / max(mean, 1.0),
        bursts / len(gaps),
        pauses / len(gaps),
        burst_ms / max(bursts, 1),
        pause_ms / max(pauses, 1),
        std,
        60000.0 / max(mean, 1.0) / 5.0,
        1.0 / (1.0 + std * std),
    )
