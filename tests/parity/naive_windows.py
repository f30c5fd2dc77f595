"""Sessions, lateness, buffers and windows, contract section 2, as definitions over the whole stream.

Times are integer µs. Nothing is simulated step by step: for each window end the moment of its closing is looked
up, and its content follows from which events had come by then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from .naive_parse import Event

LATE_IN_A_ROW = 20


@dataclass(frozen=True)
class Times:
    window: int
    interval: int
    lateness: int

    def ends(self, ts: int) -> list[int]:
        """All window ends whose window holds an event at `ts`, earliest first."""
        end = -(-ts // self.interval) * self.interval
        result = []
        while end - self.window < ts:
            result.append(end)
            end += self.interval
        return result

    def closed(self, end: int, stream_time: int) -> bool:
        return stream_time > end + self.lateness


@dataclass(frozen=True)
class Window:
    end: int
    events: list[Event]
    emitted: bool


def fits_only_closed(ts: int, stream_time: int, times: Times) -> bool:
    return times.closed(times.ends(ts)[-1], stream_time)


def missed_some(ts: int, stream_time: int, times: Times) -> bool:
    return times.closed(times.ends(ts)[0], stream_time)


def sessions(events: list[Event], times: Times, counters: dict[str, int], seen: Counter[str]) -> list[list[Event]]:
    """The events in order of arrival, cut where a clock was set back, without the late ones."""
    result: list[list[Event]] = []
    current: list[Event] = []
    stream_time = 0
    run = 0
    for event in events:
        if current and fits_only_closed(event.ts, stream_time, times):
            run += 1
            if run < LATE_IN_A_ROW:
                counters["late"] += 1
                seen["late by 1 us"] += not fits_only_closed(event.ts + 1, stream_time, times)
                seen["late event"] += 1
                continue
            counters["sessions"] += 1
            seen["clock set back, a new session: keys, mouse"] += 1
            result.append(current)
            current = []
        elif run:
            seen["late run broken by an event on time"] += 1
            seen["late run one short of a session: keys, mouse"] += run == LATE_IN_A_ROW - 1
        run = 0
        if current:
            is_behind = missed_some(event.ts, stream_time, times)
            counters["behind"] += is_behind
            seen["behind by 1 us"] += is_behind and not missed_some(event.ts + 1, stream_time, times)
            seen["in time by 1 us"] += event.ts < stream_time and fits_only_closed(event.ts - 1, stream_time, times)
            describe_arrival(event, current, stream_time, times, seen)
        stream_time = max(stream_time, event.ts) if current else event.ts
        current.append(event)
    return [*result, current] if current else result


def describe_arrival(event: Event, before: list[Event], stream_time: int, times: Times, seen: Counter[str]) -> None:
    """Counts what is special about the time of an event that is on time."""
    seen["equal timestamps"] += event.ts == before[-1].ts
    seen["disorder within what is open"] += event.ts < stream_time
    seen["idle gap or clock jump of an hour or more"] += event.ts - stream_time >= 3_600_000_000
    seen["idle gap longer than a window"] += event.ts - stream_time > times.window
    seen["event exactly at a window's end"] += event.ts % times.interval == 0
    seen["event 1 us after a window's end"] += event.ts % times.interval == 1
    seen["event exactly at end - window"] += (event.ts + times.window) % times.interval == 0
    if event.ts > stream_time:
        seen["stream time exactly end + lateness"] += (event.ts - times.lateness) % times.interval == 0
        seen["stream time 1 us past end + lateness"] += (event.ts - times.lateness) % times.interval == 1


def running_tops(session: list[Event]) -> list[int]:
    """Stream time after each event of a session."""
    tops: list[int] = []
    for event in session:
        tops.append(max(event.ts, tops[-1]) if tops else event.ts)
    return tops


def dropped(
    session: list[Event], usable_at: dict[int, int], limit: int, counters: dict[str, int], seen: Counter[str]
) -> dict[int, int]:
    """{index of an event: index of the arrival at which the full buffer lost it}.

    `usable_at[j]` is the first arrival at which event j is of no more use (its windows are closed, or it is taken).
    """
    gone: dict[int, int] = {}
    for i in range(limit, len(session)):
        held = [j for j in range(i + 1) if j not in gone and usable_at[j] > i]
        if len(held) > limit:
            loser = min(held, key=lambda j: (session[j].ts, j))
            gone[loser] = i
            counters["dropped"] += 1
            seen["full buffer: the new event goes" if loser == i else "full buffer: an older event goes"] += 1
            seen["full buffer of 10 000 or more"] += limit >= 10_000
    return gone


def windows(
    session: list[Event], times: Times, minimum: int, limit: int, counters: dict[str, int], seen: Counter[str]
) -> list[Window]:
    """The closed windows of one session that hold something, in order."""
    tops = running_tops(session)
    count = len(session)

    def closing(end: int) -> int:
        """The first arrival that closes this window; the end of the session when none does."""
        return bisect_left(tops, True, key=lambda top: times.closed(end, top))

    usable = {j: closing(times.ends(session[j].ts)[-1]) for j in range(count)}
    gone = dropped(session, usable, limit, counters, seen)
    holds: dict[int, list[int]] = {}
    for j in range(count):
        for end in times.ends(session[j].ts):
            holds.setdefault(end, []).append(j)
    result = []
    for end in sorted(holds):
        closes = closing(end)
        members = [j for j in holds[end] if j < closes and gone.get(j, count) >= closes]
        seen["event too late for one window, in time for the next"] += sum(j >= closes for j in holds[end])
        seen["window closed by the end of a session or of the input"] += closes == count and bool(members)
        if not members:
            continue
        events = [session[j] for j in sorted(members, key=lambda j: (session[j].ts, j))]
        fresh = any(end - times.interval < event.ts for event in events)
        if len(events) < minimum:
            counters["windows_short"] += 1
            seen["short window"] += 1
            seen["short window, one event too few"] += len(events) == minimum - 1
        elif not fresh:
            seen["full window with nothing in its last interval: not emitted"] += 1
        seen["window with exactly the minimum"] += len(events) == minimum and fresh
        result.append(Window(end, events, fresh and len(events) >= minimum))
    return result
