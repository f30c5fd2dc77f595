"""Mouse features of one window, contract 3.2."""

from __future__ import annotations

import itertools
import math
from collections import Counter

from . import naive_stats as stats
from .naive_parse import Event

Features = dict[str, object]


def features(events: list[Event], window_us: int, seen: Counter[str]) -> Features:
    """`events` of one window in the order (ts, arrival); `window_us` is the length of the window."""
    window_s = window_us / 1e6
    moves = [event for event in events if event.event == "move"]
    seen["fewer than 3 moves"] += len(moves) < 3
    if len(moves) < 3:
        result: Features = {f"move_{i}": 0.0 for i in range(20)}
    else:
        result = movement(moves, window_s, seen)
    result.update(clicks(events, window_s, seen))
    result.update(scrolls([event for event in events if event.event == "scroll"], window_s, seen))
    return result


def distance(a: Event, b: Event) -> float:
    dx, dy = b.x - a.x, b.y - a.y
    return math.sqrt(dx * dx + dy * dy)


def movement(moves: list[Event], window_s: float, seen: Counter[str]) -> Features:
    n = len(moves)
    steps = list(itertools.pairwise(moves))
    dist = [distance(a, b) for a, b in steps]
    dt = [max((b.ts - a.ts) / 1e6, 0.001) for a, b in steps]
    v = [dist[k] / dt[k] for k in range(n - 1)]
    a = [(v[k + 1] - v[k]) / dt[k] for k in range(n - 2)]
    j = [(a[k + 1] - a[k]) / dt[k] for k in range(n - 3)]
    kept_v = [value for value in v if value < 10000]
    kept_a = [value for value in a if abs(value) < 100000]
    kept_j = [value for value in j if abs(value) < 1000000]
    theta = [math.atan2(b.y - a_.y, b.x - a_.x) for a_, b in steps]
    turns = []
    for k in range(n - 2):
        turn = abs(theta[k + 1] - theta[k])
        seen["turn folded into [0, pi]"] += turn > math.pi
        turns.append(2 * math.pi - turn if turn > math.pi else turn)
    abs_a = [abs(value) for value in kept_a]
    abs_j = [abs(value) for value in kept_j]
    length = stats.total(dist)
    straight = distance(moves[0], moves[-1])
    seen["dt below 1 ms raised"] += any(b.ts - a_.ts < 1000 for a_, b in steps)
    seen["dt of exactly 0.1 s"] += any(b.ts - a_.ts == 100_000 for a_, b in steps)
    seen["speed of exactly 10 000 px/s"] += 10000 in v
    seen["acceleration of exactly 100 000 px/s2"] += 100000 in map(abs, a)
    seen["jerk of exactly 1 000 000 px/s3"] += 1000000 in map(abs, j)
    seen["speed beyond the limit left out"] += len(kept_v) < len(v)
    seen["acceleration beyond the limit left out"] += len(kept_a) < len(a)
    seen["jerk beyond the limit left out"] += len(kept_j) < len(j)
    seen["path shorter than 1 px"] += length < 1
    seen["-0 as a coordinate matters"] += any(b.x - a_.x == 0 and math.copysign(1, b.x - a_.x) < 0 for a_, b in steps)
    values = [
        stats.mean(kept_v),
        stats.std(kept_v),
        stats.largest(kept_v),
        stats.median(kept_v),
        stats.mean(abs_a),
        stats.std(kept_a),
        stats.largest(abs_a),
        1 - straight / max(length, 1),
        stats.mean(turns),
        stats.std(turns),
        stats.mean(abs_j),
        stats.std(kept_j),
        length,
        straight,
        length / n,
        sum(value > 0.1 for value in dt) / len(dt),
        stats.mean(dt),
        stats.std(dt),
        straight / max(length, 1),
        n / window_s,
    ]
    return {f"move_{i}": value for i, value in enumerate(values)}


def clicks(events: list[Event], window_s: float, seen: Counter[str]) -> Features:
    presses: list[Event] = []
    durations: list[float] = []
    down: dict[str, int] = {}
    for event in events:
        if event.event not in ("press", "release"):
            continue
        if event.name not in ("Left", "Right", "Middle"):
            seen["a button that is none of the three"] += 1
        elif event.event == "press":
            seen["lost release: the button is restarted"] += event.name in down
            down[event.name] = event.ts
            presses.append(event)
        elif event.name in down:
            held = (event.ts - down.pop(event.name)) / 1000
            if 0 < held < 5000:
                durations.append(held)
            seen["click of exactly 5000 ms"] += held == 5000
            seen["click of exactly 0 ms"] += held == 0
        else:
            seen["release of a button that is up"] += 1
    between = [b.ts - a.ts for a, b in itertools.pairwise(presses)]
    seen["presses exactly 500 ms apart"] += 500_000 in between
    quick = sum(gap < 500_000 for gap in between)
    count = len(presses)
    left, right, middle = (sum(p.name == name for p in presses) for name in ("Left", "Right", "Middle"))
    values: list[object] = [
        stats.mean(durations),
        stats.std(durations),
        left,
        right,
        middle,
        left / max(count, 1),
        quick,
        quick / max(count, 1),
        count / window_s,
        stats.median(durations),
    ]
    return {f"click_{i}": value for i, value in enumerate(values)}


def scrolls(events: list[Event], window_s: float, seen: Counter[str]) -> Features:
    deltas = [event.delta for event in events if event.delta is not None]
    seen["scroll without a delta"] += len(deltas) < len(events)
    seen["scroll of zero"] += 0 in deltas
    between = [(b.ts - a.ts) / 1e6 for a, b in itertools.pairwise(events)]
    up = sum(delta > 0 for delta in deltas)
    values: list[object] = [
        stats.mean([abs(delta) for delta in deltas]),
        stats.std(deltas),
        up,
        sum(delta < 0 for delta in deltas),
        up / max(len(deltas), 1),
        len(events) / window_s,
        stats.mean(between),
        stats.std(between),
    ]
    return {f"scroll_{i}": value for i, value in enumerate(values)}
