"""The way of the data, stage by stage: does it flow, is there nothing to do, or is it broken.

Pure: made from a snapshot and the points of the last hour. Made from one that anybody may see it is for anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from . import hour
from .facts import ExtractorFacts
from .history import entry_seconds
from .hour import Point, Seen
from .kinds import KINDS
from .model import Refused, Status
from .sizes import amount
from .snapshot import Shown, Snapshot, View

FLOWS, IDLE, RUNS, TROUBLE, BROKEN, CUT_OFF, UNKNOWN = (
    "flows", "idle", "runs", "trouble", "broken", "cut off", "not known"
)  # fmt: skip
"""States of a stage. `idle`: nothing came for a while, and nothing is wrong; `cut off`: one before it is broken."""

FRESH = 180.0
"""Younger than this (s) is flowing; times of events may be a minute old and rounded down by another."""

STAGES = ("producer", "stream", "read", "window", "published", "stored")
"""Of an extractor: who makes events, the stream in Redis, and what the extractor does, in order."""
JUDGES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "producer": (("", "clock"), ("", "errors"), ("redis", "refusals")),
    "stream": (("redis", "responseTime"), ("redis", "memory"), ("", "stream")),
    "read": (("", "heartbeat"), ("", "lag")),
    "window": (("", "windows"),),
    "published": (("", "outputs"),),
    "stored": (("", "store"), ("", "spool"), ("", "losses")),
}
"""The check (empty: the extractor's own) and the measurement that judge a stage. What is lost is not stored."""
ONLY = {"errors": "events-skipped"}
"""Of these measurements only this finding: other errors are no producer's."""
STORE = {
    "gateway": (("units", "influxdb-gateway.service"),),
    "influxdb": (("units", "influxdb.service"), ("influxdb", "influxdb")),
    "counted again": (("points", "influxdb"),),
}
"""The stages on a store, and the check and component that judge each."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `at` is when it last had something (Unix s, 0 for never or not known), `rate` is a minute."""

    name: str
    state: str
    at: float = 0.0
    rate: float | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """The stages of one extractor, or of the store, in the order in which data passes them."""

    name: str
    stages: tuple[Stage, ...]


def ways(snapshot: Snapshot, points: tuple[Point, ...]) -> tuple[Way, ...]:
    """One for each extractor of this host, and one for the store where it is one."""
    views = {view.name: view for view in snapshot.views}
    found = [_extractor(snapshot, views, kind, points) for kind in KINDS if kind in views]
    store = [
        _running(name, worst)
        for name, judges in STORE.items()
        if (worst := _worst(_shown(views, judges, lambda shown: shown.entry.component))) is not None
    ]
    if "points" in views or any(stage.name == "gateway" for stage in store):
        found.append(Way("store", tuple(store)))
    return tuple(found)


def _extractor(snapshot: Snapshot, views: Mapping[str, View], kind: str, points: tuple[Point, ...]) -> Way:
    facts = views[kind].facts
    known = isinstance(facts, ExtractorFacts) and facts.stats is not None
    times, words = _times(facts), _words(facts)
    stages: list[Stage] = []
    for name in STAGES:
        judges = [(check or kind, measurement) for check, measurement in JUDGES[name] if check or facts is not None]
        worst = _worst(_shown(views, judges, lambda shown: shown.entry.measurement))
        what, rate = words.get(name, ""), _rate(points, kind, name)
        if worst is not None and worst.status is not Status.PASS:
            state, what = (BROKEN if worst.status is Status.FAIL else TROUBLE), worst.entry.output
        elif any(stage.state == BROKEN for stage in stages):
            state, rate = CUT_OFF, None
        elif not known:
            state, rate = UNKNOWN, None
        else:
            state = FLOWS if snapshot.wall - _moved(name, times) < FRESH else IDLE
        stages.append(Stage(name, state, times.get(name, 0.0), rate, what))
    return Way(kind, tuple(stages))


def _moved(name: str, times: Mapping[str, float]) -> float:
    """When something passed a stage: what is written to the store is also a write of nothing, once a minute."""
    return times.get("window" if name in ("published", "stored") else name, 0.0)


def _times(facts: object) -> dict[str, float]:
    """When each stage last had something, Unix s."""
    if not isinstance(facts, ExtractorFacts) or facts.stats is None:
        return {}
    stats, read = facts.stats, entry_seconds(facts.stats.last_id or "0-0")
    event, window, answered = (
        stats[name] / 1e6 for name in ("last_event_ts", "last_window_ts", "influxdb_answered_at")
    )
    return {"producer": event, "stream": read, "read": read, "window": window, "published": window, "stored": answered}


def _words(facts: object) -> dict[str, str]:
    """What there is to say of a stage that is well."""
    if not isinstance(facts, ExtractorFacts):
        return {}
    words = {"stream": f"{facts.stream_length} entries kept", "published": f"{facts.list_length} kept for readers"}
    if facts.stats is not None and facts.stats["spool_bytes"]:
        words["stored"] = f"{amount(facts.stats['spool_bytes'])} wait on disk"
    return words


COUNTED: Mapping[str, Callable[[Seen], int]] = {
    **dict.fromkeys(("producer", "stream", "read"), lambda seen: seen.events),
    **dict.fromkeys(("window", "published"), lambda seen: seen.windows),
    "stored": lambda seen: seen.stored,
}
"""What is counted at each stage."""


def _rate(points: tuple[Point, ...], kind: str, name: str) -> float | None:
    """How much passed a stage in the last minute that was kept."""
    found = hour.rates(points[-2:], kind, COUNTED[name])
    return found[-1] if found else None


def _shown(views: Mapping[str, View], judges: Collection[tuple[str, str]], of: Callable[[Shown], str]) -> list[Shown]:
    """What these judges show, by measurement or component; nothing of a check that may not look, or has not yet."""
    return [
        shown
        for view in views.values()
        if view.state.ended is not None
        for shown in view.shown
        if (view.name, of(shown)) in judges and shown.entry.finding != Refused.finding
        if shown.entry.finding == ONLY.get(shown.entry.measurement, shown.entry.finding)
    ]


def _worst(shown: Iterable[Shown]) -> Shown | None:
    return max(shown, key=lambda one: one.status, default=None)


def _running(name: str, worst: Shown) -> Stage:
    """A stage of which states are known, and no figures."""
    state = {Status.PASS: RUNS, Status.WARN: TROUBLE, Status.FAIL: BROKEN}[worst.status]
    return Stage(name, state, worst.read_at, None, worst.entry.output)
