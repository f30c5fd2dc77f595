"""Windows to Redis: published, listed and the cursor moved in one transaction; and small keys beside them.

What cannot be written waits in a bounded queue. One command that fails inside a transaction is counted and
said, and not tried again: it would fail again.
"""

from collections import deque
from typing import Any

from .address import RedisAddress
from .backoff import Backoff
from .cursor import look
from .logs import Dependency, warning
from .resp import Command, Connection, Link, RedisAway, RedisRefused, first_error
from .schema import Kind

QUEUE = 1000  # outputs that wait for Redis at most
LISTED = 1000  # outputs that the list keeps


class Publisher:
    """The writing connection. Times are monotonic µs."""

    def __init__(self, kind: Kind, address: RedisAddress) -> None:
        self.redis = Dependency("Writing to Redis")
        self.link = Link(address, f"seclyzer-{kind.name}-writer", self.redis, lambda connection: None)
        self.outputs_dropped = 0
        self.output_errors = 0
        self._kind = kind
        self._outputs: deque[str] = deque()
        self._cursor: int | None = None
        self._published: int | None = None  # the cursor as Redis has taken it
        self._keys: dict[str, str] = {}
        self._unanswered: tuple[int, int] | None = None  # outputs and cursor of what may be written
        self._retry_at = 0
        self._backoff = Backoff(0.2, 5.0)

    @property
    def has_outputs(self) -> bool:
        """Windows or transitions are not written yet."""
        return bool(self._outputs)

    @property
    def waiting(self) -> bool:
        """Something is not written yet."""
        return bool(self._outputs or self._keys)

    @property
    def published(self) -> int | None:
        """The cursor that Redis has taken; None when there is none yet, or that cannot be told."""
        return self._published if self._unanswered is None else None

    def put(self, output: str) -> None:
        """One more window's (or transition's) JSON."""
        if len(self._outputs) >= QUEUE:
            self._drop_oldest()
            self.outputs_dropped += 1
        self._outputs.append(output)

    def move_cursor(self, published: int) -> None:
        """The cursor moves in the same transaction as what is waiting."""
        self._cursor = published

    def keep(self, key: str, value: str) -> None:
        """Sets `key` in the same transaction as what is waiting."""
        self._keys[key] = value

    def flush(self, now: int) -> bool:
        """Writes what is waiting, when it is time to; True when nothing is left."""
        if not self.waiting:
            return True
        connection = self.link.up(now) if now >= self._retry_at else None
        if connection is None:
            return False
        try:
            self._transact(connection)
        except RedisRefused as error:  # the connection is good, the transaction was not taken
            self.redis.away("transaction", str(error))
            self._retry_at = now + int(self._backoff.next_s() * 1e6)
            return False
        except RedisAway as error:
            self.link.lost(error, now)
            return False
        self.redis.back("transaction")
        self._backoff.reset()
        self.link.worked()
        return True

    def _drop_oldest(self) -> None:
        self._outputs.popleft()
        if self._unanswered is not None:
            outputs, cursor = self._unanswered
            self._unanswered = max(0, outputs - 1), cursor

    def _transact(self, connection: Connection) -> None:
        self._forget_what_is_done(connection)
        commands: list[Command] = []
        channel = self._kind.channel
        for output in self._outputs:
            commands += [("PUBLISH", channel, output), ("LPUSH", channel, output)]
        if self._outputs:
            commands.append(("LTRIM", channel, 0, LISTED - 1))
        if self._cursor is not None:
            commands.append(("HSET", self._kind.cursor_key, "published", self._cursor))
        commands += [("SET", key, value) for key, value in self._keys.items()]

        connection.call("MULTI")  # alone: were it refused, the rest would run one by one
        if self._cursor is not None:
            self._unanswered = len(self._outputs), self._cursor
        *queued, done = connection.pipeline(*commands, ("EXEC",))
        self._unanswered = None
        if not isinstance(done, list):
            raise RedisRefused(first_error(queued) or str(done))
        self._published = self._cursor if self._cursor is not None else self._published
        self._outputs.clear()
        self._keys.clear()
        self._cursor = None
        failed = first_error(done)
        if failed is not None:
            self.output_errors += 1
            warning("a command of a transaction failed and is not tried again", error=failed)

    def _forget_what_is_done(self, connection: Connection) -> None:
        """After a transaction whose answer was lost the cursor tells whether it was done."""
        if self._unanswered is None:
            return
        outputs, cursor = self._unanswered
        published = (look(connection, "HGETALL", self._kind.cursor_key) or {}).get(b"published")
        if published == str(cursor).encode():
            for _ in range(outputs):
                self._outputs.popleft()
        self._unanswered = None

    def write(self, commands: list[Command], now: int) -> list[Any] | None:
        """Small keys beside the windows (stats, trim): tried once. The answers when all were taken."""
        connection = self.link.up(now)
        if connection is None:
            return None
        try:
            answers = connection.pipeline(*commands)
        except RedisAway as lost:
            self.link.lost(lost, now)
            return None
        part = " ".join(str(word) for word in commands[0][:2])
        error = first_error(answers)
        if error is not None:
            self.redis.away(part, error)
            return None
        self.redis.back(part)
        self.link.worked()
        return answers

    def hurry(self, timeout_s: float) -> None:
        """The program ends: tries at once, and waits no longer than this."""
        self._retry_at = 0
        self.link.hurry(timeout_s)
