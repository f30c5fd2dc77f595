"""The keystroke features of one window: its events in, 48 features and their counts out. Pure.

Times are integer µs and become ms as float64 (difference / 1000) where they enter a list.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from . import stats
from .event import Key

REPEAT_US = 1_000_000  # a press of a key that is down is auto-repeat within this time of its last one
MAX_DWELL_US = 1_000_000
MAX_FLIGHT_US = 2_000_000
MAX_DIGRAPH_MS = 2_000.0
MAX_GAP_MS = 5_000.0
LONG_AGO = -MAX_FLIGHT_US  # before any time that counts
DIGRAPHS = 20

Value = float | int | bool | str


class Timings(NamedTuple):
    """What the events of a window say: presses without auto-repeat, and times between events (ms)."""

    pressed: list[int]  # ts of each press
    keys: list[str]  # key of each press
    dwells: list[float]
    flights: list[float]


def features(events: Sequence[Key], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
    """The values in the schema's order. `events` are ordered; `dev_mode` is the process's own."""
    pressed, keys, dwells, flights = _timings(events)
    gaps = [(after - before) / 1000 for before, after in pairwise(pressed)]  # ms
    return (
        *stats.eight(dwells),
        *stats.eight(flights),
        *_digraphs(keys, gaps),
        *_corrections(keys),
        *_rhythm([gap for gap in gaps if 0.0 < gap < MAX_GAP_MS]),
        len(dwells),
        len(flights),
        len(keys),
        dev_mode or _any_in_dev_mode(events),
    )


def _any_in_dev_mode(events: Sequence[Key]) -> bool:
    for event in events:  # noqa: SIM110  # `any` takes twice as long
        if event.dev_mode:
            return True
    return False


def _timings(events: Sequence[Key]) -> Timings:
    made = Timings([], [], [], [])
    pressed, keys, dwells, flights = made
    down_since: dict[str, int] = {}  # the keys that are down
    repeated_at: dict[str, int] = {}  # each key's last repeat
    released_at = LONG_AGO
    for event in events:
        ts, key = event.ts, event.key
        if not event.pressed:
            released_at = ts
            dwell = ts - down_since.pop(key, LONG_AGO)
            if 0 < dwell < MAX_DWELL_US:
                dwells.append(dwell / 1000)
            continue
        if key in down_since and ts - max(down_since[key], repeated_at.get(key, LONG_AGO)) < REPEAT_US:
            repeated_at[key] = ts
            continue
        down_since[key] = ts
        pressed.append(ts)
        keys.append(key)
        flight = ts - released_at
        if 0 < flight < MAX_FLIGHT_US:
            flights.append(flight / 1000)
    return made


def _digraphs(keys: Sequence[str], gaps: Sequence[float]) -> list[float]:
    """Mean gaps of the 20 most frequent pairs of keys, ties by first appearance; missing ranks are 0.0."""
    gaps_of: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for pair, gap in zip(pairwise(keys), gaps, strict=True):
        if 0.0 < gap < MAX_DIGRAPH_MS:
            gaps_of[pair].append(gap)
    ranked = sorted(gaps_of.values(), key=len, reverse=True)[:DIGRAPHS]  # stable, also when reversed
    return [stats.mean(gaps) for gaps in ranked] + [0.0] * (DIGRAPHS - len(ranked))


def _corrections(keys: Sequence[str]) -> tuple[Value, ...]:
    total = len(keys)
    deleting = len([key for key in keys if "Backspace" in key or "Delete" in key])
    kept = total - deleting
    return deleting, deleting / max(total, 1), deleting / max(kept, 1), kept / max(total, 1)


def _rhythm(gaps: Sequence[float]) -> tuple[float, ...]:
    """Consistency, burst and pause frequency, burst and pause mean, variation, speed, stability."""
    if not gaps:
        return (0.0,) * 8
    mean, std = stats.mean_and_std(gaps)
    median = stats.median(gaps)
    bursts = [gap for gap in gaps if gap < median]
    pauses = [gap for gap in gaps if gap >= median]
    return (
        1.0 - std / max(mean, 1.0),
        len(bursts) / len(gaps),
        len(pauses) / len(gaps),
        stats.mean(bursts),
        stats.mean(pauses),
        std,
        60000.0 / max(mean, 1.0) / 5.0,
        1.0 / (1.0 + std * std),
    )
