"""Passwords of `web.yml`: hashed once, bounded in number and in those that wait, known by every prefix of bcrypt."""

from __future__ import annotations

import asyncio
import threading

import pytest
from web_access import HASHED, PASSWORD, USERS

from seclyzer_agent import bcrypt_hash
from seclyzer_agent.passwords import MOST_KNOWN, MOST_WAITING, Busy, Passwords


def test_a_password_is_hashed_once_and_a_stranger_costs_as_much_as_a_user() -> None:
    asked: list[str] = []

    def matches(password: str, hashed: str) -> bool:
        asked.append(hashed)
        return password == PASSWORD

    async def main() -> None:
        found = Passwords({"a": HASHED.replace("$04$", "$05$"), "b": HASHED}, matches)
        assert found.known("a", PASSWORD) is None
        assert [await found.check("a", PASSWORD) for _ in range(3)] == [True] * 3
        assert found.known("a", PASSWORD) is True and len(asked) == 1
        assert await found.check("stranger", PASSWORD) is False
        assert asked[-1].startswith("$2b$05$")
        assert [await found.check("b", "wrong") for _ in range(3)] == [False] * 3
        assert len(asked) == 3
        for n in range(MOST_KNOWN + 1):
            await found.check("b", f"wrong {n}")
        assert found.known("b", "wrong") is None and found.known("a", PASSWORD) is True

    asyncio.run(main())


def test_who_comes_while_many_wait_is_sent_away() -> None:
    go = threading.Event()

    async def main() -> None:
        found = Passwords(USERS, lambda *_: go.wait())
        waiting = [asyncio.create_task(found.check("prometheus", str(n))) for n in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await found.check("prometheus", "one more")
        go.set()
        assert await asyncio.gather(*waiting) == [True] * MOST_WAITING

    asyncio.run(main())


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_of_every_prefix_is_known_and_nothing_else_matches(prefix: str) -> None:
    hashed = HASHED.replace("$2b$", prefix)
    assert bcrypt_hash.matches(PASSWORD, hashed)
    for password in ("", PASSWORD + "x", PASSWORD[:-1], "\0", PASSWORD + "\0", "é", "\udcff"):
        assert not bcrypt_hash.matches(password, hashed), password
    assert not bcrypt_hash.matches(PASSWORD, bcrypt_hash.unmatched(4))
    assert [bcrypt_hash.cost_of(text) for text in (hashed, "", "$1$x", hashed + "=", hashed + "\n")] == [4] + [None] * 4
