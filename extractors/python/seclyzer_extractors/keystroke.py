"""The keystroke features of one window: its events in, 48 features and their counts out. Pure.

Times are integer µs and become ms as float64 (difference / 1000) where they enter a list.
"""

from collections.abc import Sequence

from . import stats
from .event import Key

REPEAT_US = 1_000_000  # a press of a key that is down is auto-repeat within this time of its last one
MAX_DWELL_US = 1_000_000
MAX_FLIGHT_US = 2_000_000
MAX_DIGRAPH_US = 2_000_000
MAX_GAP_US = 5_000_000
DIGRAPHS = 20

Value = float | int | bool | str
Press = tuple[int, str]  # ts, key


def features(events: Sequence[Key], window_us: int, dev_mode: bool) -> tuple[Value, ...]:
    """The values in the schema's order. `events` are ordered; `dev_mode` is the process's own."""
    presses, dwells, flights = _timings(events)
    return (
        *stats.eight(dwells),
        *stats.eight(flights),
        *_digraphs(presses),
        *_corrections(presses),
        *_rhythm(_gaps_ms(presses, MAX_GAP_US)),
        len(dwells),
        len(flights),
        len(presses),
        dev_mode or any(event.dev_mode for event in events),
    )


def _timings(events: Sequence[Key]) -> tuple[list[Press], list[float], list[float]]:
    """The presses without auto-repeat, the dwell times and the flight times (ms)."""
    presses: list[Press] = []
    dwells: list[float] = []
    flights: list[float] = []
    pressed_at: dict[str, int] = {}  # the keys that are down
    repeated_at: dict[str, int] = {}  # their last press or repeat
    released_at: int | None = None
    for event in events:
        ts, key = event.ts, event.key
        if not event.pressed:
            released_at = ts
            down_since = pressed_at.pop(key, None)
            if down_since is not None and 0 < ts - down_since < MAX_DWELL_US:
                dwells.append((ts - down_since) / 1000)
            continue
        repeat = key in pressed_at and ts - repeated_at[key] < REPEAT_US
        repeated_at[key] = ts
        if repeat:
            continue
        pressed_at[key] = ts
        presses.append((ts, key))
        if released_at is not None and 0 < ts - released_at < MAX_FLIGHT_US:
            flights.append((ts - released_at) / 1000)
    return presses, dwells, flights


def _gaps_ms(presses: Sequence[Press], limit_us: int) -> list[float]:
    gaps = []
    for k in range(1, len(presses)):
        gap = presses[k][0] - presses[k - 1][0]
        if 0 < gap < limit_us:
            gaps.append(gap / 1000)
    return gaps


def _digraphs(presses: Sequence[Press]) -> list[float]:
    """Mean gaps of the 20 most frequent pairs of keys, ties by first appearance; missing ranks are 0.0."""
    gaps_of: dict[tuple[str, str], list[float]] = {}
    for k in range(1, len(presses)):
        gap = presses[k][0] - presses[k - 1][0]
        if 0 < gap < MAX_DIGRAPH_US:
            gaps_of.setdefault((presses[k - 1][1], presses[k][1]), []).append(gap / 1000)
    ranked = sorted(gaps_of.values(), key=len, reverse=True)[:DIGRAPHS]  # stable, also when reversed
    return [stats.mean(gaps) for gaps in ranked] + [0.0] * (DIGRAPHS - len(ranked))


def _corrections(presses: Sequence[Press]) -> tuple[Value, ...]:
    total = len(presses)
    deleting = 0
    for _, key in presses:
        if "Backspace" in key or "Delete" in key:
            deleting += 1
    kept = total - deleting
    return deleting, deleting / max(total, 1), deleting / max(kept, 1), kept / max(total, 1)


def _rhythm(gaps: Sequence[float]) -> tuple[float, ...]:
    """Consistency, burst and pause frequency, burst and pause mean, variation, speed, stability."""
    if not gaps:
        return (0.0,) * 8
    mean, std, median = stats.mean(gaps), stats.std(gaps), stats.median(gaps)
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
