"""The load: 1000 events a second, 850 of the mouse, 145 of the keyboard, 5 of applications, the same every time."""

import math
import random
from collections.abc import Iterator

RATES = {"mouse": 850, "keystroke": 145, "app": 5}
SECOND = 1_000_000
WINDOW, INTERVAL, LATENESS = 30 * SECOND, 5 * SECOND, 250_000  # the extractors' defaults, µs

KEYS = [f"Key{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"] + ["Space", "Space", "Backspace", "ShiftLeft"]
APPS = ["editor", "browser", "terminal", "mail", "chat", "player"]
CYCLE = 4096  # choices are drawn once and gone round


def _drawn() -> tuple[list[str], list[bytes]]:
    """The keys that are hit, and what the mouse does, without `ts`."""
    rng = random.Random(1)
    keys: list[str] = []
    while len(keys) < CYCLE:
        key = rng.choice(KEYS)
        if key not in keys[-3:]:  # it may be down still
            keys.append(key)
    mouse = []
    for i in range(CYCLE):
        x, y = 960 + 700 * math.sin(i / 97) + rng.random(), 540 + 400 * math.sin(i / 61) + rng.random()
        text = f'"event":"move","x":{x:.1f},"y":{y:.1f}'
        if i % 128 in (0, 1):
            text = f'"event":"{"release" if i % 2 else "press"}","button":"Left"'
        elif i % 128 == 64:
            text = f'"event":"scroll","scroll_delta":{rng.choice([1, -1])}'
        mouse.append(text.encode())
    return keys, mouse


_KEYS, _MOUSE = _drawn()


def message(kind: str, i: int, ts: int) -> bytes:
    """The i-th event of a kind, at `ts` µs."""
    if kind == "mouse":
        return b'{"type":"mouse","ts":%d,%b}' % (ts, _MOUSE[i % CYCLE])
    if kind == "keystroke":  # a press and its release, again and again
        what = "release" if i % 2 else "press"
        return b'{"type":"keystroke","ts":%d,"key":"%b","event":"%b"}' % (
            ts,
            _KEYS[i // 2 % CYCLE].encode(),
            what.encode(),
        )
    return b'{"type":"app","ts":%d,"app_name":"%b","event":"focus"}' % (ts, APPS[i * i % 7 % len(APPS)].encode())


def events(kind: str, count: int, end: int, pace: float = 1.0) -> Iterator[bytes]:
    """`count` messages of a kind at its rate times `pace`, the last one at `end`."""
    gap = SECOND / (RATES[kind] * pace)
    for i in range(count):
        yield message(kind, i, end - round((count - 1 - i) * gap))


def typing(windows: int, keys_in_window: int, end: int) -> list[bytes]:
    """A person who types: messages for so many windows, each with so many keys pressed, all released by `end`.

    No two ways between keys take equally long, and one in three keys is pressed before the last one is up, as with
    people: equal times would be another matter for whoever sorts them.
    """
    rng = random.Random(2)
    gap = WINDOW // keys_in_window
    count = keys_in_window * INTERVAL // WINDOW * windows
    events = []
    for i in range(count):
        pressed = end - 1 - round((count - i - rng.uniform(0.1, 0.9)) * gap)
        released = min(end, pressed + round(gap * min(2.0, rng.lognormvariate(-0.3, 0.4))))
        events += [(pressed, 2 * i), (released, 2 * i + 1)]
    return [message("keystroke", i, ts) for ts, i in sorted(events)]


def last_end(now: int) -> int:
    """The last window's end that a load up to a little after it closes, µs."""
    return now // INTERVAL * INTERVAL


def closing(end: int) -> int:
    """The `ts` of the last event of a load that closes the window that ends at `end`."""
    return end + LATENESS + 50_000
