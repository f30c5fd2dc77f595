"""A connection to the D-Bus system bus: calls with their answers, and signals as they come. `jeepney` packs and parses.

Everybody on the host may send to a connection on the bus: what is too large is passed over unread, of a signal nothing
is parsed but its header, and whoever listens looks at its sender.
"""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from jeepney import AuthenticationError, Header, HeaderFields, Message, MessageType
from jeepney.auth import BEGIN, Authenticator
from jeepney.bus import find_system_bus
from jeepney.bus_messages import message_bus
from jeepney.low_level import calc_msg_size

from .model import Unread

HEADER = 16
MOST_BYTES = 2**16  # of a message; what systemd answers about 50 units is a fifth of it
PIECE = 2**14
SERIAL = 8  # where the serial number is, in a header


class BusAway(Unread):
    """The bus, or the service that is asked by it, gives no answer."""

    finding = "systemd-away"


class Packed:
    """A call that is made often: packed once, in little endian as `jeepney` does, and numbered each time."""

    __slots__ = ("_after", "_before")

    def __init__(self, message: Message) -> None:
        data: bytes = message.serialise(1)
        self._before, self._after = data[:SERIAL], data[SERIAL + 4 :]

    def numbered(self, serial: int) -> bytes:
        """The call with this serial number."""
        return self._before + serial.to_bytes(4, "little") + self._after


Heard = Callable[[Header | None], None]
"""Gets the header of each signal, and None when the connection has ended."""


class Bus:
    """One connection, made by `connect`; once it has ended it is of no use any more.

    All raise BusAway. It belongs to the event loop that it was made in.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._heard: Heard = lambda _: None
        self._serials = count(1)
        self._asked: dict[int, asyncio.Future[Message]] = {}
        self._receiving = asyncio.create_task(self._receive())

    @classmethod
    async def connect(cls, heard: Heard) -> Bus:
        """A connection to the bus that `DBUS_SYSTEM_BUS_ADDRESS` names, or the host's."""
        try:
            reader, writer = await asyncio.open_unix_connection(find_system_bus())
        except OSError as error:
            raise _cannot_be_reached(error) from None
        except (RuntimeError, ValueError):
            raise BusAway("D-Bus cannot be reached: DBUS_SYSTEM_BUS_ADDRESS is no address of a unix socket") from None
        try:
            await _log_in(reader, writer)
            bus = cls(reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        try:
            await bus.call(message_bus.Hello())
        except BaseException:
            bus.close()
            raise
        bus._heard = heard
        return bus

    async def call(self, message: Message | Packed) -> tuple[Any, ...]:
        """What is answered to a call."""
        return (await self.calls([message]))[0]

    async def calls(self, messages: Iterable[Message | Packed]) -> list[tuple[Any, ...]]:
        """What is answered to some calls, which are sent together."""
        if self._receiving.done():
            raise _closed()
        answers: list[asyncio.Future[Message]] = []
        sent: list[bytes] = []
        for message, serial in zip(messages, self._serials, strict=False):
            answers.append(asyncio.get_running_loop().create_future())
            self._asked[serial] = answers[-1]
            sent.append(message.numbered(serial) if isinstance(message, Packed) else message.serialise(serial))
        self._writer.write(b"".join(sent))
        return [_body(answer) for answer in await asyncio.gather(*answers)]

    def close(self) -> None:
        """End the connection; `heard` gets nothing more."""
        self._heard = lambda _: None
        self._receiving.cancel()
        self._writer.transport.abort()

    async def _receive(self) -> None:
        fault = _closed()
        try:
            while True:
                data = await self._message()
                if data[1] == MessageType.signal.value:
                    self._heard(Header.from_buffer(data)[0])
                else:
                    self._take(Message.from_buffer(data))
        except OSError as error:
            fault = _cannot_be_reached(error)
        except (ValueError, KeyError, IndexError, AssertionError, struct.error):
            fault = BusAway("D-Bus fails: what answers does not speak its protocol")
        except asyncio.IncompleteReadError:
            pass
        finally:
            self._writer.transport.abort()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(fault)
            self._heard(None)

    async def _message(self) -> bytes:
        """The next message that is not too large."""
        while True:
            head = await self._reader.readexactly(HEADER)
            left = calc_msg_size(head) - HEADER
            if left <= MOST_BYTES:
                return head + await self._reader.readexactly(left)
            while left:
                left -= len(await self._reader.readexactly(min(left, PIECE)))

    def _take(self, message: Message) -> None:
        answer = self._asked.pop(message.header.fields.get(HeaderFields.reply_serial), None)
        if answer is not None and not answer.done():
            answer.set_result(message)


async def _log_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As the user that this process is."""
    login = Authenticator()
    try:
        for line in login:
            writer.write(line)
            login.feed(await reader.read(PIECE) or b"closed\r\n")
        writer.write(BEGIN)
    except AuthenticationError:
        raise BusAway("D-Bus refuses the agent's user") from None
    except OSError as error:
        raise _cannot_be_reached(error) from None


def _body(answer: Message) -> tuple[Any, ...]:
    if answer.header.message_type is MessageType.error:
        name = str(answer.header.fields.get(HeaderFields.error_name)).removeprefix("org.freedesktop.DBus.Error.")
        raise BusAway(f"systemd answers with an error ({name[:80]})")
    body: tuple[Any, ...] = answer.body
    return body


def _closed() -> BusAway:
    return BusAway("D-Bus cannot be reached: the connection was closed")


def _cannot_be_reached(error: OSError) -> BusAway:
    return BusAway(f"D-Bus cannot be reached: {os.strerror(error.errno) if error.errno else 'no connection'}")
