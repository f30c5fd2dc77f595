"""The keystroke features of windows: the events of each in, numbers out.

Times are in ms. What belongs to an event is worked out in `strokes`; here is what is made of a window's.
"""

from collections import Counter
from collections.abc import Sequence

from . import stats
from .classes import BACKSPACE, CLASSES, LEFT, RIGHT, SHIFT, SPACE
from .event import Key
from .features import Value, ordering
from .sliding import common
from .strokes import Strokes
from .times import Dwells, ShortGaps, both

DIGRAPHS = 20
_DIGRAPH_NAMES = [f"digraph_{rank}_mean" for rank in range(DIGRAPHS)]
_CLASSES_WITH_STD = (("left", LEFT), ("right", RIGHT), ("space", SPACE))
_GAPS = [
    (f"gap_{CLASSES[first]}_{CLASSES[then]}_median", both(first, then))
    for first, then in (
        (LEFT, LEFT),
        (LEFT, RIGHT),
        (RIGHT, LEFT),
        (RIGHT, RIGHT),
        (LEFT, SPACE),
        (RIGHT, SPACE),
        (SPACE, LEFT),
        (SPACE, RIGHT),
        (BACKSPACE, BACKSPACE),
        (SHIFT, LEFT),
        (SHIFT, RIGHT),
    )
]
SPARE_NAMES = 10_000  # so many keys and pairs of keys may be remembered, be there an event of them or not


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
        return _in_order(_features(strokes, dev_mode or strokes.dev_mode_at >= first))

    def _turn_to(self, events: Sequence[Key], first: int) -> None:
        start, stop = common(self._events, events)
        if not events or stop < len(self._events) or self._strokes.names_known() > SPARE_NAMES:
            self._strokes = Strokes()
            start = stop = 0
        self._strokes.add(events[stop - start :])
        self._strokes.forget(first)  # also what ends in this window and began before it
        self._events = events


def _features(strokes: Strokes, dev_mode: bool) -> dict[str, Value]:
    dwells, flights, gaps = strokes.dwells, strokes.flights, strokes.gaps
    held = dwells.ordered()
    # TypeError when a name is given twice.
    return dict(
        **_eight("dwell", dwells.values, held),
        **_eight("flight", flights.values, flights.ordered()),
        **_digraphs(strokes),
        **_corrections(len(strokes.pressed), strokes.classes.count(BACKSPACE)),
        **(_rhythm(gaps.values, gaps.median()) if gaps.values else _NO_RHYTHM),
        **_quantiles("dwell", held, (10, 90)),
        **_dwells_of_classes(dwells),
        **_shares(strokes.classes),
        **_rollovers(strokes),
        **_short_gaps(strokes.short_gaps),
        **_quantiles("trigraph", strokes.trigraphs.ordered(), (25, 50, 75)),
        dwell_count=len(dwells.values),
        flight_count=len(flights.values),
        total_keys=len(strokes.pressed),
        dev_mode=dev_mode,
    )


def _eight(name: str, values: Sequence[float], ordered: Sequence[float]) -> dict[str, Value]:
    mean, std, low, high, median, q25, q75, spread = stats.eight(values, ordered)
    return {
        f"{name}_mean": mean,
        f"{name}_std": std,
        f"{name}_min": low,
        f"{name}_max": high,
        f"{name}_median": median,
        f"{name}_q25": q25,
        f"{name}_q75": q75,
        f"{name}_range": spread,
    }


def _quantiles(name: str, ordered: Sequence[float], hundredths: Sequence[int]) -> dict[str, Value]:
    return {
        f"{name}_median" if share == 50 else f"{name}_q{share:02}": stats.median_of_sorted(ordered)
        if share == 50
        else stats.quantile_of_sorted(ordered, share / 100)
        for share in hundredths
    }


def _digraphs(strokes: Strokes) -> dict[str, Value]:
    """Mean times of the 20 most frequent pairs of keys, ties by first appearance; missing ranks are 0.0."""
    least = _least_count(Counter(map(len, strokes.gaps_of_pair)))
    frequent = {id(same): same for same in strokes.gaps_of_pair if len(same) >= least}  # by first appearance
    ranked = sorted(frequent.values(), key=len, reverse=True)[:DIGRAPHS]  # stable, also when reversed
    means = [stats.mean(same) for same in ranked]
    means += [0.0] * (DIGRAPHS - len(means))
    return dict(zip(_DIGRAPH_NAMES, means, strict=True))


