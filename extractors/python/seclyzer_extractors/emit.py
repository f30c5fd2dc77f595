"""Rows to where they go: InfluxDB's store and Redis' publisher; neither waits for the other."""

from collections import deque

from . import output
from .config import Settings
from .core import Row
from .counters import Counters
from .cursor import Cursor
from .publish import Publisher
from .schema import Kind
from .store import Store


class Emitter:
    """Emits each row once: what the last run published or stored, by the cursor, does not go out again.

    Transitions move the cursor with the saved state (see `checkpoint`), windows move it by themselves.
    """

    def __init__(
        self,
        kind: Kind,
        settings: Settings,
        counters: Counters,
        store: Store,
        publisher: Publisher,
        unstored: "deque[tuple[int, Row]] | None" = None,
    ) -> None:
        self.cursor: Cursor | None = None  # in force for what is read again after a start
        self._kind = kind
        self._line = output.LineProtocol(kind, settings.user_id, settings.device_id, settings.host).line
        self._counters = counters
        self._store = store
        self._publisher = publisher
        self._unstored = unstored  # (number of the point, row), for a saved state; None where there is none

    def emit(self, rows: list[Row], closed_at: int) -> None:
        """Rows whose windows closed at `closed_at` (monotonic µs)."""
        for row in rows:
            stored = self.cursor is None or row.ts > self.cursor.stored
            published = self.cursor is None or row.ts > self.cursor.published
            if stored or published:
                self._counters.emitted(row.ts)
            if stored:
                self.to_store(row)
            if published:
                self._publisher.put(output.feature_json(self._kind, row), closed_at)
                if self._unstored is None:
                    self._publisher.move_cursor(row.ts)

    def to_store(self, row: Row) -> None:
        number = self._store.put(self._line(row), row.ts)
        if self._unstored is not None:
            self._unstored.append((number, row))
