"""Answers are kept for a moment, so that many clients cost hardly more than one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

MOMENT = 0.2  # s
MOST_QUERIES = 4  # with a query of their own, made in a moment; those without are few anyway


class TooMany(Exception):
    """Too many different questions in this moment."""


@dataclass(frozen=True, slots=True)
class Body:
    """The status, body and Content-Type of an answer."""

    status: int
    data: bytes
    kind: str


class Cache:
    """The answers of this moment, by what was asked: a page, and its query if it has one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moment = -1
        self._made: dict[tuple[str, str], Body] = {}

    def get(self, page: str, query: str, make: Callable[[], Body]) -> Body:
        """The answer, made at most once in a moment. Raises TooMany."""
        moment = int(self._clock() / MOMENT)
        if moment != self._moment:
            self._moment = moment
            self._made.clear()
        found = self._made.get((page, query))
        if found is None:
            if query and sum(bool(asked) for _, asked in self._made) >= MOST_QUERIES:
                raise TooMany
            found = self._made[page, query] = make()
        return found
