"""The keystroke features of schema 2, contract 3.1: by class of key, rollover, trigraphs, logarithms.

It goes through the events once more by itself, so that nothing is shared with the features of schema 1.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from math import log, sqrt

from . import naive_stats as stats
from .naive_parse import Event

LEFT, RIGHT = set("QWERTASDFGZXCVB"), set("YUIOPHJKLNM")
CLASSES = ("left", "right", "space", "backspace", "shift", "other")
SLOT = re.compile(r"(Left|Right|Space)\([1-9][0-9]{0,8}\)", re.ASCII)
SMALL = {chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)}
PAIRS = (
    ("left", "left"), ("left", "right"), ("right", "left"), ("right", "right"), ("left", "space"), ("right", "space"),
    ("space", "left"), ("space", "right"), ("backspace", "backspace"), ("shift", "left"), ("shift", "right"),
)  # fmt: skip


@functools.cache
def class_of(name: str) -> str:
    """The first class that fits a key's name."""
    plain = "".join(SMALL.get(one, one) for one in name)
    for blank in "_-. ":
        plain = plain.replace(blank, "")
    if "backspace" in plain or "delete" in plain:
        return "backspace"
    if "Shift" in name or "shift" in name:
        return "shift"
    if name in ("Space", "space", " "):
        return "space"
    if SLOT.fullmatch(name):
        return name[: name.index("(")].lower()
    for letter in LEFT | RIGHT:
        if name in (f"Key{letter}", letter, SMALL[letter]):
            return "left" if letter in LEFT else "right"
    return "other"


@dataclass
class Press:
    """A key goes down: when, its last press or repeat, when it came up, and whether the one pressed before was down."""

    ts: int
    key: str
    over_another: bool
    again: int
    released: int | None = None

    @property
    def kind(self) -> str:
        return class_of(self.key)


def presses_of(events: list[Event]) -> tuple[list[Press], list[tuple[Press, Press]]]:
    """The presses in order; and for each release of a key that was down its press, and the latest press of any key."""
    presses: list[Press] = []
    releases: list[tuple[Press, Press]] = []
    down: dict[str, Press] = {}
    for event in events:
        if event.event == "release":
            if event.name in down:
                press = down.pop(event.name)
                press.released = event.ts
                releases.append((press, presses[-1]))
        elif event.name in down and event.ts - down[event.name].again < 1_000_000:
            down[event.name].again = event.ts
        else:
            before = presses[-1] if presses else None
            is_over = before is not None and before.key != event.name and down.get(before.key) is before
            presses.append(Press(event.ts, event.name, is_over, event.ts))
            down[event.name] = presses[-1]
    return presses, releases


def of_people(events: list[Event], seen: Counter[str]) -> dict[str, object]:
    """All features of schema 2 of one window's events, in order."""
    presses, releases = presses_of(events)
    held = [(press.kind, (press.released - press.ts) / 1000) for press, _ in releases if press.released is not None]
    held = [(kind, ms) for kind, ms in held if 0 < ms < 1000]
    overlaps: list[float] = []
    for press, latest in releases:
        assert press.released is not None
        overlap = (press.released - latest.ts) / 1000
        if press.released - press.ts < 1_000_000 and latest.key != press.key and overlap > 0:
            overlaps.append(overlap)
    steps = [(a.kind, b.kind, (b.ts - a.ts) / 1000) for a, b in itertools.pairwise(presses)]
    short = [(a, b, ms) for a, b, ms in steps if 0 < ms < 1500]
    seen["press gap of exactly 1500 ms"] += any(ms == 1500 for _, _, ms in steps)
    threes = [(b.ts - a.ts) / 1000 for a, b in zip(presses, presses[2:], strict=False)]
    seen["trigraph of exactly 2000 ms"] += 2000 in threes
    threes = [ms for ms in threes if 0 < ms < 2000]
    gaps = [ms for _, _, ms in short]
    gaps_us = [b.ts - a.ts for a, b in itertools.pairwise(presses) if 0 < b.ts - a.ts < 1_500_000]
    logs = [log(ms) for ms in gaps]
    count = len(presses)
    seen["a rollover's overlap"] += bool(overlaps)
    seen["11 logarithms or more"] += len(logs) >= 11
    for kind in CLASSES:
        seen[f"a key of class {kind}"] += any(press.kind == kind for press in presses)
    seen["a key by class and slot"] += any(SLOT.fullmatch(press.key) is not None for press in presses)

    def dwells(kind: str) -> list[float]:
        return [ms for one, ms in held if one == kind]

    result: dict[str, object] = {
        "dwell_q10": stats.quantile([ms for _, ms in held], 0.1),
        "dwell_q90": stats.quantile([ms for _, ms in held], 0.9),
        "gap_q05": stats.quantile(gaps, 0.05),
        "gap_q10": stats.quantile(gaps, 0.1),
        "gap_q25": stats.quantile(gaps, 0.25),
        "gap_median": stats.median(gaps),
        "gap_q75": stats.quantile(gaps, 0.75),
        "gap_q90": stats.quantile(gaps, 0.9),
    }
    for kind in CLASSES:
        result[f"dwell_{kind}_median"] = stats.median(enough(2, dwells(kind)))
    for kind in ("left", "right", "space"):
        result[f"dwell_{kind}_std"] = stats.std(enough(4, dwells(kind)))
    for kind in CLASSES:
        result[f"share_{kind}"] = sum(press.kind == kind for press in presses) / max(count, 1)
    result["rollover_rate"] = sum(press.over_another for press in presses) / max(count - 1, 1)
    result["rollover_overlap"] = stats.median(enough(2, overlaps))
    for first, second in PAIRS:
        between = [ms for a, b, ms in short if (a, b) == (first, second)]
        result[f"gap_{first}_{second}_median"] = stats.median(enough(2, between))
    result["trigraph_q25"] = stats.quantile(threes, 0.25)
    result["trigraph_median"] = stats.median(threes)
    result["trigraph_q75"] = stats.quantile(threes, 0.75)
    result["gap_log_std"] = stats.std(enough(4, logs))
    even = len(gaps_us) >= 11 and (are_even(gaps_us[:-1]) or are_even(gaps_us[1:]))
    seen["11 gaps or more that are even"] += even
    result["gap_log_autocorrelation"] = 0.0 if even else autocorrelation(enough(11, logs))
    return result


def are_even(gaps_us: list[int]) -> bool:
    """Whether the longest and the shortest differ by less than 1 ms."""
    return max(gaps_us) - min(gaps_us) < 1000


def enough(count: int, values: list[float]) -> list[float]:
    """The values, or none when there are fewer than so many."""
    return values if len(values) >= count else []


def autocorrelation(values: list[float]) -> float:
    """Of each value with the next one; 0.0 when that would be divided by 0."""
    x, y = values[:-1], values[1:]
    mean_x, mean_y = stats.mean(x), stats.mean(y)
    xy = stats.total([(a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)])
    xx = stats.total([(a - mean_x) * (a - mean_x) for a in x])
    yy = stats.total([(b - mean_y) * (b - mean_y) for b in y])
    divisor = sqrt(xx * yy)
    return xy / divisor if divisor else 0.0
