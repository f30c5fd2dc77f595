"""What a person does, as events: typing, moving the mouse, switching applications.

Each function gives `count` or so events in true order as `(ts in µs, tokens)`; `ts` is not in the tokens yet.
A `Temper` says how often each disturbance is meant to happen; it differs from stream to stream, so that some
streams are calm in all but one thing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .messages import Tokens, quoted

Timed = tuple[int, Tokens]

KEYS = [
    "KeyA",
    "KeyE",
    "KeyT",
    "KeyH",
    "Space",
    "Backspace",
    "Delete",
    "ShiftLeft",
    "Unknown(94)",
    "a",
    "\u00e9",
    "\U0001f600",
]
RARE_KEYS = [
    "ForwardDelete",
    "BackSpace",
    "Key.backspace",
    "KEY_DELETE",
    "b_A-c.k sPACE",
    "Back\u00a0Space",
    "\uff22ackspace",
    "k" * 64,
    "\U0001f600" * 64,
    'q"uote',
    "back\\slash",
    "sl/ash",
    "nu\u0000ll",
]
BY_SLOT = ["Left(1)", "Left(2)", "Right(1)", "Right(12)", "Space", "Space(2)", "Backspace", "Shift(1)", "Other(1)"]
NO_SLOTS = [
    "Left(0)",
    "Left(01)",
    "Right(1234567890)",
    "Right(1",
    "Space()",
    "space(1)",
    "Left(\u0661)",
    "Keya",
    "KEYA",
]
LETTERS = ["KeyY", "q", "P", "KeyJ", "b", "N", " ", "space", "leftshift", "Key.shift_r", "SHIFT"]
LIMITS_MS = [1000, 2000, 5000, 500, 100, 1500]
# Moves as (µs since the last, x, y): 10 000 px/s; 100 000 px/s² up and down; 1 000 000 px/s³; each exactly.
AT_THE_LIMITS = [
    [(50_000, 0, 0), (1_000, 10, 0)],
    [(50_000, 0, 0), (1_000, 0, 0), (100_000, 10, 0)],
    [(50_000, 0, 0), (1_000_000, 600, 800), (10_000, 600, 800)],
    [(50_000, 0, 0), (1_000, 0, 0), (1_000, 0, 0), (1_000_000, 1, 0)],
]


@dataclass(frozen=True)
class Temper:
    """Chances from 0 to 1 of what disturbs a stream."""

    repeat: float
    lost_release: float
    lost_press: float
    rollover: float
    exact: float
    gap: float
    hours: float
    edge: float
    wild: float
    dev: float

    @staticmethod
    def drawn(rng: random.Random) -> Temper:
        def chance(often: float) -> float:
            return rng.choice([0.0, often / 5, often, often * 2])

        return Temper(
            repeat=chance(0.06), lost_release=chance(0.06), lost_press=chance(0.06), rollover=chance(0.3),
            exact=chance(0.06), gap=chance(0.01), hours=chance(0.002), edge=chance(0.06), wild=chance(0.1),
            dev=rng.choice([0.0, 0.0, 0.01, 0.3]),
        )  # fmt: skip


def pause(rng: random.Random, temper: Temper, usual_us: int, grain: int) -> int:
    """The time to the next thing, in µs, in steps of `grain`."""
    if rng.random() < temper.hours:
        return rng.randrange(1, 72) * 3_600_000_000 + rng.randrange(1_000_000)
    if rng.random() < temper.gap:
        return rng.randrange(2_000_000, 80_000_000)
    if rng.random() < temper.exact:
        return rng.choice(LIMITS_MS) * 1000 + rng.choice([0, 0, 0, -1, 1])
    if rng.random() < temper.wild:
        return rng.choice([0, 0, 1, 500, 999, 1000])
    return int(rng.expovariate(1 / usual_us)) // grain * grain


def typing(rng: random.Random, temper: Temper, count: int, start: int) -> list[Timed]:
    """Keys pressed and released, with rollover, auto-repeat and lost halves."""
    keys = rng.sample(KEYS, rng.randint(1, len(KEYS)))
    if rng.random() < 0.2:
        keys += rng.sample(RARE_KEYS, 3)
    if rng.random() < 0.3:
        keys += rng.sample(LETTERS, 5)
    if rng.random() < 0.2:
        keys = rng.sample(BY_SLOT, 6) + rng.sample(NO_SLOTS, rng.choice([0, 0, 1, 3]))
    grain = rng.choice([1, 1, 1000, 15_625])
    pace = rng.choice([60_000, 60_000, 180_000, 180_000, 600_000, 600_000, 500])
    out: list[Timed] = []
    now = start

    def add(ts: int, key: str, event: str) -> None:
        out.append((ts, {"type": '"keystroke"', "key": quoted(key), "event": quoted(event)}))

    if rng.random() < 0.15:  # as a macro types: evenly, or nearly so; a rest comes after it
        gap, jitter = rng.randrange(10_000, 200_000), rng.choice([0, 0, 0, 450])
        for _ in range(rng.randint(12, 25)):
            key, pressed = rng.choice(keys), now + rng.randint(0, jitter)
            add(pressed, key, "press")
            add(pressed + gap // 2, key, "release")
            now += gap
        now += 60_000_000
    while len(out) < count:
        key = rng.choice(keys)
        if pace != 500 and rng.random() < temper.exact / 3:  # three presses, the third at a limit from the first
            for after in (0, rng.randrange(1, 1_999_000), 2_000_000 + rng.choice([0, 0, -1, 1])):
                add(now + after, rng.choice(keys), "press")
            now += 2_500_000
        held = rng.choice(LIMITS_MS) * 1000 if rng.random() < temper.exact else rng.randrange(20_000, 160_000)
        held = rng.randrange(1_500) if pace == 500 else held // grain * grain
        if rng.random() >= temper.lost_press:
            add(now, key, "press")
        if rng.random() < temper.repeat:
            at = now
            for _ in range(rng.randint(1, 12)):
                at += (
                    1_000_000 + rng.choice([-1, 0, 1])
                    if rng.random() < temper.exact
                    else rng.randrange(20_000, 600_000)
                )
                add(at, key, "press")
            held = at - now + held
        if rng.random() >= temper.lost_release:
            add(now + held, key, "release")
        step = pause(rng, temper, pace, grain)
        now += step if rng.random() < temper.rollover else held + step
    return sorted(out, key=lambda timed: timed[0])


def number(rng: random.Random, value: float) -> str:
    """A number written in one of the ways JSON allows."""
    if value == int(value) and rng.random() < 0.7:
        return str(int(value))
    return rng.choice([repr(value), f"{value:.3f}", f"{value:e}", f"{value:.17E}"])


def pointing(rng: random.Random, temper: Temper, count: int, start: int) -> list[Timed]:
    """Moves with clicks and scrolls between them."""
    grain = rng.choice([1, 1, 1000])
    fractional = rng.random() < 0.3
    moves = rng.choice([0.0, 0.3, 0.9, 0.98])
    out: list[Timed] = []
    now, x, y = start, rng.uniform(-500, 3000), rng.uniform(-500, 2000)
    step = rng.choice([9.0, 9.0, 200.0, 0.001])
    if step < 1:  # a hand that rests on the mouse
        fractional, x, y = True, 0.0, 0.0

    def add(ts: int, event: str, **fields: str) -> None:
        out.append((ts, {"type": '"mouse"', "event": quoted(event), **fields}))

    while len(out) < count:
        now += pause(rng, temper, rng.choice([8_000, 12_000, 60_000]), grain)
        if rng.random() < temper.exact / 3:
            for wait, x, y in rng.choice(AT_THE_LIMITS):
                now += wait
                add(now, "move", x=str(x), y=str(y))
        draw = rng.random()
        if draw < moves:
            if rng.random() < temper.wild:
                far = (rng.uniform(-1e6, 1e6), rng.uniform(-1e6, 1e6))
                x, y = rng.choice([(x, y), (0.0, 0.0)] + ([far, (1e6, -1e6)] if step > 1 else []))
            else:
                x, y = x + rng.gauss(0, step), y + rng.gauss(0, step)
            x, y = min(max(x, -1e6), 1e6), min(max(y, -1e6), 1e6)
            at = (x, y) if fractional else (round(x), round(y))
            tokens = [
                rng.choice(["-0", "-0.0", "0", "-0e3", "0.0"]) if rng.random() < temper.wild else number(rng, value)
                for value in at
            ]
            add(now, "move", x=tokens[0], y=tokens[1])
        elif draw < (1 + moves) / 2:
            button = rng.choice(["Left", "Left", "Right", "Middle", "Unknown(8)", "left"])
            held = (
                rng.choice([0, 500_000, 5_000_000]) if rng.random() < temper.exact else rng.randrange(20_000, 300_000)
            )
            if rng.random() >= temper.lost_press:
                add(now, "press", button=quoted(button))
            if rng.random() >= temper.lost_release:
                add(now + held, "release", button=quoted(button))
            if rng.random() < temper.exact:  # a double click at the limit
                add(now + 500_000 + rng.choice([-1, 0, 1]), "press", button=quoted(button))
        elif rng.random() < 0.2:
            add(now, "scroll", **rng.choice([{}, {"scroll_delta": "null"}]))
        else:
            add(now, "scroll", scroll_delta=rng.choice(["1", "-1", "1", "-1.5", "0", "-0.0", "0.1", "3e0", "-1E6"]))
    return sorted(out, key=lambda timed: timed[0])


def names(rng: random.Random) -> list[str]:
    """The applications of one stream: a few, or more than are kept."""
    plain = [f"app {i}" for i in range(rng.choice([2, 3, 5, 15, 15, 230, 260]))]
    if rng.random() < 0.5:
        plain += ["(other)"]
    if rng.random() < 0.5:
        plain += [
            "\u00dcber \u7a97",
            "\U0001f600" * 256,
            "a/b",
            'q"uote',
            "back\\slash",
            "tab\t",
            "nu\u0000ll",
            "a,b=c d",
            "(other) ",
        ]
        plain += ["\u2028", "\ufeff", "n" * 256, "line\nfeed"]
    rng.shuffle(plain)
    return plain


def full_house(rng: random.Random) -> list[str]:
    """200 names, then one or two more that come and go about as often as the one that is folded did."""
    often = rng.randint(2, 4)
    order = ["old", "app 1"] * often + [f"app {i}" for i in range(2, 200)]
    order += ["new", "app 1"] * max(often + rng.choice([0, 0, 1, -1]), 1)
    return order + ["newer", "app 1"] * rng.choice([0, 0, 1, often])


def switching(rng: random.Random, temper: Temper, count: int, start: int) -> list[Timed]:
    """Focus on one application after another; with many names each comes at least once."""
    apps = names(rng)
    order = list(apps) if len(apps) > 200 else []
    if order:
        order += [rng.choice(apps) for _ in range(60)]
    order += [rng.choice(apps) for _ in range(max(count - len(order), 0))]
    now = start
    out: list[Timed] = []
    for app in order:
        tokens: Tokens = {"type": '"app"', "app_name": quoted(app)}
        if rng.random() < 0.5:
            tokens["event"] = '"focus"'
        if rng.random() < 0.3:
            tokens["window_class"] = rng.choice(['""', '"Browser"', quoted("w" * 300)])
        out.append((now, tokens))
        now += pause(rng, temper, rng.choice([300_000, 3_000_000, 60_000_000]), rng.choice([1, 1000]))
    return out


SCENES = {"keystroke": typing, "mouse": pointing, "app": switching}
