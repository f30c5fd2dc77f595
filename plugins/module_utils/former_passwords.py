"""Passwords of Redis that were replaced and are still valid, until their rotation is finished: kept as hashes.

Root's file beside the users' rules has a line for each, `user TAB sha256 TAB since`. It is written before anything else
of a rotation, so that a run that ends half-way leaves both passwords valid, and the next knows which is the former.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LINE = re.compile(r"([A-Za-z0-9_-]+)\t([0-9a-f]{64})\t([0-9]{1,12})")
Formers = Mapping[str, "Former"]


@dataclass(frozen=True)
class Former:
    """A password that was replaced, and the Unix second from which there is another."""

    sha256: str
    since: int


def sha256(password: str) -> str:
    """As Redis keeps it."""
    return hashlib.sha256(password.encode()).hexdigest()


def parse(text: str) -> dict[str, Former]:
    """By user. A line that is none counts as none: its password ends."""
    found = (LINE.fullmatch(line) for line in text.splitlines())
    return {line[1]: Former(line[2], int(line[3])) for line in found if line}


def render(formers: Formers) -> str:
    """The file's text."""
    return "".join(f"{user}\t{one.sha256}\t{one.since}\n" for user, one in sorted(formers.items()))


def is_open(formers: Formers, user: str, stored: str | None) -> bool:
    """Whether a user has two passwords already: the one in its file, and another that is still valid."""
    return stored is not None and user in formers and formers[user].sha256 != sha256(stored)


def after(
    formers: Formers, stored: Mapping[str, str | None], fresh: Iterable[str], ended: Iterable[str], now: float
) -> dict[str, Former]:
    """The former passwords once those of `fresh` are replaced and those of `ended` are not valid any more."""
    left = {user: one for user, one in formers.items() if user in stored and is_open(formers, user, stored[user])}
    left |= {user: Former(sha256(old), int(now)) for user in fresh if (old := stored[user]) is not None}
    return {user: one for user, one in left.items() if user not in set(ended)}


def age_limit(former: Former, now: float | None = None) -> float:
    """Seconds: a connection that is older logged in by the former password. Redis counts in whole seconds."""
    return (time.time() if now is None else now) - former.since - 1
