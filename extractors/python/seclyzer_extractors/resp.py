"""A small Redis client: one connection, RESP3, by TCP, unix socket or TLS; hiredis parses what comes.

Under RESP3 what is published comes on the same connection as answers do, also while a command blocks.
"""

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import hiredis

from .address import RedisAddress
from .backoff import Backoff
from .logs import Dependency

TIMEOUT_S = 2.0
Part = str | int
Command = tuple[Part, ...]


class RedisAway(Exception):
    """Redis cannot be reached, or the connection is lost. The message says why."""


class RedisRefused(RedisAway):
    """Redis answered with an error."""


class Connection:
    """One connection; no wait for an answer is longer than `timeout_s`. Any failure raises RedisAway."""

    def __init__(self, address: RedisAddress, name: str, timeout_s: float = TIMEOUT_S) -> None:
        self.received = 0  # bytes
        self._reader = hiredis.Reader(replyError=_error)
        self._timeout_s = timeout_s
        try:
            self._socket = _connect(address, timeout_s)
        except (OSError, UnicodeError) as error:  # the last for what is no host name
            raise RedisAway(f"{address}: {_reason(error)}") from None
        try:
            self._greet(address, name)
        except RedisAway:
            self.close()
            raise

    def _greet(self, address: RedisAddress, name: str) -> None:
        hello: Command = ("HELLO", 3)
        if address.username or address.password:
            hello += ("AUTH", address.username or "default", address.password)
        self.call(*hello, "SETNAME", name)
        if address.database:
            self.call("SELECT", address.database)

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
            raise RedisAway(_reason(error)) from None

    def receive(self) -> list[Any]:
        """What has come by now, at least one read of the socket: whole answers and pushes, maybe none."""
        try:
            data = self._socket.recv(65536)
            while data and (waiting := getattr(self._socket, "pending", int)()):  # TLS keeps some back
                data += self._socket.recv(waiting)
            if not data:
                raise RedisAway("Redis closed the connection")
            self.received += len(data)
            self._reader.feed(data)
            answers = []
            while (answer := self._reader.gets()) is not False:
                answers.append(answer)
            return answers
        except (OSError, hiredis.ProtocolError) as error:
            raise RedisAway(_reason(error)) from None

    def pipeline(self, *commands: Command) -> list[Any]:
        """The answers of these commands, errors among them as `hiredis.ReplyError`."""
        self.send(*commands)
        answers: list[Any] = []
        deadline = time.monotonic() + self._timeout_s
        while len(answers) < len(commands):
            answers += [one for one in self.receive() if not isinstance(one, hiredis.PushNotification)]
            if time.monotonic() > deadline and len(answers) < len(commands):
                raise RedisAway("Redis does not answer")
        return answers

    def call(self, *command: Part) -> Any:
        """The answer of one command; RedisRefused when it is an error."""
        answer = self.pipeline(command)[0]
        if isinstance(answer, hiredis.ReplyError):
            raise RedisRefused(str(answer))
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


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "Redis does not answer"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Link:
    """A connection that is made again, with backoff, whenever it is lost. Times are monotonic µs."""

    def __init__(
        self, address: RedisAddress, name: str, redis: Dependency, greet: Callable[[Connection], None]
    ) -> None:
        self.connection: Connection | None = None
        self.connects = 0
        self.retry_at = 0
        self._address = address
        self._name = name
        self._redis = redis
        self._greet = greet  # what every new connection begins with
        self._backoff = Backoff(0.2, 5.0)
        self._timeout_s = TIMEOUT_S

    def up(self, now: int) -> Connection | None:
        """The connection, made anew when it is time to; None while Redis is away."""
        if self.connection is None and now >= self.retry_at:
            connection = None
            try:
                connection = Connection(self._address, self._name, self._timeout_s)
                self._greet(connection)
            except RedisAway as error:
                if connection is not None:
                    connection.close()
                self.lost(error, now)
            else:
                self.connection = connection
                self.connects += 1
                self._redis.back(self._name)
        return self.connection

    def worked(self) -> None:
        """Real progress was made: the next loss is a new one."""
        self._backoff.reset()

    def lost(self, error: Exception, now: int) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        self.retry_at = now + int(self._backoff.next_s() * 1e6)
        self._redis.away(self._name, str(error))

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


def first_error(answers: Sequence[Any]) -> str | None:
    """The text of the first error among answers."""
    return next((str(one) for one in answers if isinstance(one, hiredis.ReplyError)), None)
