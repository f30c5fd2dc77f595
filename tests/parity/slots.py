"""A producer that names keys by class and slot (contract, 3.1.1), so that what is typed is not on the bus."""

from __future__ import annotations

from collections import defaultdict

from .naive_typing import class_of


class Slots:
    """Names for the keys of one keyboard, in the order in which they go down and come up."""

    def __init__(self) -> None:
        self._held: dict[str, int] = {}  # the keys that are down, each with its slot
        self._taken: defaultdict[str, set[int]] = defaultdict(set)  # of each class

    def name(self, key: str, pressed: bool) -> str:
        """The name of the key's class and slot."""
        kind = class_of(key)
        slot = self._held[key] if key in self._held else self._lowest_free(kind)
        if pressed:
            self._held[key] = slot
            self._taken[kind].add(slot)
        else:
            self._held.pop(key, None)
            self._taken[kind].discard(slot)
        if slot == 1 and kind in ("space", "backspace"):
            return kind.capitalize()
        return f"{kind.capitalize()}({slot})"

    def _lowest_free(self, kind: str) -> int:
        slot = 1
        while slot in self._taken[kind]:
            slot += 1
        return slot
