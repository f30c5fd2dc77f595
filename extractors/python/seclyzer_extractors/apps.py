"""Which application has the focus: focuses in order of time in, transitions and patterns out. Pure."""

from typing import Any, NamedTuple

from .event import Focus
from .features import Value, ordering
from .patterns import Patterns


class Transition(NamedTuple):
    """The focus went from one application to another at `ts` (µs); the first had had it for `duration_ms`."""

    ts: int
    from_app: str
    to_app: str
    duration_ms: int
    dev_mode: bool

    def features(self) -> tuple[Value, ...]:
        """In the schema's order."""
        return _in_order(self._asdict())


_in_order = ordering("app", dict.fromkeys(Transition._fields[1:], 0))


class Focused(NamedTuple):
    """The application that has the focus, since `since` (µs)."""

    app: str
    since: int
    dev_mode: bool


class Tracker:
    """Follows the focus. `dev_mode` is the process's own."""

    def __init__(self, dev_mode: bool) -> None:
        self.dev_mode = dev_mode
        self.current: Focused | None = None
        self.last_taken: int | None = None  # ts of the last event taken
        self.patterns = Patterns()

    def take(self, focus: Focus) -> Transition | None:
        """The transition that this focus makes, if any: the first and a repeat of the same app make none."""
        self.last_taken = focus.ts
        if focus.dev_mode:
            self.patterns.dev_mode = True
        before = self.current
        if before is not None and before.app == focus.app:
            return None
        self.current = Focused(focus.app, focus.ts, focus.dev_mode)
        self.patterns.gained(focus.app, focus.ts)
        if before is None:
            return None
        duration_us = focus.ts - before.since
        self.patterns.moved(before.app, focus.app, duration_us)
        dev_mode = before.dev_mode or focus.dev_mode or self.dev_mode
        return Transition(focus.ts, before.app, focus.app, duration_us // 1000, dev_mode)

    def lose(self) -> None:
        """No application is current: the clock was set back."""
        self.current = None

    def document(self) -> dict[str, Any]:
        """The patterns as JSON has them."""
        return self.patterns.document(self.dev_mode)

    def dump(self) -> dict[str, Any]:
        current = self.current
        return {
            "current": current and {"app": current.app, "since": current.since, "dev_mode": current.dev_mode},
            "taken_ts": self.last_taken,
            **self.patterns.dump(),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Goes on from what `dump` wrote; KeyError, TypeError or ValueError when it did not."""
        patterns = Patterns.load(dumped)
        current, taken = dumped["current"], dumped["taken_ts"]
        self.current = current and Focused(str(current["app"]), int(current["since"]), bool(current["dev_mode"]))
        self.last_taken = None if taken is None else int(taken)
        self.patterns = patterns
