"""Keystroke features of one window, contract 3.1."""

from __future__ import annotations

import itertools
from collections import Counter

from . import naive_stats as stats
from .naive_parse import Event
from .naive_typing import of_people

Features = dict[str, object]


def corrects(name: str) -> bool:
    """The name says backspace or delete, in letters A to Z of any case and with `_`, `-`, `.` and blanks anywhere."""
    letters = "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in name if one not in "_-. ")
    return "backspace" in letters or "delete" in letters


def features(events: list[Event], window_us: int, seen: Counter[str]) -> Features:
    """`events` of one window in the order (ts, arrival)."""
    presses: list[Event] = []
    dwell: list[float] = []
    flight: list[float] = []
    down: dict[str, tuple[int, int]] = {}  # key: (when it was pressed, its last press or repeat)
    released: int | None = None
    for event in events:
        if event.event == "press":
            if event.name in down:
                pressed, again = down[event.name]
                if event.ts - again < 1_000_000:
                    down[event.name] = (pressed, event.ts)
                    seen["auto-repeat ignored"] += 1
                    continue
                seen["lost release: the key is restarted"] += 1
                seen["press exactly 1 s after the last repeat"] += event.ts - again == 1_000_000
            elif down:
                seen["rollover"] += 1
            down[event.name] = (event.ts, event.ts)
            presses.append(event)
            if released is not None:
                gap = (event.ts - released) / 1000
                if 0 < gap < 2000:
                    flight.append(gap)
                seen["flight of exactly 2000 ms"] += gap == 2000
                seen["flight of exactly 0 ms"] += gap == 0
        else:
            if event.name in down:
                held = (event.ts - down.pop(event.name)[0]) / 1000
                if 0 < held < 1000:
                    dwell.append(held)
                seen["dwell of exactly 1000 ms"] += held == 1000
                seen["dwell of exactly 0 ms"] += held == 0
            else:
                seen["lost press: release of a key that is up"] += 1
            released = event.ts
    result: Features = {**stats.eight("dwell", dwell), **stats.eight("flight", flight)}
    result.update(digraphs(presses, seen))
    corrections = sum(corrects(press.name) for press in presses)
    seen["a correction key"] += corrections > 0
    seen["a correction key under another spelling"] += any(
        corrects(press.name) and "Backspace" not in press.name and "Delete" not in press.name for press in presses
    )
    count = len(presses)
    result["backspace_count"] = corrections
    result["backspace_frequency"] = corrections / max(count, 1)
    result["correction_rate"] = corrections / max(count - corrections, 1)
    result["clean_typing_ratio"] = (count - corrections) / max(count, 1)
    result.update(rhythm(presses, seen))
    result["dwell_count"] = len(dwell)
    result["flight_count"] = len(flight)
    result["total_keys"] = count
    result.update(of_people(events, seen))
    return result


def gaps(presses: list[Event]) -> list[tuple[str, str, float]]:
    """(key, next key, ms between their presses) of consecutive presses."""
    return [(a.name, b.name, (b.ts - a.ts) / 1000) for a, b in itertools.pairwise(presses)]


def digraphs(presses: list[Event], seen: Counter[str]) -> Features:
    pairs: dict[tuple[str, str], list[float]] = {}
    for first, second, gap in gaps(presses):
        if 0 < gap < 2000:
            pairs.setdefault((first, second), []).append(gap)
        seen["digraph gap of exactly 2000 ms"] += gap == 2000
    ranked = sorted(pairs.values(), key=len, reverse=True)  # stable: ties stay in order of appearance
    seen["more than 20 digraphs"] += len(ranked) > 20
    seen["digraph rank decided by a tie"] += len(ranked) > 1 and len(ranked[0]) == len(ranked[1])
    return {f"digraph_{i}_mean": stats.mean(ranked[i]) if i < len(ranked) else 0.0 for i in range(20)}


def rhythm(presses: list[Event], seen: Counter[str]) -> Features:
    g = [gap for _, _, gap in gaps(presses) if 0 < gap < 5000]
    seen["press gap of exactly 5000 ms"] += any(gap == 5000 for _, _, gap in gaps(presses))
    seen["no press gap at all"] += not g
    m, s, middle = stats.mean(g), stats.std(g), stats.median(g)
    bursts = [gap for gap in g if gap < middle]
    pauses = [gap for gap in g if gap >= middle]
    some = bool(g)
    seen["mean press gap below 1 ms"] += some and m < 1
    seen["mean press gap of 1 to 2 ms"] += 1 < m < 2
    return {
        "rhythm_consistency": 1 - s / max(m, 1) if some else 0.0,
        "burst_frequency": len(bursts) / len(g) if some else 0.0,
        "pause_frequency": len(pauses) / len(g) if some else 0.0,
        "avg_burst_speed": stats.mean(bursts),
        "avg_pause_duration": stats.mean(pauses),
        "rhythm_variation": s,
        "typing_speed_wpm": 60000 / max(m, 1) / 5 if some else 0.0,
        "rhythm_stability": 1 / (1 + s * s) if some else 0.0,
    }