def _least_count(gaps: Counter[int]) -> int:
    """How often the 20th most frequent pair comes, 1 if there are fewer. `gaps` with a pair that comes so often."""
    pairs = 0
    for count in sorted(gaps, reverse=True):
        pairs += gaps[count] // max(count, 1)
        if pairs >= DIGRAPHS:
            return max(count, 1)
    return 1


def _corrections(total: int, deleting: int) -> dict[str, Value]:
    kept = total - deleting
    return {
        "backspace_count": deleting,
        "backspace_frequency": deleting / max(total, 1),
        "correction_rate": deleting / max(kept, 1),
        "clean_typing_ratio": kept / max(total, 1),
    }


def _rhythm(gaps: Sequence[float], median: float) -> dict[str, Value]:
    """Of at least one gap."""
    mean, std = stats.mean_and_std(gaps)
    bursts, burst_ms, pause_ms = 0, 0.0, 0.0
    for gap in gaps:
        if gap < median:
            bursts += 1
            burst_ms += gap
        else:
            pause_ms += gap
    pauses = len(gaps) - bursts
    return {
        "rhythm_consistency": 1.0 - std / max(mean, 1.0),
        "burst_frequency": bursts / len(gaps),
        "pause_frequency": pauses / len(gaps),
        "avg_burst_speed": burst_ms / max(bursts, 1),
        "avg_pause_duration": pause_ms / max(pauses, 1),
        "rhythm_variation": std,
        "typing_speed_wpm": 60000.0 / max(mean, 1.0) / 5.0,
        "rhythm_stability": 1.0 / (1.0 + std * std),
    }


def _dwells_of_classes(dwells: Dwells) -> dict[str, Value]:
    medians = {f"dwell_{name}_median": _median_of_two_or_more(of) for name, of in zip(CLASSES, dwells.of, strict=True)}
    stds = {f"dwell_{name}_std": _std_of_four_or_more(dwells.of[one]) for name, one in _CLASSES_WITH_STD}
    return dict(**medians, **stds)


def _median_of_two_or_more(values: Sequence[float]) -> float:
    return stats.median(values) if len(values) >= 2 else 0.0


def _std_of_four_or_more(values: Sequence[float]) -> float:
    return stats.std(values) if len(values) >= 4 else 0.0


def _shares(classes: bytearray) -> dict[str, Value]:
    presses = max(len(classes), 1)
    return {f"share_{name}": classes.count(one) / presses for one, name in enumerate(CLASSES)}


def _rollovers(strokes: Strokes) -> dict[str, Value]:
    # The key before a window's first press is not in it.
    return {
        "rollover_rate": strokes.rolled.count(1, 1) / max(len(strokes.rolled) - 1, 1),
        "rollover_overlap": _median_of_two_or_more(list(filter(None, strokes.dwells.overlaps))),
    }


def _short_gaps(short_gaps: ShortGaps) -> dict[str, Value]:
    logs = short_gaps.logs
    return dict(
        **_quantiles("gap", short_gaps.ordered(), (5, 10, 25, 50, 75, 90)),
        **{name: _median_of_two_or_more(short_gaps.of[place]) for name, place in _GAPS},
        gap_log_std=_std_of_four_or_more(logs),
        gap_log_autocorrelation=_log_autocorrelation(short_gaps),
    )


def _log_autocorrelation(short_gaps: ShortGaps) -> float:
    ms = short_gaps.values
    if len(ms) < 11 or _are_even(ms[:-1]) or _are_even(ms[1:]):
        return 0.0
    return stats.autocorrelation(short_gaps.logs)


def _are_even(ms: Sequence[float]) -> bool:
    """Whether the longest and the shortest time differ by less than 1 ms, compared in whole µs."""
    return round(max(ms) * 1000) - round(min(ms) * 1000) < 1000


_NO_RHYTHM = dict.fromkeys(_rhythm([1.0], 1.0), 0.0)
_in_order = ordering("keystroke", _features(Strokes(), False))
