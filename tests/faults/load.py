"""A made-up load: what a person, or many, could do, as events with their times. The standard library only.

The probes of molecule's tests read it by a link, since they run on hosts without the project.
"""

import json
import random
from collections.abc import Mapping
from typing import Any

RATES = {"mouse": 850, "keystroke": 145, "app": 5}
DISORDER = 0.01
DISORDER_US = 40_000
SECRET = "SECRETx"


class Load:
    """Made-up events; what they say depends on the seed alone, when they happen on the clock."""

    def __init__(self, seed: int, rates: Mapping[str, int] = RATES) -> None:
        self._random, self._rates = random.Random(seed), rates
        self._x = self._y = 500.0
        self._down: list[str] = []
        self._button = False
        self._app = ""

    def fields(self, kind: str) -> dict[str, Any]:
        """One more event of this kind, without its time."""
        return {"mouse": self._mouse, "keystroke": self._keystroke, "app": self._focus}[kind]()

    def _mouse(self) -> dict[str, Any]:
        luck = self._random.random()
        if luck < 0.96:
            self._x += self._random.randrange(-9, 12)
            self._y += self._random.randrange(-7, 8)
            return {"event": "move", "x": self._x, "y": self._y}
        if luck < 0.98:
            self._button = not self._button
            return {"event": "press" if self._button else "release", "button": "Left"}
        return {"event": "scroll", "scroll_delta": self._random.choice([1, -1, 0.5])}

    def _keystroke(self) -> dict[str, Any]:
        if self._down and (len(self._down) > 3 or self._random.random() < 0.5):
            key = self._down.pop(self._random.randrange(len(self._down)))
            return {"event": "release", "key": key}
        name = self._random.choice([*"ABCDEFGHIJKLMNOP", "Backspace"])
        key = f"Key{name}{SECRET}"
        self._down.append(key)
        return {"event": "press", "key": key}

    def _focus(self) -> dict[str, Any]:
        if self._random.random() < 0.8:  # else it is sent again
            self._app = f"app {self._random.randrange(12)} {SECRET}"
        return {"event": "focus", "app_name": self._app or f"app 0 {SECRET}"}

    def due(self, since_us: int, until_us: int) -> list[tuple[int, str, bytes]]:
        """The events of (since, until]: time, kind, message; in the order in which they are sent."""
        made = []
        for kind, rate in self._rates.items():
            first, last = since_us * rate // 1_000_000, until_us * rate // 1_000_000
            made += [((number * 1_000_000) // rate, kind) for number in range(first + 1, last + 1)]
        sent = []
        for ts, kind in sorted(made):
            if self._random.random() < DISORDER:
                ts -= self._random.randrange(DISORDER_US)
            sent.append((ts, kind, json.dumps({"type": kind, **self.fields(kind), "ts": ts}).encode()))
        return sent
