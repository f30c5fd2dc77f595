"""A forwarding proxy between an extractor and a server, which sees what passes and can hold or drop it.

One thread serves all connections of a stage. What a connection may do is up to its tap (`redis_tap`, `influx_tap`):
a tap gets what came from either side and returns what goes on. All of it happens under `Relay.lock`.
"""

import os
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

PIECE = 1 << 16


class Tap(Protocol):
    """What watches one connection. Both return the bytes that go on; `gone` is called when an end has closed."""

    def asked(self, data: bytes) -> bytes:
        """From the extractor, on its way to the server."""

    def answered(self, data: bytes) -> bytes:
        """From the server, on its way to the extractor."""

    def gone(self) -> None:
        """The connection is over."""


class Target:
    """`aim` says where the next strike is to hit; `on_strike`, given the place, strikes."""

    def __init__(self) -> None:
        self.aim = ""
        self.on_strike: Callable[[str], None] = lambda where: None

    def aim_taken(self, where: str) -> bool:
        """Whether this is where the next strike is to hit; it hits once."""
        if self.aim != where:
            return False
        self.aim = ""
        return True


class Wire:
    """One connection of an extractor (`down`) and ours to the server (`up`)."""

    def __init__(self, relay: "Relay", down: socket.socket, up: socket.socket) -> None:
        self.down, self.up = down, up
        self.tap: Tap | None = None
        self.open = True
        self._relay = relay
        self._waiting = {down: bytearray(), up: bytearray()}

    def send(self, end: socket.socket, data: bytes) -> None:
        """Writes to one end what it takes now, the rest later."""
        if not self.open:
            return
        waiting = self._waiting[end]
        waiting += data
        try:
            while waiting:
                del waiting[: end.send(waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
        if self.open:
            self._relay.watch(self, end, bool(waiting))

    def ready(self, end: socket.socket, events: int) -> None:
        """The selector says that one end can be read or written."""
        if not self.open:  # another end that was ready has closed it
            return
        if events & selectors.EVENT_WRITE:
            self.send(end, b"")
        if not events & selectors.EVENT_READ or not self.open:
            return
        try:
            data = end.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        assert self.tap is not None
        if end is self.down:
            self.send(self.up, self.tap.asked(data))
        else:
            self.send(self.down, self.tap.answered(data))

    def close(self) -> None:
        """Closes both ends; what one of them has not taken by now is gone."""
        if not self.open:
            return
        self.open = False
        self._relay.forget(self)
        for end in (self.down, self.up):
            with suppress(OSError):
                end.close()
        if self.tap is not None:
            self.tap.gone()


class Relay(threading.Thread):
    """Serves any number of doors, each before one server."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="relay")
        self.lock = threading.RLock()
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._ended = False
        self.crashed: Exception | None = None

    def add_door(self, door: socket.socket, connect: Callable[[], socket.socket], tap: Callable[[Wire], Tap]) -> None:
        """Takes connections at `door`, each with one to the server by `connect` and a tap of its own."""
        door.listen(16)
        door.setblocking(False)

        def welcome(_: int) -> None:
            with suppress(BlockingIOError):
                down, _address = door.accept()
                try:
                    up = connect()
                except OSError:  # the server is away: so are we
                    down.close()
                    return
                for end in (down, up):
                    end.setblocking(False)
                wire = Wire(self, down, up)
                wire.tap = tap(wire)
                if wire.open:
                    self.watch(wire, down, False)
                    self.watch(wire, up, False)

        with self.lock:
            self._selector.register(door, selectors.EVENT_READ, welcome)
        os.write(self._waker, b"w")

    def watch(self, wire: Wire, end: socket.socket, writing: bool) -> None:
        """Waits for what comes from this end, and for room in it if `writing`."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writing else 0)
        data = lambda seen: wire.ready(end, seen)  # noqa: E731
        if end not in self._selector.get_map():
            self._selector.register(end, events, data)
        elif self._selector.get_key(end).events != events:
            self._selector.modify(end, events, data)

    def forget(self, wire: Wire) -> None:
        """Waits for neither end any more."""
        for end in (wire.down, wire.up):
            with suppress(KeyError, ValueError):
                self._selector.unregister(end)

    def run(self) -> None:
        """Until it is to end. A mistake of ours must not look like one of an extractor's: see `crashed`."""
        try:
            self._serve()
        except Exception as error:
            self.crashed = error

    def _serve(self) -> None:
        while not self._ended:
            ready = self._selector.select()
            with self.lock:
                for key, events in ready:
                    if key.fileobj == self._wake:
                        os.read(self._wake, 100)
                    else:
                        key.data(events)

    def end(self) -> None:
        """Ends the thread; the connections go with the process."""
        self._ended = True
        os.write(self._waker, b"e")
        self.join(5)
