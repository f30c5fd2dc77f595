"""The mouse: curved paths that start and stop softly, clicks, double clicks, drags, turns of the wheel."""

from collections.abc import Iterator
from random import Random

from lab.person.event import Event, around

WIDTH, HEIGHT = 1920, 1080
SAMPLE = 0.008


class _Hand:
    """Where the pointer is and what time it is."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.at = around(rng, 0.3, 0.5, 0.05, 2.0)
        self.x = rng.uniform(0, WIDTH)
        self.y = rng.uniform(0, HEIGHT)
        self.made = 0

    def event(self, what: str, **fields: str | int | float) -> Event:
        self.made += 1
        return Event(self.at, self.made, {"type": "mouse", "event": what, **fields})

    def rest(self, middle: float, spread: float = 0.5, low: float = 0.02, high: float = 30.0) -> None:
        self.at += around(self.rng, middle, spread, low, high)


def movements(seed: int) -> Iterator[Event]:
    """Endless work with the mouse."""
    hand = _Hand(Random(f"{seed}:mouse"))
    while True:
        yield from _move(hand)
        chance = hand.rng.random()
        if chance < 0.50:
            yield from _click(hand, "Left", 2 if hand.rng.random() < 0.2 else 1)
        elif chance < 0.56:
            yield from _click(hand, "Right", 1)
        elif chance < 0.58:
            yield from _click(hand, "Middle", 1)
        elif chance < 0.64:
            yield from _drag(hand)
        elif chance < 0.80:
            yield from _scroll(hand)
        hand.rest(6.0 if hand.rng.random() < 0.1 else 0.5, 0.6)


def _move(hand: _Hand) -> Iterator[Event]:
    """A path from here to somewhere: a bent line, slow at both ends, with a trembling hand."""
    rng = hand.rng
    x0, y0 = hand.x, hand.y
    x1, y1 = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
    bend = rng.uniform(-0.25, 0.25)
    xm, ym = (x0 + x1) / 2 - bend * (y1 - y0), (y0 + y1) / 2 + bend * (x1 - x0)
    distance = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    steps = max(4, int((0.15 + distance / 1800 * rng.uniform(0.8, 1.5)) / SAMPLE))
    for number in range(1, steps + 1):
        share = number / steps
        soft = share * share * share * (10 - 15 * share + 6 * share * share)
        left = 1 - soft
        hand.x = left * left * x0 + 2 * left * soft * xm + soft * soft * x1
        hand.y = left * left * y0 + 2 * left * soft * ym + soft * soft * y1
        hand.at += SAMPLE * rng.uniform(0.9, 1.15)
        x, y = (round(place + rng.uniform(-0.7, 0.7)) for place in (hand.x, hand.y))
        yield hand.event("move", x=x, y=y)


def _click(hand: _Hand, button: str, times: int) -> Iterator[Event]:
    hand.rest(0.15, 0.4)
    for _ in range(times):
        yield hand.event("press", button=button)
        hand.rest(0.085, 0.25, 0.02, 0.4)
        yield hand.event("release", button=button)
        hand.rest(0.11, 0.2, 0.04, 0.3)


def _drag(hand: _Hand) -> Iterator[Event]:
    hand.rest(0.15, 0.4)
    yield hand.event("press", button="Left")
    yield from _move(hand)
    hand.rest(0.1, 0.3)
    yield hand.event("release", button="Left")


def _scroll(hand: _Hand) -> Iterator[Event]:
    """Turns of the wheel; a few say no direction, as some devices do."""
    direction = 1 if hand.rng.random() < 0.3 else -1
    for _ in range(hand.rng.randint(2, 14)):
        hand.rest(0.07, 0.4, 0.01, 0.5)
        if hand.rng.random() < 0.05:
            yield hand.event("scroll")
        else:
            yield hand.event("scroll", scroll_delta=direction * (2 if hand.rng.random() < 0.1 else 1))
