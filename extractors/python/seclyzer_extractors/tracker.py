"""The running application tracker: its state goes with every transition, its patterns follow once a minute."""

from collections import deque

from . import logs, output, schema
from .config import Settings
from .core import AppCore, Row
from .cursor import PATTERNS_KEY, STATE_KEY, dump_state, load_state, look, read_state_file, write_state_file
from .resp import Connection
from .service import SECOND, Extractor, host_time, now_us

PATTERNS_EVERY = 60 * SECOND
UNSTORED = 1000  # transitions that the saved state holds until they are stored


class AppExtractor(Extractor):
    """The app tracker: its state goes with every transition, its patterns follow once a minute."""

    core: AppCore

    def __init__(self, kind: schema.Kind, settings: Settings, wake: int) -> None:
        super().__init__(kind, settings, wake)
        self._unstored: deque[tuple[int, Row]] = deque(maxlen=UNSTORED)  # (number of the point, transition)
        self._saved_at = now_us()
        self._saved_as: tuple[int | None, ...] = self._version()

    def resume(self, connection: Connection) -> None:
        """Goes on from the state in Redis; where there is none that can be used, from the one on disk.

        That one is older, or there is none: then the cursor tells what went out before, which does not go again.
        """
        saved = look(connection, "GET", STATE_KEY)
        if saved is not None and self._go_on(saved.decode("utf-8", "replace")):
            return
        super().resume(connection)
        text = read_state_file(self.settings.state_dir)
        if text is not None:
            self._go_on(text)

    def _go_on(self, text: str) -> bool:
        """From this state, if it is one."""
        loaded = load_state(text, self.core, host_time())
        if loaded is None:
            return False
        self.source.last_id, unstored = loaded
        for row in unstored:
            self.to_store(row)
        return True

    def to_store(self, row: Row) -> None:
        self._unstored.append((self.store.put(self.line(row), row.ts), row))

    def published(self, row: Row) -> None:
        """The cursor moves with the state."""

    def flush(self, now: int) -> None:
        if now >= self._saved_at + PATTERNS_EVERY:
            self.save(now)
        elif self.publisher.has_outputs:
            self._keep_state()
        super().flush(now)

    def _keep_state(self) -> str:
        """The state as of now goes into the transaction of the transitions that wait."""
        while self._unstored and self._unstored[0][0] <= self.store.done:
            self._unstored.popleft()
        text = dump_state(self.core, self.source.last_id, [row for _, row in self._unstored])
        self.publisher.keep(STATE_KEY, text)
        if self.core.tracker.last_taken is not None:
            before = 0 if self._cursor is None else self._cursor.published
            self.publisher.move_cursor(max(before, self.core.tracker.last_taken))
        return text

    def save(self, now: int) -> None:
        """Patterns and state, when something has changed since the last time."""
        self._saved_at = now
        if self._saved_as == self._version():
            return
        self._saved_as = self._version()
        tracker = self.core.tracker
        self.publisher.keep(PATTERNS_KEY, output.patterns_json(tracker.document(), tracker.last_taken))
        text = self._keep_state()
        if self.settings.state_dir:
            try:
                write_state_file(self.settings.state_dir, text)
            except OSError as error:
                logs.error("the state file cannot be written", error=error)

    def forgotten(self, now: int) -> None:
        self._saved_as = ()
        self.save(now)

    def _version(self) -> tuple[int | None, ...]:
        """Changes when there is something new to save, or Redis may have forgotten it.

        An event counts when it is read, and again when it is taken.
        """
        taken = self.core.tracker.last_taken
        return self.core.counters.events, taken, self.store.done, self.publisher.link.connects
