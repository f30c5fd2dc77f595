"""Seeded streams of messages with everything in them that goes wrong in the field.

`stream(seed, number)` is a pure function of its arguments. It counts what it put in by itself (`injected`) and
what it means each message to be (`meant`); what that did to windows and features is counted by the oracle.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from dataclasses import dataclass, field

from . import messages
from .messages import IGNORED, ODD, Tokens, broken_cases, escaped_values, write
from .people import SCENES, Temper, Timed, full_house
from .settings import Settings

HOUR = 3_600_000_000
MONTH_ENDS = [(1, 1), (2, 28), (2, 28), (3, 1), (3, 1), (3, 2), (5, 1), (8, 1), (12, 31)]  # just before their midnight
KINDS = ("keystroke", "mouse", "app")
MAX_TS = 253402300799999999
# Streams that fill the real default buffers; they are large, so a few are enough.
CROWDED = 45  # every so many streams one is undisturbed, but for its 201st name
LARGE = {7: ("keystroke", 10_160), 11: ("mouse", 50_030), 13: ("app", 10_060)}

LARGE_EFFECT = "full buffer of 10 000 or more"

SETTINGS = [
    "an interval that does not divide the window",
    "lateness of 0",
    "lateness longer than the window",
    "minimum of 1",
    "minimum of 50",
    "buffer of one event",
    "seconds that are no binary fraction",
    "developer mode of the process",
]

ARRIVAL = [
    "lines end in CRLF",
    "line without an end of line",
    "empty line",
    "no event at all",
    "arrival moved by a little",
    "arrival far too late",
    "clock set back in the source",
    "some events in a row far too late",
    "time moved onto an edge",
    "ts of 1",
    "a month's or year's end",
    "the largest ts there is",
    "dev_mode given",
    "name beyond ASCII",
    "negative coordinate",
    "fractional coordinate",
    "minus zero",
]


@dataclass
class Stream:
    """One input file and how to replay it."""

    seed: str
    number: int
    settings: Settings
    lines: list[bytes] = field(default_factory=list)  # with their line endings
    injected: Counter[str] = field(default_factory=Counter)
    meant: Counter[str] = field(default_factory=Counter)

    @property
    def raw(self) -> bytes:
        return b"".join(self.lines)


def drawn_settings(rng: random.Random, kind: str) -> Settings:
    """Mostly the contract's numbers with a small minimum, sometimes anything that is allowed."""
    minimum = 1 if kind == "app" else rng.choice([1, 2, 3, 5, 10, 10, 20, 50])
    buffer = rng.choice([0, 0, 0, 0, 1, 2, 7, 20, 60])
    dev = rng.random() < 0.05
    if rng.random() < 0.4:
        return Settings(kind, min_events=minimum, buffer_events=buffer, dev_mode=dev)
    window, interval = rng.choice(
        [
            (30_000, 5_000),
            (10_000, 5_000),
            (5_000, 5_000),
            (7_000, 3_000),
            (4_035, 1_007),
            (29_999, 4_999),
            (1_000, 250),
            (1, 1),
        ]
    )
    if window == 1:
        window, interval = rng.randint(1, 40), 1
        interval = rng.randint(max(1, window // 40), window)
    lateness = rng.choice([0, 1, 250, 250, 999, 5_000, 12_345])
    return Settings(kind, window, interval, lateness, minimum, buffer, dev)


def describe_settings(settings: Settings, out: Counter[str]) -> None:
    out["an interval that does not divide the window"] += settings.window_ms % settings.interval_ms != 0
    out["lateness of 0"] += settings.lateness_ms == 0
    out["lateness longer than the window"] += settings.lateness_ms > settings.window_ms
    out["minimum of 1"] += settings.min_events == 1
    out["minimum of 50"] += settings.min_events == 50
    out["buffer of one event"] += settings.buffer_events == 1
    out["seconds that are no binary fraction"] += settings.window_ms % 125 != 0
    out["developer mode of the process"] += settings.dev_mode


def describe_event(tokens: Tokens, out: Counter[str]) -> None:
    out["dev_mode given"] += "dev_mode" in tokens
    out["the largest ts there is"] += tokens["ts"] == str(MAX_TS)
    out["name beyond ASCII"] += not "".join(tokens.values()).isascii()
    for token in (tokens.get("x", ""), tokens.get("y", "")):
        out["negative coordinate"] += token.startswith("-") and float(token) < 0
        out["fractional coordinate"] += token != "" and not float(token).is_integer()
        out["minus zero"] += token.startswith("-") and float(token) == 0


def onto_edges(
    rng: random.Random, events: list[Timed], settings: Settings, chance: float, out: Counter[str]
) -> list[Timed]:
    """Moves some times onto the edges of windows and of lateness; the order of times stays."""
    interval, window, lateness = (ms * 1000 for ms in (settings.interval_ms, settings.window_ms, settings.lateness_ms))
    result = []
    for ts, tokens in events:
        if rng.random() < chance:
            end = -(-ts // interval) * interval
            ts = rng.choice([end, end + 1, end - 1, end - window, end - window + 1, end + lateness, end + lateness + 1])
            out["time moved onto an edge"] += 1
        result.append((max(ts, 1), tokens))
    return sorted(result, key=lambda timed: timed[0])


def arrivals(rng: random.Random, events: list[Timed], settings: Settings, out: Counter[str]) -> list[Timed]:
    """The order in which the events come: some overtaken, some far too late, the clock set back."""
    little = rng.choice([0.0, 0.0, 0.05, 0.3])
    much = rng.choice([0.0, 0.0, 0.01, 0.03])
    reach = rng.choice([10_000, settings.lateness_ms * 1000, settings.window_ms * 500])
    keyed = []
    for place, (ts, tokens) in enumerate(events):
        comes = ts
        if rng.random() < little:
            comes += rng.randrange(reach + 1)
            out["arrival moved by a little"] += 1
        elif rng.random() < much:
            comes += rng.randrange(settings.window_ms * 4000 + 1)
            out["arrival far too late"] += 1
        keyed.append((comes, place, ts, tokens))
    keyed.sort(key=lambda entry: entry[:2])
    result = [(ts, tokens) for _, _, ts, tokens in keyed]
    offset = 0
    shifted = []
    set_back = rng.choice([0.0, 0.0, 0.004, 0.02])
    for ts, tokens in result:
        if rng.random() < set_back:
            offset -= rng.choice([settings.interval_ms * 1000, settings.window_ms * 2000, 60_000_000, HOUR, 24 * HOUR])
            offset = rng.choice([offset, offset, 0])
            out["clock set back in the source"] += 1
        shifted.append((min(max(ts + offset, 1), MAX_TS), tokens))
    shifted = onto_lateness(rng, shifted, settings, rng.choice([0.0, 0.02, 0.1]))
    if shifted and rng.random() < 0.2:
        out["some events in a row far too late"] += 1
        first, length = rng.randrange(len(shifted)), rng.choice([2, 3, 18, 19, 19, 20, 21])
        for place in range(first, min(first + length, len(shifted))):
            ts, tokens = shifted[place]
            shifted[place] = (max(ts - rng.choice([10, 20]) * HOUR, 1), tokens)
    return shifted


def onto_lateness(rng: random.Random, events: list[Timed], settings: Settings, chance: float) -> list[Timed]:
    """Moves some events to the last time that is late by then, or 1 µs past it."""
    interval, window, lateness = (ms * 1000 for ms in (settings.interval_ms, settings.window_ms, settings.lateness_ms))
    result: list[Timed] = []
    top = 0
    for ts, tokens in events:
        if top and rng.random() < chance:
            closed = (top - lateness - 1) // interval * interval
            last_late = closed + interval - window
            if settings.kind == "app":
                last_late = max((one for one, _ in result if one <= top - lateness), default=1) - 1
            elif rng.random() < 0.2:
                last_late = closed  # of the first of its windows
            ts = min(max(last_late + rng.choice([0, 1]), 1), MAX_TS)
        top = max(top, ts)
        result.append((ts, tokens))
    return result


def start(rng: random.Random, settings: Settings, out: Counter[str]) -> int:
    draw = rng.random()
    if draw < 0.02:
        out["ts of 1"] += 1
        return 1
    if draw < 0.07:
        return MAX_TS - rng.randrange(30_000_000)
    if draw < 0.17:
        out["a month's or year's end"] += 1
        year, month, day = rng.choice([1972, 1999, 2000, 2023, 2024, 2100, 2400, 9999]), *rng.choice(MONTH_ENDS)
        last = datetime.datetime(year, month, day, tzinfo=datetime.UTC) - datetime.timedelta(seconds=rng.randrange(40))
        return int(last.timestamp()) * 1_000_000 + rng.choice([0, 1, 999_999])
    return rng.randrange(1_000_000_000, 2_500_000_000) * 1_000_000 + rng.choice([0, 1, rng.randrange(1_000_000)])


def noise(rng: random.Random, stream: Stream, tokens: Tokens) -> bytes:
    """A message that is no event of this stream's kind; `tokens` is a valid event to start from."""
    draw = rng.random()
    if draw < 0.15:
        stream.injected[IGNORED] += 1
        stream.meant["ignored"] += 1
        return messages.ignored(rng, tokens)
    if draw < 0.3:
        stream.injected[messages.FOREIGN] += 1
        stream.meant["foreign"] += 1
        kind = rng.choice([kind for kind in KINDS if kind != stream.settings.kind])
        return write(foreign(rng, kind, tokens["ts"]))
    if draw < 0.5:
        stream.injected["message with random changes"] += 1
        stream.meant["anything"] += 1
        return messages.mutated(rng, write(tokens))
    if rng.random() < 0.2:  # other extractors' broken messages count too
        tokens = foreign(rng, rng.choice(KINDS), tokens["ts"])
    return broken(rng, stream, tokens, rng.choice(sorted(broken_cases(tokens))))


def broken(rng: random.Random, stream: Stream, tokens: Tokens, name: str) -> bytes:
    """A message broken in the way of this name."""
    message = broken_cases(tokens)[name](rng, tokens)
    if b"\n" in message:  # it would be two lines
        name, message = "4097 bytes", messages.padded({key: tokens[key] for key in ("type", "ts")}, 4097)
    stream.injected[f"malformed: {name}"] += 1
    stream.meant["malformed"] += 1
    return message


def foreign(rng: random.Random, kind: str, ts: str) -> Tokens:
    calm = Temper(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    made = [tokens for _, tokens in SCENES[kind](rng, calm, 4, 0)]
    return {**rng.choice(made), "ts": ts}


def fitting(rng: random.Random, name: str, ts: str) -> Tokens:
    """An event that can be broken in the way of this name."""
    while True:
        tokens = foreign(rng, rng.choice(KINDS), ts)
        if name in broken_cases(tokens):
            return tokens


def oddly(rng: random.Random, stream: Stream, tokens: Tokens) -> bytes:
    """A valid event, written in a way that is allowed and unusual."""
    name = rng.choice(sorted(ODD))
    made = ODD[name](rng, tokens)
    message = made if isinstance(made, bytes) else write(made)
    if len(message) > 4096 or b"\n" in message:
        return write(tokens)
    stream.injected[f"valid: {name}"] += 1
    return message


def line(rng: random.Random, message: bytes, crlf: bool) -> bytes:
    return message + (b"\r\n" if crlf else b"\n")


def stream(seed: str, number: int) -> Stream:
    """Stream `number` of the run with this seed."""
    rng = random.Random(f"{seed}:{number}")
    if number in LARGE:
        return large(rng, seed, number)
    if number % CROWDED == CROWDED - 1:
        return crowded(rng, seed, number)
    kind = KINDS[number % 3]
    settings = drawn_settings(rng, kind)
    result = Stream(seed, number, settings)
    out = result.injected
    describe_settings(settings, out)
    temper = Temper.drawn(rng)
    count = rng.choice([0, 3, 40, 120, 120, 250, 400]) * (2 if kind == "mouse" else 1)
    first = start(rng, settings, out)
    events = SCENES[kind](rng, temper, count, first) if count else []
    events = [(min(ts, MAX_TS), tokens) for ts, tokens in events]
    events = arrivals(rng, onto_edges(rng, events, settings, temper.edge, out), settings, out)
    noisy = rng.choice([0.0, 0.02, 0.1])
    odd = rng.choice([0.0, 0.05, 0.5])
    crlf = rng.choice([0.0, 0.0, 0.5, 1.0])
    empty = rng.choice([0.0, 0.0, 0.05])

    def end(message: bytes) -> None:
        ends_crlf = rng.random() < crlf
        out["lines end in CRLF"] += ends_crlf
        result.lines.append(line(rng, message, ends_crlf))

    out["no event at all"] += not events
    turn = messages.ALL_BROKEN[number % len(messages.ALL_BROKEN)]  # so that no fault is ever left out
    end(broken(rng, result, fitting(rng, turn, str(max(first, 1))), turn))
    for ts, tokens in events:
        while rng.random() < empty:
            out["empty line"] += 1
            end(b"")
        event = {**tokens, "ts": str(ts)}
        while rng.random() < noisy:
            end(noise(rng, result, event))
        if rng.random() < temper.dev:
            event["dev_mode"] = rng.choice(["true", "true", "false"])
        describe_event(event, out)
        result.meant["valid"] += 1
        event = escaped_values(rng, event) if b"\n" in write(event) else event
        end(oddly(rng, result, event) if rng.random() < odd else write(event))
    if result.lines and rng.random() < 0.3:
        last = result.lines[-1].rstrip(b"\r\n")
        if last:
            result.lines[-1] = last
            out["line without an end of line"] += 1
    return result


def large(rng: random.Random, seed: str, number: int) -> Stream:
    """More events within the open windows than the default buffer holds."""
    kind, count = LARGE[number]
    lateness = 20_000 if kind == "app" else 250
    result = Stream(seed, number, Settings(kind, lateness_ms=lateness))
    now = 1_700_000_000_000_000
    tokens: Tokens
    for i in range(count):
        now += rng.randrange(1, 2 * 14_000_000 // count)
        ts = str(now - rng.randrange(14_000_000) if i > count - 40 and rng.random() < 0.3 else now)
        if kind == "keystroke":
            tokens = {"type": '"keystroke"', "key": quoted_key(rng), "event": rng.choice(['"press"', '"release"'])}
        elif kind == "mouse":
            tokens = {"type": '"mouse"', "event": '"move"', "x": str(rng.randrange(9)), "y": str(rng.randrange(9))}
        else:
            tokens = {"type": '"app"', "app_name": f'"app {rng.randrange(20)}"'}
        result.lines.append(write({**tokens, "ts": ts}) + b"\n")
        result.meant["valid"] += 1
    return result


def crowded(rng: random.Random, seed: str, number: int) -> Stream:
    """200 names are kept, and one or two more come."""
    result = Stream(seed, number, Settings("app", dev_mode=rng.random() < 0.5))
    now = start(rng, result.settings, result.injected)
    for app in full_house(rng):
        now = min(now + rng.randrange(2_000_000), MAX_TS)
        result.lines.append(write({"type": '"app"', "app_name": f'"{app}"', "ts": str(now)}) + b"\n")
        result.meant["valid"] += 1
    return result


def quoted_key(rng: random.Random) -> str:
    return f'"Key{rng.choice("ABCDEF")}"'
