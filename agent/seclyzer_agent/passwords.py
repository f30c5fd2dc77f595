"""Users and their passwords, as `web.yml` has them, checked so that guesses do not take the processor.

A password that was checked once is known from then on. An unknown one is hashed in a thread, one at a time, with a
rest after each that keeps all guesses together to 5 % of a processor; who comes while others wait is sent away. A
user that is not there takes as long as one that is.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from functools import cache

from . import bcrypt_hash
from .loop_thread import LoopThread

MOST_WAITING = 4
MOST_KNOWN = 128
REST = 19  # times as long as the hash took


class Busy(Exception):
    """Others wait for their passwords to be checked."""


class Passwords:
    """The users of one `web.yml`. `matches` is bcrypt."""

    def __init__(self, users: Mapping[str, str], matches: Callable[[str, str], bool] = bcrypt_hash.matches) -> None:
        self._users, self._matches = dict(users), matches
        costs = [bcrypt_hash.cost_of(hashed) or 0 for hashed in users.values()]
        self._unmatched = bcrypt_hash.unmatched(max(costs, default=10))
        self._key = os.urandom(32)
        self._known: dict[bool, dict[bytes, None]] = {True: {}, False: {}}
        self._one, self._waiting, self._rested = asyncio.Lock(), 0, 0.0

    def known(self, user: str, password: str) -> bool | None:
        """Whether it is the user's password; None when it has to be checked."""
        mark = self._mark(user, password)
        return True if mark in self._known[True] else False if mark in self._known[False] else None

    async def check(self, user: str, password: str) -> bool:
        """Whether it is the user's password. Raises Busy."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with self._one:
                known = self.known(user, password)  # who waited before may have asked the same
                return await self._checked(user, password) if known is None else known
        finally:
            self._waiting -= 1

    async def _checked(self, user: str, password: str) -> bool:
        await asyncio.sleep(max(0.0, self._rested - time.monotonic()))
        good, took = await _thread().run(lambda: self._hashed(user, password))
        self._rested = time.monotonic() + REST * took
        marks = self._known[good]
        marks[self._mark(user, password)] = None
        if len(marks) > MOST_KNOWN:
            del marks[next(iter(marks))]
        return good

    def _hashed(self, user: str, password: str) -> tuple[bool, float]:
        """Whether it is good, and how many s of a processor that took."""
        began = time.thread_time()
        good = self._matches(password, self._users.get(user, self._unmatched)) and user in self._users
        return good, time.thread_time() - began

    def _mark(self, user: str, password: str) -> bytes:
        """What is kept in the place of a password."""
        text = f"{len(user)}:{user}{password}"
        return hmac.digest(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256)


@cache
def _thread() -> LoopThread:
    """The thread that hashes, for every `web.yml` that there was."""
    return LoopThread("passwords")
