"""The agent's knowledge at one moment, as a value: what the answers, metrics and page are made from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from .hysteresis import Damped, step
from .manifest import Deployment
from .model import Check, Entry, Pace, Status, Unreadable
from .places import USUAL, Places

STALE_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry with its damped status, when it was read, and since when it is shown so (Unix s)."""

    entry: Entry
    damped: Damped
    read_at: float
    since: float = 0.0

    @property
    def status(self) -> Status:
        """The status to show."""
        return self.damped.shown


@dataclass(frozen=True, slots=True)
class CheckState:
    """One check as its last run left it.

    `ended` is monotonic s, `ended_at` Unix s, both None before the first run. `primary` is the entry that
    stands for the check when there is no other; `duration` is in s.
    """

    name: str
    interval: float
    deadline: float
    rise: int
    fall: int
    primary: Entry
    shown: tuple[Shown, ...] = ()
    facts: Any = None
    ended: float | None = None
    ended_at: float | None = None
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """A check as seen at one moment: stale readings are fails, and stale facts are no facts."""

    state: CheckState
    shown: tuple[Shown, ...]
    facts: Any

    @property
    def name(self) -> str:
        """The check's name."""
        return self.state.name

    @property
    def status(self) -> Status:
        """The worst of its entries."""
        return max((s.damped.shown for s in self.shown), default=Status.PASS)

    @property
    def output(self) -> str:
        """The sentences of what is not well, or `all well`."""
        bad = [s.entry.output for s in self.shown if s.status is self.status and s.status is not Status.PASS]
        return "; ".join(dict.fromkeys(bad)) or "all well"


def view(state: CheckState, *, now: float, wall: float, started: float) -> View:
    """Look at a check at `now` (monotonic s; `wall` the same in Unix s); the agent started at `started`."""
    if state.ended is None:
        wait = "; its first reading is under way"
        if now - started > STALE_INTERVALS * state.interval:
            wait = f", for {now - started:.0f} s now"
        return View(state, (_failed(state.primary, f"not read yet{wait}", wall),), None)
    age = now - state.ended
    if age <= STALE_INTERVALS * state.interval:
        return View(state, state.shown, state.facts)
    words = f"not read for {age:.0f} s, though due every {state.interval:g} s"
    kept = tuple(_failed(s.entry, words, s.read_at) for s in state.shown)
    return View(state, kept or (_failed(state.primary, words, wall),), None)


def _failed(entry: Entry, words: str, read_at: float) -> Shown:
    late = replace(unreadable(entry, words), unread=True)
    return Shown(late, Damped(Status.FAIL, (Status.FAIL,)), read_at, read_at)


def unreadable(entry: Entry, words: str, plain: str = "") -> Entry:
    """The entry of a thing that could not be read, with the reason: unknown is a failure.

    `plain` is the reason for anybody, where the words hold figures.
    """
    output, plainly = (_named(entry, reason) for reason in (words, plain or words))
    return replace(entry, status=Status.FAIL, value=None, unit=None, output=output, plain=plainly)


def _named(entry: Entry, words: str) -> str:
    return words if words.lower().startswith(entry.component.lower()) else f"{entry.component}: {words}"


def shown_after(entry: Entry, before: Shown | None, pace: Pace, wall: float) -> Shown:
    """An entry that was read at `wall` (Unix s), as it is to be shown after what was shown before.

    The first one that is read again counts at once, as the first of all does.
    """
    known = before is not None and (entry.unread or not before.entry.unread)
    damped = step(before.damped if before and known else None, entry.status, rise=pace.rise, fall=pace.fall)
    since = before.since if before is not None and before.status is damped.shown else wall
    return Shown(entry, damped, wall, since)


def all_failed(check: Check, before: CheckState, why: Unreadable) -> tuple[Entry, ...]:
    """A reading that failed as a whole: everything the check ever showed is unknown, and that is a fail."""
    known = tuple(s.entry for s in before.shown) or (check.primary,)
    entries = (unreadable(e, str(why), why.plain) for e in known)
    return tuple(replace(e, finding=why.finding or e.finding, unread=why.unread) for e in entries)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All checks at one moment (`wall`, Unix s), and where the parts of this host are."""

    host: str
    wall: float
    views: tuple[View, ...]
    places: Places = USUAL

    @property
    def ready(self) -> bool:
        """Whether every check has ended once."""
        return not self.waiting

    @property
    def waiting(self) -> tuple[str, ...]:
        """The names of the checks that have not ended once."""
        return tuple(v.name for v in self.views if v.state.ended is None)

    @property
    def status(self) -> Status:
        """The worst of all checks."""
        return max((v.status for v in self.views), default=Status.PASS)

    def facts(self, check: str) -> Any:
        """The facts of a check, or None."""
        return next((v.facts for v in self.views if v.name == check), None)

    @property
    def deployment(self) -> Deployment | None:
        """What is deployed here, as far as it is known."""
        found = self.facts("deployment")
        return found if isinstance(found, Deployment) else None

    def without(self, excluded: Collection[str]) -> Snapshot:
        """The snapshot less the checks (`redis`) and measurements (`redis:memory`) that are named."""
        views = (
            replace(v, shown=tuple(s for s in v.shown if f"{v.name}:{s.entry.measurement}" not in excluded))
            for v in self.views
            if v.name not in excluded
        )
        return replace(self, views=tuple(v for v in views if v.shown or not v.state.shown))
