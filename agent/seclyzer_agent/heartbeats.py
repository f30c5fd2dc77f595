"""What Redis has of the extractors, for their checks: asked for all of them in one round trip for a round of checks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from .model import Unreadable
from .redis_client import Redis

ROUND = 0.5  # s in which the checks of a round are read


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An extractor's stats hash as names and values in turn, and the lengths of its stream and of its list."""

    fields: list[str]
    stream_length: int
    list_length: int


class Heartbeats:
    """The heartbeats of these kinds. Each answer is given once: who asks again gets a new one."""

    def __init__(self, client: Redis, kinds: tuple[str, ...]) -> None:
        self._client, self._kinds = client, kinds
        self._answers: dict[str, list[Any]] = {}
        self._asked = 0.0

    async def read(self, kind: str) -> Heartbeat:
        """What Redis has of this kind. Raises Unreadable, also while it can be read of others."""
        answers = self._answers.pop(kind, None)
        if answers is None or time.monotonic() - self._asked > ROUND:
            answers = await self._ask(kind)
        for answer in answers:
            if isinstance(answer, Unreadable):
                raise answer
        return Heartbeat(*answers)

    async def _ask(self, kind: str) -> list[Any]:
        """The answers of this kind; those of the others are kept."""
        commands = [command for one in self._kinds for command in _commands(one)]
        asked = time.monotonic()
        answers = iter(await self._client.each(*commands))
        found = {one: [next(answers) for _ in _commands(one)] for one in self._kinds}
        self._answers, self._asked = found, asked
        return found.pop(kind)


def _commands(kind: str) -> tuple[tuple[str, str], ...]:
    return (
        ("HGETALL", f"seclyzer:stats:{kind}"),
        ("XLEN", f"seclyzer:stream:{kind}"),
        ("LLEN", f"seclyzer:features:{kind}"),
    )
