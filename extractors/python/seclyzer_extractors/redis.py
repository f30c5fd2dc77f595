"""A small Redis client: one connection, RESP3, by TCP, unix socket or TLS; hiredis parses what comes.

Under RESP3 what is published comes on the same connection as answers do, also while a command blocks.
"""

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import hiredis

from . import logs, waits
from .config.address import RedisAddress
from .dependency import CLOSED, NO_ANSWER, UNREACHABLE, Dependency, reason_of, redis_backoff

ANSWER_S = waits.seconds("redis_answer")
NO_RESP = "does not speak RESP"
Part = str | int
Command = tuple[Part, ...]


class RedisAway(Exception):
    """Redis cannot be reached, or the connection is lost. The message says where and why."""

    fault = UNREACHABLE


class RedisRefused(RedisAway):
    """Redis answered a command with an error."""

    def __init__(self, address: RedisAddress, command: str, error: str) -> None:
        super().__init__(f"{address}: refused {command}: {error}")
        self.command = command
        self.error = error
        self.fault = error.partition(" ")[0]


class Connection:
    """One connection; no wait for an answer is longer than `timeout_s`. Any failure raises RedisAway."""

    def __init__(self, address: RedisAddress, name: str, timeout_s: float = ANSWER_S) -> None:
        self.received = 0  # bytes
        self.address = address
        self._reader = hiredis.Reader(replyError=_error)
        self._timeout_s = timeout_s
        try:
            self._socket = _connect(address, timeout_s)
        except (OSError, UnicodeError) as error:  # the last for what is no host name
            raise self._away(reason_of(error, hiredis.ProtocolError, NO_RESP)) from None
        try:
            self._greet(name)
        except RedisAway:
            self.close()
            raise

    def _greet(self, name: str) -> None:
        address = self.address
        hello: Command = ("HELLO", 3)
        if address.username or address.password:
            hello += ("AUTH", address.username or "default", address.password)
        self.call(*hello, "SETNAME", name)
        if address.database:
            self.call("SELECT", address.database)

    def _away(self, what: str) -> RedisAway:
        return RedisAway(f"{self.address}: {what}")

    def no_answer(self) -> RedisAway:
        """An answer that does not come any more."""
        return self._away(NO_ANSWER)

    def refused(self, command: Part, answer: object) -> RedisRefused:
        """An answer that is an error."""
        return RedisRefused(self.address, str(command), str(answer))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def hurry(self, timeout_s: float) -> None:
        """From now on waits no longer than this."""
        self._timeout_s = timeout_s
        self._socket.settimeout(timeout_s)

    def send(self, *commands: Command) -> None:
        """Sends without waiting for an answer."""
        try:
            self._socket.sendall(b"".join([_packed(command) for command in commands]))
        except OSError as error:
            raise self._away(reason_of(error, hiredis.ProtocolError, NO_RESP)) from None

    def receive(self) -> list[Any]:
        """What has come by now, at least one read of the socket: whole answers and pushes, maybe none."""
        try:
            data = self._socket.recv(65536)
            while data and (waiting := getattr(self._socket, "pending", int)()):  # TLS keeps some back
                data += self._socket.recv(waiting)
            if not data:
                raise self._away(CLOSED)
            self.received += len(data)
            self._reader.feed(data)
            answers = []
            while (answer := self._reader.gets()) is not False:
                answers.append(answer)
            return answers
        except (OSError, hiredis.ProtocolError) as error:
            raise self._away(reason_of(error, hiredis.ProtocolError, NO_RESP)) from None

    def pipeline(self, *commands: Command) -> list[Any]:
        """The answers of these commands, errors among them as `hiredis.ReplyError`."""
        self.send(*commands)
        answers: list[Any] = []
        deadline = time.monotonic() + self._timeout_s
        while len(answers) < len(commands):
            answers += [one for one in self.receive() if not isinstance(one, hiredis.PushNotification)]
            if time.monotonic() > deadline and len(answers) < len(commands):
                raise self.no_answer()
        return answers

    def call(self, *command: Part) -> Any:
        """The answer of one command; RedisRefused when it is an error."""
        answer = self.pipeline(command)[0]
        if isinstance(answer, hiredis.ReplyError):
            raise self.refused(command[0], answer)
        return answer


def _error(text: str) -> hiredis.ReplyError:
    """An error without the arguments that Redis repeats of a command it does not know: they may be secrets."""
    return hiredis.ReplyError(text.partition(", with args")[0])


def _packed(command: Command) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # the stub knows one part only
    return packed


def _connect(address: RedisAddress, timeout_s: float) -> socket.socket:
    if address.path:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(timeout_s)
        try:
            plain.connect(address.path)
        except OSError:
            plain.close()
            raise
        return plain
    plain = socket.create_connection((address.host, address.port), timeout_s)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if not address.tls:
        return plain
    import ssl

    from . import tls

    try:
        return tls.context(address.ca_file).wrap_socket(plain, server_hostname=address.host)
    except (ssl.SSLError, ValueError) as error:
        plain.close()
        raise RedisAway(f"{address}: {tls.words(error, address.host)}") from None


class Link:
    """A connection that is made again, with backoff, whenever it is lost. Times are monotonic µs."""

    def __init__(
        self,
        address: RedisAddress,
        name: str,
        dependency: Dependency,
        greet: Callable[[Connection], None] | None = None,
    ) -> None:
        self.connection: Connection | None = None
        self.connects = 0
        self.retry_at = 0
        self._address = address
        self._name = name
        self._dependency = dependency
        self._greet = greet  # what every new connection begins with
        self._backoff = redis_backoff()
        self._timeout_s = ANSWER_S

    def up(self, now: int) -> Connection | None:
        """The connection, made anew when it is time to; None while Redis is away."""
        if self.connection is None and now >= self.retry_at:
            connection = None
            try:
                connection = Connection(self._address, self._name, self._timeout_s)
                if self._greet is not None:
                    self._greet(connection)
            except RedisAway as error:
                if connection is not None:
                    connection.close()
                self.lost(error, now)
            else:
                self.connection = connection
                self.connects += 1
        return self.connection

    def worked(self) -> None:
        """Redis executed the request: the next loss is a new one."""
        self._backoff.reset()
        self._dependency.recovered()

    def lost(self, error: RedisAway, now: int) -> None:
        self.close()
        self.retry_at = now + int(self._backoff.next_s() * 1e6)
        self._dependency.away(str(error), fault=error.fault)

    def hurry(self, timeout_s: float) -> None:
        """The program ends: tries again at once, and waits no longer than this."""
        self.retry_at = 0
        self._timeout_s = timeout_s
        if self.connection is not None:
            self.connection.hurry(timeout_s)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def stored_value(connection: Connection, *command: Part) -> Any:
    """What a key holds; None when that is of another type, which must not keep an extractor from its work."""
    try:
        return connection.call(*command)
    except RedisRefused as error:
        if not error.error.startswith("WRONGTYPE"):
            raise
        logs.log("key_ignored", key=command[1])
        return None


def refusals(commands: Sequence[Command], answers: Sequence[Any]) -> list[tuple[str, str]]:
    """The commands whose answer is an error, by name, and Redis' words."""
    return [
        (str(command[0]), str(answer))
        for command, answer in zip(commands, answers, strict=False)
        if isinstance(answer, hiredis.ReplyError)
    ]
