"""Windows to Redis: published, listed and the cursor moved in one transaction; and small keys beside them.

What cannot be written waits in a bounded queue. A command that fails inside a transaction is counted and logged, and
not tried again: it would fail again.
"""

from collections import deque
from typing import Any

from . import cursor, logs
from .clocks import now_us
from .config.address import RedisAddress
from .dependency import Dependency, redis_backoff
from .histogram import Histogram
from .redis import Command, Connection, Link, RedisAway, RedisRefused, refusals, stored_value
from .schema import Kind

QUEUE = 1000  # outputs that wait for Redis at most
LISTED = 1000  # outputs that the list keeps


class Publisher:
    """The writing connection. Times are monotonic µs."""

    def __init__(self, kind: Kind, address: RedisAddress) -> None:
        self.dependency = Dependency("redis_write")
        self.link = Link(address, f"seclyzer-{kind.name}", self.dependency)
        self.outputs_dropped = 0
        self.output_errors = 0
        self.delays = Histogram()  # from a window's close until Redis has taken it
        self._kind = kind
        self._outputs: deque[tuple[str, int]] = deque()  # with when their windows closed
        self._cursor: int | None = None
        self._published: int | None = None  # the cursor as Redis has taken it
        self._keys: dict[str, str] = {}
        self._unanswered: tuple[int, int] | None = None  # outputs and cursor of what may be written
        self._retry_at = 0
        self._backoff = redis_backoff()
        self._logged: set[tuple[str, str]] = set()  # commands that Redis refused, and why

    @property
    def outputs(self) -> int:
        """How many windows or transitions are not written yet."""
        return len(self._outputs)

    @property
    def waiting(self) -> bool:
        """Something is not written yet."""
        return bool(self._outputs or self._keys)

    @property
    def published(self) -> int | None:
        """The cursor that Redis has taken; None when there is none yet, or that is unknown."""
        return self._published if self._unanswered is None else None

    def put(self, output: str, closed_at: int) -> None:
        """One more window's (or transition's) JSON, and when it closed."""
        if len(self._outputs) >= QUEUE:
            self._drop_oldest()
            self.outputs_dropped += 1
        self._outputs.append((output, closed_at))

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
            self.dependency.away(str(error), fault=error.fault)
            self._retry_at = now + int(self._backoff.next_s() * 1e6)
            return False
        except RedisAway as error:
            self.link.lost(error, now)
            return False
        self._backoff.reset()
        self._retry_at = 0
        self.link.worked()
        return True

    def _drop_oldest(self) -> None:
        self._outputs.popleft()
        if self._unanswered is not None:
            outputs, moved_to = self._unanswered
            self._unanswered = max(0, outputs - 1), moved_to

    def _transact(self, connection: Connection) -> None:
        self._forget_what_is_done(connection)
        commands: list[Command] = []
        channel = self._kind.channel
        for output, _ in self._outputs:
            commands += [("PUBLISH", channel, output), ("LPUSH", channel, output)]
        if self._outputs:
            commands.append(("LTRIM", channel, 0, LISTED - 1))
        if self._cursor is not None:
            commands.append(cursor.moved(self._kind.cursor_key, {"published": self._cursor}))
        commands += [("SET", key, value) for key, value in self._keys.items()]

        connection.call("MULTI")  # alone: were it refused, the rest would run one by one
        commands.append(("EXEC",))
        if self._cursor is not None:
            self._unanswered = len(self._outputs), self._cursor
        answers = connection.pipeline(*commands)
        done = answers[-1]
        self._unanswered = None
        if not isinstance(done, list):
            command, error = next(iter(refusals(commands, answers)), ("EXEC", str(done)))
            raise connection.refused(command, error)
        self._published = self._cursor if self._cursor is not None else self._published
        self._taken(len(self._outputs))
        self._keys.clear()
        self._cursor = None
        self.output_errors += self._log_refusals(commands, done)

    def _forget_what_is_done(self, connection: Connection) -> None:
        """After a transaction whose answer was lost the cursor shows whether it was done."""
        if self._unanswered is None:
            return
        outputs, moved_to = self._unanswered
        published = (stored_value(connection, "HGETALL", self._kind.cursor_key) or {}).get(b"published")
        if published == str(moved_to).encode():
            self._taken(outputs)
        self._unanswered = None

    def _taken(self, count: int) -> None:
        """Redis has the first outputs."""
        now = now_us()
        for _ in range(count):
            _, closed_at = self._outputs.popleft()
            self.delays.observe(now - closed_at)

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
        if self._log_refusals(commands, answers):
            return None
        if not self._retry_at:  # no transaction was refused that waits to be tried again
            self.link.worked()
        return answers

    def _log_refusals(self, commands: list[Command], answers: list[Any]) -> int:
        """Logs each command and reason once; returns how many commands were refused."""
        refused = refusals(commands, answers)
        for command, error in refused:
            if (command, error) not in self._logged:
                self._logged.add((command, error))
                logs.log("redis_refused", command=command, reason=error)
        return len(refused)

    def hurry(self, timeout_s: float) -> None:
        """The program ends: tries at once, and waits no longer than this."""
        self._retry_at = 0
        self.link.hurry(timeout_s)
