"""When the app tracker's state and patterns are saved, and where from the state is restored.

The state goes into the transaction of the transitions it belongs to; with the patterns, and to disk, once a minute.
"""

from collections import deque

from . import logs, output, waits
from .apps import TransitionOperator
from .clocks import host_time, now_us
from .core import Row
from .emit import Emitter
from .publish import Publisher
from .redis import Connection, stored_value
from .source import Source
from .state import dump_state, load_state, read_state_file, set_state_file_aside, write_state_file
from .store import Store
from .versions import Later, Skipped

STATE_KEY = "seclyzer:app:state"
PATTERNS_KEY = "seclyzer:app:patterns"
SAVE_EVERY = waits.us("state_every")
UNSTORED = 1000  # transitions that the saved state holds until they are stored


def unstored_rows() -> deque[tuple[int, Row]]:
    """For an emitter whose rows are part of the saved state."""
    return deque(maxlen=UNSTORED)


class Checkpoint:
    """The saved state of one app tracker. Times are monotonic µs."""

    def __init__(
        self,
        state_dir: str,
        operator: TransitionOperator,
        source: Source,
        emitter: Emitter,
        publisher: Publisher,
        store: Store,
        unstored: deque[tuple[int, Row]],
        skipped: Skipped,
    ) -> None:
        self._state_dir = state_dir
        self._skipped = skipped
        self._operator = operator
        self._source = source
        self._emitter = emitter
        self._publisher = publisher
        self._store = store
        self._unstored = unstored
        self._saved_at = now_us()
        self._saved_as: tuple[int | None, ...] = self._version()

    def restore_from_redis(self, connection: Connection) -> bool:
        """Goes on from the state in Redis; False when there is none that can be used."""
        saved = stored_value(connection, "GET", STATE_KEY)
        try:
            return saved is not None and self._restore(saved.decode("utf-8", "replace"))
        except Later as later:
            self._skipped.skip(later)
            return False

    def restore_from_disk(self) -> None:
        """Goes on from the state on disk, if there is one. It is older than the cursor, which stays in force."""
        text = read_state_file(self._state_dir)
        try:
            if text is not None:
                self._restore(text)
        except Later as later:
            self._skipped.skip(later)
            self._set_aside(later.version)

    def _set_aside(self, version: int) -> None:
        try:
            set_state_file_aside(self._state_dir, version)
        except OSError as error:
            logs.log("state_unwritable", reason=error.strerror or type(error).__name__)

    def _restore(self, text: str) -> bool:
        loaded = load_state(text, self._operator, host_time())
        if loaded is None:
            return False
        self._source.last_id, unstored = loaded
        for row in unstored:
            self._emitter.to_store(row)
        return True

    def before_flush(self, now: int) -> None:
        """Puts the state, when it is due the patterns too, into the transaction that comes next."""
        if now >= self._saved_at + SAVE_EVERY:
            self.save(now)
        elif self._publisher.outputs:
            self._put_state()

    def save(self, now: int) -> None:
        """Patterns and state, to disk too, when something has changed since the last time."""
        self._saved_at = now
        if self._saved_as == self._version():
            return
        self._saved_as = self._version()
        tracker = self._operator.tracker
        self._publisher.keep(PATTERNS_KEY, output.patterns_json(tracker.document(), tracker.last_taken))
        text = self._put_state()
        if self._state_dir:
            try:
                write_state_file(self._state_dir, text)
            except OSError as error:
                logs.log("state_unwritable", reason=error.strerror or type(error).__name__)

    def save_again(self, now: int) -> None:
        """Redis has lost what was saved."""
        self._saved_as = ()
        self.save(now)

    def _put_state(self) -> str:
        while self._unstored and self._unstored[0][0] <= self._store.done:
            self._unstored.popleft()
        text = dump_state(self._operator, self._source.last_id, [row for _, row in self._unstored])
        self._publisher.keep(STATE_KEY, text)
        taken, cursor = self._operator.tracker.last_taken, self._emitter.cursor
        if taken is not None:
            self._publisher.move_cursor(max(0 if cursor is None else cursor.published, taken))
        return text

    def _version(self) -> tuple[int | None, ...]:
        """Changes when there is something new to save, or Redis may have lost what was saved.

        An event counts when it is read, and again when it is taken.
        """
        taken = self._operator.tracker.last_taken
        return self._operator.counters.events, taken, self._store.done, self._publisher.link.connects
