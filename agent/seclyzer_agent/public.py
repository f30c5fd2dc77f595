"""What anybody on the host may read: states as they are, figures once a minute.

A counter that moves with each event, read again and again, shows when a person types. So figures are taken once a
minute and shown unchanged until the next time, and times of events are rounded down to the minute. Whether a check
passes, warns or fails is shown as it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from . import process, registry
from .exposition import Family
from .hour import Hour, Point
from .model import Entry
from .snapshot import Shown, Snapshot, View

log = logging.getLogger("seclyzer_agent")

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures of this minute: all checks as they were, and the agent's own process."""

    snapshot: Snapshot
    process: tuple[Family, ...]
    at: float  # s, monotonic


class Public:
    """Keeps the figures of this minute and of the last hour, and shows snapshots with those of this minute."""

    def __init__(self) -> None:
        self._kept: Kept | None = None
        self._hour = Hour()

    def take(self, snapshot: Snapshot) -> None:
        """Keep the figures of this snapshot when the last ones are a minute old; the first once all was read."""
        now = time.monotonic()
        if snapshot.ready and (self._kept is None or now - self._kept.at >= MINUTE):
            self._kept = Kept(coarse(snapshot), tuple(process.families()), now)
            self._hour.add(self._kept.snapshot)

    def of(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as anybody may see it."""
        return public(snapshot, self._kept.snapshot if self._kept is not None else None)

    @property
    def points(self) -> tuple[Point, ...]:
        """The figures of each minute of the last hour, those of this one last."""
        return self._hour.points

    @property
    def process(self) -> Iterable[Family]:
        """The figures of the agent's own process."""
        return self._kept.process if self._kept is not None else ()


def coarse(snapshot: Snapshot) -> Snapshot:
    """The snapshot without times of events that are finer than a minute."""
    return replace(snapshot, views=tuple(replace(view, facts=_coarse(view)) for view in snapshot.views))


def _coarse(view: View) -> Any:
    """The facts as their check makes them coarse; none when it fails."""
    spec = registry.spec_of(view.name)
    if spec is None or view.facts is None:
        return view.facts
    try:
        return spec.coarse(view.facts)
    except Exception:
        log.exception("a check is broken", extra={"fields": {"check": view.name}, "often": True})
        return None


def public(now: Snapshot, kept: Snapshot | None) -> Snapshot:
    """What is so now, with the figures that were kept."""
    before = {view.name: view for view in kept.views} if kept is not None else {}
    return replace(now, views=tuple(_view(view, before.get(view.name)) for view in now.views))


def _view(now: View, kept: View | None) -> View:
    before = {(s.entry.measurement, s.entry.component): s for s in kept.shown} if kept is not None else {}
    shown = tuple(_aged(_shown(s, before.get((s.entry.measurement, s.entry.component)))) for s in now.shown)
    spec = registry.spec_of(now.name)
    live = spec is not None and spec.state_facts
    facts = now.facts if live else kept.facts if kept is not None else None
    duration = kept.state.duration if kept is not None else 0.0
    ended = now.state.ended_at and float(int(now.state.ended_at))  # to the ms it would show how busy Redis was
    return View(replace(now.state, duration=duration, ended_at=ended), shown, facts)


def _aged(shown: Shown) -> Shown:
    """Since when it is so, to the minute: what fails with the next event would show when that came."""
    entry = replace(shown.entry, since=shown.entry.since // MINUTE * MINUTE)
    return replace(shown, entry=entry, since=shown.since // MINUTE * MINUTE)


def _shown(now: Shown, kept: Shown | None) -> Shown:
    entry, now = now.entry, replace(now, read_at=float(int(now.read_at)))
    if not entry.figures:
        return now
    if entry.plain:
        return replace(now, entry=replace(entry, value=None, unit=None, output=entry.plain))
    if kept is not None and kept.status is now.status and kept.entry.status is entry.status:
        return replace(now, entry=kept.entry, read_at=float(int(kept.read_at)))
    return replace(now, entry=replace(entry, value=None, unit=None, output=_without(now, entry)))


def _without(now: Shown, entry: Entry) -> str:
    """The words for a state whose figures are of another one."""
    what = entry.measurement if entry.measurement == entry.component else f"{entry.component}: {entry.measurement}"
    return f"{what}: {now.status.word}; its figures are shown once a minute"
