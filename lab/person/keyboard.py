"""Typing: words in bursts, rollover, pauses to think, mistakes put right, a key held until it repeats."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from lab.person.event import Event, around

TEXT = """
the of and to in is it for on that with as this be are from or by not have an was at but you which all
can will there one if their out we more when time about other new some very just work like then now over
also only people know after first well way even want because any good these give day most us
"""
WORDS = TEXT.split()
REACH = {"q": 1.4, "z": 1.5, "x": 1.4, "p": 1.2, "y": 1.2, "b": 1.3, "e": 0.85, "t": 0.85, "a": 0.9}
MISTAKE = 0.04
HELD = 0.01
REPEAT_DELAY, REPEAT = 0.5, 0.033


@dataclass
class _Hands:
    """When the next key goes down, and the events not yet given out because an earlier one may still come."""

    at: float
    waiting: list[Event] = field(default_factory=list)
    made: int = 0
    up: dict[str, float] = field(default_factory=dict)

    def add(self, at: float, key: str, what: str) -> None:
        self.waiting.append(Event(at, self.made, {"type": "keystroke", "key": key, "event": what}))
        self.made += 1

    def take(self) -> list[Event]:
        """Everything before the next press, in order."""
        self.waiting.sort()
        ready = [event for event in self.waiting if event.at < self.at]
        del self.waiting[: len(ready)]
        return ready


def keystrokes(seed: int) -> Iterator[Event]:
    """Endless typing."""
    rng = Random(f"{seed}:keystroke")
    hands = _Hands(around(rng, 0.4, 0.5, 0.05, 2.0))
    while True:
        for key, pause in _sentence(rng):
            for struck in _struck(rng, key):
                _strike(rng, hands, struck)
                yield from hands.take()
            hands.at += pause
            yield from hands.take()


def _sentence(rng: Random) -> Iterator[tuple[str, float]]:
    """Keys, each with the extra pause after it."""
    length = rng.randint(4, 14)
    for number in range(length):
        word = rng.choice(WORDS)
        for place, letter in enumerate(word):
            yield ("+" if number == 0 and place == 0 else "") + f"Key{letter.upper()}", 0.0
        if number < length - 1:
            yield "Space", around(rng, 0.5, 0.6, 0.1, 4.0) if rng.random() < 0.12 else 0.0
    yield "Period", around(rng, 0.3, 0.4, 0.05, 1.0)
    thinks = rng.random() < 0.15
    yield ("Return" if thinks else "Space"), around(rng, 9.0 if thinks else 1.2, 0.5, 0.3, 40.0)


def _struck(rng: Random, key: str) -> list[str]:
    """The keys really struck for this one: sometimes a wrong one and Backspace before it."""
    if key.startswith("Key") and rng.random() < MISTAKE:
        wrong = "Key" + rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return [wrong, "Backspace", key]
    return [key]


def _strike(rng: Random, hands: _Hands, key: str) -> None:
    """Press and release one key and leave the hands at the next press, which may come before the release."""
    shift = key.startswith("+")
    key = key.removeprefix("+")
    if shift:
        hands.add(hands.at, "ShiftLeft", "press")
        hands.at += around(rng, 0.09, 0.3, 0.03, 0.3)
    pressed = hands.at = max(hands.at, hands.up.get(key, 0.0) + 0.012)  # the same finger must come up first
    dwell = around(rng, 0.095, 0.28, 0.03, 0.35)
    if rng.random() < {"Backspace": 0.2, "Space": HELD}.get(key, 0.0):
        dwell = REPEAT_DELAY + rng.uniform(0.05, 0.4)
        repeats = int((dwell - REPEAT_DELAY) / REPEAT)
        for number in range(repeats + 1):
            hands.add(pressed + REPEAT_DELAY + number * REPEAT, key, "press")
    hands.add(pressed, key, "press")
    hands.add(pressed + dwell, key, "release")
    hands.up[key] = pressed + dwell
    if shift:
        hands.add(pressed + dwell + 0.02, "ShiftLeft", "release")
    gap = around(rng, 0.14 * REACH.get(key[-1:].lower(), 1.0), 0.35, 0.045, 1.2)
    if key == "Backspace":
        gap += around(rng, 0.15, 0.4, 0.03, 0.8)
    hands.at = pressed + max(gap, dwell + 0.01 if dwell > REPEAT_DELAY else 0.0)
