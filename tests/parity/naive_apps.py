"""Transitions and patterns, contract 3.3, from the list of focuses in the order in which they are taken."""

from __future__ import annotations

import itertools
from bisect import insort
from collections import Counter

from .naive_parse import Event
from .naive_windows import Times, describe_arrival

OTHER = "(other)"
MAX_NAMES = 200
HOUR = 3_600_000_000
LATE_IN_A_ROW = 3

Row = dict[str, object]


def taken(
    events: list[Event], times: Times, limit: int, counters: dict[str, int], seen: Counter[str]
) -> list[list[Event]]:
    """For each session the events that are taken, in their order: each as soon as stream time is `lateness` past it."""
    result: list[list[Event]] = [[]]
    waiting: list[Event] = []  # by time, then by arrival
    before: list[Event] = []  # in the order of arrival, of this session
    stream_time = run = 0

    def take(now: int) -> None:
        while waiting and now >= waiting[0].ts + times.lateness:
            result[-1].append(waiting.pop(0))

    for event in events:
        last = result[-1][-1].ts if result[-1] else 0
        if event.ts < last:
            run += 1
            if run < LATE_IN_A_ROW:
                counters["late"] += 1
                seen["late event"] += 1
                seen["late by 1 us"] += event.ts == last - 1
                continue
            counters["sessions"] += 1
            seen["clock set back, a new session: apps"] += 1
            result[-1] += waiting
            result.append([])
            waiting.clear()
            before.clear()
            stream_time = 0
        elif run:
            seen["late run broken by an event on time"] += 1
            seen["late run one short of a session: apps"] += run == LATE_IN_A_ROW - 1
        run = 0
        if before:
            seen["in time by 1 us"] += event.ts == last
            seen["application put in order after its lateness"] += event.ts + times.lateness < stream_time
            describe_arrival(event, before, stream_time, times, seen)
        stream_time = max(stream_time, event.ts)
        before.append(event)
        take(stream_time)
        insort(waiting, event, key=lambda one: one.ts)
        if len(waiting) > limit:
            gone = waiting.pop(0)
            counters["dropped"] += 1
            seen["full buffer: the new event goes" if gone is event else "full buffer: an older event goes"] += 1
            seen["full buffer of 10 000 or more"] += limit >= 10_000
        take(stream_time)
    return [*result[:-1], result[-1] + waiting]


class Book:
    """Every gain of focus and every transition, each under the label that its app has by now."""

    def __init__(self, seen: Counter[str]) -> None:
        self.gains: list[list[object]] = []  # [label, hour]
        self.moves: list[list[object]] = []  # [label, label, µs]
        self.labels: list[str] = []  # in order of first appearance
        self.last_focus: dict[str, int] = {}  # kept name: number of its last gain
        self.unique = 0
        self.folded: set[str] = set()
        self.first_fold_for = ""
        self.seen = seen

    def gain(self, app: str, ts: int) -> None:
        if app == OTHER:
            self.seen["an app named (other)"] += 1
        elif app not in self.last_focus:
            self.unique += 1
            self.seen["folded app comes back"] += app in self.folded
        if app not in self.labels:
            self.labels.append(app)
        self.gains.append([app, ts // HOUR % 24])
        if app != OTHER:
            self.last_focus[app] = len(self.gains)

    def move(self, source: str, target: str, duration: int) -> None:
        self.moves.append([source, target, duration])

    def make_room(self, newcomer: str) -> None:
        """For the 201st name, the one not focused for longest becomes `(other)` in all that is written."""
        if newcomer == OTHER or newcomer in self.last_focus or len(self.last_focus) < MAX_NAMES:
            return
        oldest = min(self.last_focus, key=lambda name: self.last_focus[name])
        del self.last_focus[oldest]
        self.folded.add(oldest)
        self.labels.remove(oldest)
        if OTHER not in self.labels:
            self.first_fold_for = newcomer
            self.labels.append(OTHER)
        for entry in [*self.gains, *self.moves]:
            for place, label in enumerate(entry[:2]):
                if label == oldest:
                    entry[place] = OTHER
        self.seen["more than 200 apps: one folded"] += 1
        self.seen["(other) to (other) kept"] += any(move[:2] == [OTHER, OTHER] for move in self.moves)

    def patterns(self) -> Row:
        matrix: dict[str, dict[str, float]] = {}
        hours: dict[str, dict[str, float]] = {}
        average: dict[str, float] = {}
        outs: list[tuple[str, int]] = []
        for label in self.labels:
            gained = [hour for name, hour in self.gains if name == label]
            hours[label] = {str(hour): gained.count(hour) / len(gained) for hour in sorted(set(map(int_, gained)))}
            out = [move for move in self.moves if move[0] == label]
            if out:
                targets = [str(move[1]) for move in out]
                matrix[label] = {to: targets.count(to) / len(out) for to in targets}
                average[label] = sum(int_(move[2]) for move in out) / 1e6 / len(out)
                outs.append((label, len(out)))
        outs.sort(key=lambda pair: -pair[1])  # stable: ties stay in order of appearance
        counts = dict(outs[:10])
        self.seen["most used: (other) ties with the name that was one too many"] += OTHER in counts and counts[
            OTHER
        ] == counts.get(self.first_fold_for)
        self.seen["most used: more than 10 apps"] += len(outs) > 10
        self.seen["most used: rank decided by a tie"] += any(a[1] == b[1] for a, b in itertools.pairwise(outs))
        return {
            "transition_matrix": matrix,
            "time_preferences": hours,
            "usage_stats": {
                "most_used": [[name, count] for name, count in outs[:10]],
                "avg_durations": average,
                "total_transitions": len(self.moves),
                "unique_apps": self.unique,
            },
        }


def int_(value: object) -> int:
    assert isinstance(value, int)
    return value


def track(groups: list[list[Event]], dev_mode: bool, seen: Counter[str]) -> tuple[list[Row], Row]:
    """(transitions, patterns) without the fields that every output has."""
    rows: list[Row] = []
    book = Book(seen)
    last: int | None = None
    ever_dev = dev_mode
    for group in groups:
        current: Event | None = None
        for event in group:
            last = event.ts
            ever_dev = ever_dev or event.dev
            if current is not None and current.name == event.name:
                seen["focus repeated"] += 1
                seen["focus repeated in developer mode"] += event.dev and not current.dev
                continue
            book.make_room(event.name)
            book.gain(event.name, event.ts)
            if current is not None:
                duration = event.ts - current.ts
                book.move(current.name, event.name, duration)
                rows.append({"from_app": current.name, "to_app": event.name, "duration_ms": duration // 1000})
                rows[-1].update({"dev_mode": current.dev or event.dev or dev_mode, "ts": event.ts})
                seen["transition of no time"] += duration == 0
            current = event
    seen["patterns over several hours of the day"] += len({hour for _, hour in book.gains}) > 1
    return rows, {**book.patterns(), "dev_mode": ever_dev, "ts": last}
