"""The connection to Redis, for a few commands every 5 s. `hiredis` packs and parses; errors are words, no secrets."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import hiredis

from .model import Refused, Unreadable
from .per_loop import PerLoop

TRIES: Counter[str] = Counter()
"""How often the agent itself has made Redis refuse it on purpose, by the word of the error it expects."""

ANSWERED: Counter[str] = Counter()
"""To how many of these tries Redis has answered."""

PIECE = 65536
NO_ANSWER = "Redis does not answer"
CLOSED = "Redis cannot be reached: the connection was closed"
WRONG_PASSWORD = ("WRONGPASS", "NOAUTH")


class _Closed(Exception):
    """The connection ended before the answer."""


class Redis:
    """One connection, made with the first command and kept; a command that finds it closed makes it anew once.

    `deadline` (s) bounds the wait for each answer. All raise Unreadable; one caller at a time has the connection.
    """

    def __init__(self, url: str, username: str | None, password: str | None, deadline: float) -> None:
        place, login = urlsplit(url), ("AUTH", username, password or "") if username else None
        self._connection = PerLoop(lambda: _Connection(place, login, deadline))

    async def call(self, *command: str) -> Any:
        """The answer to a command."""
        return (await self.pipeline(command))[0]

    async def pipeline(self, *commands: tuple[str, ...]) -> list[Any]:
        """The answers to some commands, sent together."""
        answers = await self.each(*commands)
        for answer in answers:
            if isinstance(answer, Unreadable):
                raise answer
        return answers

    async def each(self, *commands: tuple[str, ...]) -> list[Any]:
        """The answers to some commands, sent together; for one that Redis refuses, its Unreadable."""
        return await self._connection.here().each(*commands)

    async def info(self, *sections: str) -> Info:
        """What INFO has in these sections."""
        return Info(str(await self.call("INFO", *sections)))

    async def aclose(self) -> None:
        """Close the connection."""
        if (connection := self._connection.last()) is not None:
            connection.drop()


class _Connection:
    """The connection of one event loop."""

    def __init__(self, place: SplitResult, login: tuple[str, str, str] | None, deadline: float) -> None:
        self._place, self._login, self._deadline = place, login, deadline
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._parser = _parser()
        self._one = asyncio.Lock()

    async def each(self, *commands: tuple[str, ...]) -> list[Any]:
        """The answers to some commands, sent together; for one that Redis refuses, its Unreadable."""
        async with self._one:
            try:
                async with asyncio.timeout(self._deadline):
                    answers = await self._asked(commands)
            except TimeoutError:
                self.drop()
                raise Unreadable(NO_ANSWER) from None
            except _Closed:
                self.drop()
                raise Unreadable(CLOSED) from None
            except hiredis.ProtocolError:
                self.drop()
                raise Unreadable("Redis fails (what answers does not speak RESP)") from None
            except OSError as error:
                self.drop()
                why = os.strerror(error.errno) if error.errno else "no connection"
                raise Unreadable(f"Redis cannot be reached: {why}") from None
            except (
                BaseException
            ):  # cancelled, or refused at the login: what comes would answer nothing that is asked next
                self.drop()
                raise
        return [_in_words(str(answer)) if isinstance(answer, hiredis.ReplyError) else answer for answer in answers]

    async def _asked(self, commands: tuple[tuple[str, ...], ...]) -> list[Any]:
        kept = self._writer is not None
        try:
            return await self._exchanged(commands)
        except (_Closed, ConnectionError):
            if not kept:
                raise
        self.drop()
        return await self._exchanged(commands)

    async def _exchanged(self, commands: tuple[tuple[str, ...], ...]) -> list[Any]:
        if self._writer is None:
            await self._connect()
        return await self._answers(commands)

    async def _connect(self) -> None:
        where = self._place
        if where.scheme == "unix":
            opened = await asyncio.open_unix_connection(where.path)
        else:
            opened = await asyncio.open_connection(where.hostname, where.port or 6379)
        self._reader, self._writer = opened
        self._parser = _parser()
        if self._login is not None:
            (answer,) = await self._answers((self._login,))
            if isinstance(answer, hiredis.ReplyError):
                raise _in_words(str(answer))

    async def _answers(self, commands: tuple[tuple[str, ...], ...]) -> list[Any]:
        assert self._reader is not None and self._writer is not None
        self._writer.write(b"".join(_packed(command) for command in commands))
        answers: list[Any] = []
        while len(answers) < len(commands):
            answer = self._parser.gets()
            if answer is not False:
                answers.append(answer)
            elif data := await self._reader.read(PIECE):
                self._parser.feed(data)
            else:
                raise _Closed
        return answers

    def drop(self) -> None:
        """Close it."""
        if self._writer is not None:
            with contextlib.suppress(RuntimeError):  # its event loop is closed
                self._writer.transport.abort()
        self._reader = self._writer = None


def _parser() -> hiredis.Reader:
    return hiredis.Reader(encoding="utf-8", errors="replace")


def _packed(command: tuple[str, ...]) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # the stub knows one part only
    return packed


def _in_words(error: str) -> Unreadable:
    """What Redis' error means; its first word is what kind it is of, the rest may hold what was asked."""
    code = error.split(" ", 1)[0]
    if code in WRONG_PASSWORD:
        return Refused("Redis refuses the agent's user or password")
    if code == "NOPERM":
        return Refused("Redis does not permit the agent its commands (ACL user agent)")
    if code == "LOADING":
        return Unreadable("Redis is still loading")
    if "max number of clients" in error:
        return Unreadable("Redis takes no more connections (max number of clients reached)")
    return Unreadable(f"Redis answers with an error ({code[:20]})")


class Info(Mapping[str, Any]):
    """INFO's lines by their names: whole numbers, mappings of `a=1,b=2`, and texts. Few of the 200 are asked for."""

    def __init__(self, text: str) -> None:
        self._text = f"\n{text}\n".replace("\r\n", "\n")

    def __getitem__(self, name: str) -> Any:
        before = f"\n{name}:"
        if (at := self._text.find(before)) < 0:
            raise KeyError(name)
        value = self._text[at + len(before) : self._text.index("\n", at + 1)]
        return (_several(value) if "=" in value else None) or _number(value)

    def __iter__(self) -> Iterator[str]:
        lines = (line.partition(":") for line in self._text.splitlines())
        return (name for name, colon, _ in lines if colon and not name.startswith("#"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _several(value: str) -> dict[str, int | str] | None:
    parts = [part.partition("=") for part in value.split(",")]
    return {key: _number(one) for key, _, one in parts} if all(equals for _, equals, _ in parts) else None


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() else text
