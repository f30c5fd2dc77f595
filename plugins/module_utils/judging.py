"""Whether a deployment on trial is good: a verdict out of one look after another.

Nothing here reads a clock or a host. What is wrong has to last for some seconds to count, but for an end of a process,
which counts at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .before import Before
from .flows import Flow
from .leaks import leak

IDLE = "idle: no events flowed"
"""What is reported of a trial in which there was nothing to see."""
FULL = 0.8
"""Share of its memory limit that a unit may use."""
WARMED_UP = 10.0
"""Seconds after the first good look from which on memory is compared."""
STORED_WITHIN = 30.0
"""Seconds within which the points of a window are stored or kept, where the store is not waited for."""
EXPECTED = 8.0
"""Outputs that a rate like before would have brought, from which on none at all is a fault."""
MADE = ("windows", "windows_short")
"""What an extractor of windows has made of events, enough of them or not."""
WINDOWS = 3.0
"""Windows that were due, from which on too few of them is a fault."""
MALFORMED = 10
"""Messages skipped as malformed from which on their share is compared with the one before."""


@dataclass(frozen=True)
class Rules:
    """Seconds: `soak` of good looks, `idle` of them when no events flow, `patience` until the first good look, `lasts`
    for a fault to count afterwards, `deadline` for all of it. `due`: within how many seconds of events each extractor
    of windows has made one; `every`: how often it makes one from then on. `retry`: for how long an extractor may wait
    until it tries the store again.
    """

    soak: float
    deadline: float
    patience: float = 60.0
    idle: float = 10.0
    lasts: float = 8.0
    due: Mapping[str, float] = field(default_factory=dict)
    every: Mapping[str, float] = field(default_factory=dict)
    stores: bool = True
    retry: float = 60.0


@dataclass(frozen=True)
class Process:
    """A unit as systemd shows it. Memory in bytes, None when there is no figure."""

    active: str = "active"
    sub: str = "running"
    result: str = "success"
    pid: int = 0
    restarts: int = 0
    memory: int | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Look:
    """What was seen at one moment (`at`, in s): faults, what is `away` without the deployment's doing and has to be
    back before a verdict, what is `unknown` and has to be read before a good one, units, and each extractor's counters.

    `takes`: the store took a write of this host's own. `busy`, `refused`: the extractors that report that it answers
    their points with "later", or with a fault of its own.
    """

    at: float
    faults: Sequence[str] = ()
    away: Sequence[str] = ()
    unknown: Sequence[str] = ()
    takes: bool = False
    busy: Collection[str] = ()
    refused: Collection[str] = ()
    processes: Mapping[str, Process] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether it is confirmed, why so, and the units that are to blame."""

    good: bool
    why: str
    units: tuple[str, ...] = ()


class Judge:
    """Takes looks in order until it has a verdict. `before` is what stood just before the switch."""

    def __init__(self, rules: Rules, before: Before) -> None:
        self._rules, self._before = rules, before
        self._began: float | None = None
        self._waited: float = 0.0  # since when patience counts
        self._good_since: float | None = None
        self._bad_since: float | None = None
        self._pids: dict[str, int] = {}
        self._flows: dict[str, Flow] = {}
        self._memory: dict[str, list[tuple[float, int]]] = {}
        self._words = "its first look"

    def see(self, look: Look) -> Verdict | None:
        """The verdict, as soon as there is one."""
        if self._began is None:
            self._began = self._waited = look.at
        if crashed := self._crashed(look):
            return crashed
        self._restarted(look)
        faults = list(look.faults)
        if self._good_since is not None:
            self._take(look)
            faults += [*self._flow_faults(look.at), *self._memory_faults(look)]
        verdict = self._weigh(look, faults)
        if verdict is None and look.at - self._began >= self._rules.deadline:
            last = "; ".join([*faults, *look.away, *look.unknown]) or self._words
            verdict = Verdict(False, f"no verdict within {self._rules.deadline:.0f} s; at last: {last}")
        return verdict

    def _weigh(self, look: Look, faults: Sequence[str]) -> Verdict | None:
        if faults:
            if self._bad_since is None:
                self._bad_since = look.at
            proven = self._good_since is not None
            since = self._bad_since if proven else self._waited
            limit = self._rules.lasts if proven else self._rules.patience
            self._words = f"the end of a fault: {'; '.join(faults)}"
            return Verdict(False, "; ".join(faults)) if look.at - since >= limit else None
        self._bad_since = None
        if look.away:
            self._begin_anew(look.at)
            self._words = f"what is away: {'; '.join(look.away)}"
            return None
        if self._good_since is None:
            self._good_since = look.at
            self._take(look)
        return self._soaked(look)

    def _soaked(self, look: Look) -> Verdict | None:
        assert self._good_since is not None
        at, passed = look.at, look.at - self._good_since
        flows = any(flow.events_since is not None for flow in self._flows.values())
        idle = not flows and not self._before.flowed()
        needed = min(self._rules.idle, self._rules.soak) if idle else self._rules.soak
        what = self._figures(passed, idle)
        self._words = f"{passed:.0f} of {needed:.0f} s: {what}"
        if passed < needed:
            return None
        if owed := [kind for kind in self._rules.due if self._owes(kind, at)]:
            self._words = f"the first window of {', '.join(owed)}: {what}"
        elif owed := [kind for kind, flow in self._flows.items() if self._is_awaited(kind, flow)]:
            self._words = f"the first stored point of {', '.join(owed)}: {what}"
        elif look.unknown:
            self._words = f"a reading: {'; '.join(look.unknown)}"
        else:
            return Verdict(True, f"{passed:.0f} s {what}")
        return None

    def progress(self) -> str:
        """What is waited for, in a few words."""
        return self._words

    def _figures(self, passed: float, idle: bool) -> str:
        if idle or not self._flows:
            return IDLE if self._flows else "without a fault"
        events = sum(flow.grew("events") for flow in self._flows.values())
        made = sum(flow.grew("windows") for flow in self._flows.values())
        return f"with {events / max(passed, 1.0):.0f} events/s and {made} outputs"

    def _crashed(self, look: Look) -> Verdict | None:
        """An end of a process since the switch: systemd's own counter says so, however short the process lived."""
        for unit, process in sorted(look.processes.items()):
            name = _short(unit)
            older = self._before.restarts_of(unit, process.pid)
            if process.restarts > older:
                often = process.restarts - older
                times = "once" if often == 1 else f"{often} times"
                return Verdict(False, f"{name} ended and was restarted {times} since the switch", (unit,))
            if process.active == "failed":
                return Verdict(False, f"{name} failed ({process.result})", (unit,))
            if process.sub == "auto-restart":
                return Verdict(False, f"{name} ended ({process.result})", (unit,))
        return None

    def _restarted(self, look: Look) -> None:
        """Another process without an end that systemd counts was restarted by hand: the soak begins anew."""
        pids = {unit: process.pid for unit, process in look.processes.items() if process.pid}
        if any(self._pids.get(unit, pid) != pid for unit, pid in pids.items()):
            self._begin_anew(look.at)
        self._pids |= pids

    def _begin_anew(self, at: float) -> None:
        self._good_since = self._bad_since = None
        self._waited = at
        self._flows, self._memory = {}, {}

    def _take(self, look: Look) -> None:
        for kind, counters in look.counters.items():
            flow = self._flows.setdefault(kind, Flow(counters, counters))
            flow.take(counters, look.at, self._is_served(kind, look))
        warm = self._good_since is not None and look.at - self._good_since >= WARMED_UP
        for unit, process in look.processes.items():
            if process.memory is not None and warm:
                self._memory.setdefault(unit, []).append((look.at, process.memory))

    def _is_served(self, kind: str, look: Look) -> bool:
        """Whether the store would take a point of this extractor. A fault of the store's own, as a full disk, refuses
        all of a host: an extractor that reports one is not believed while points of another arrive.
        """
        if not look.takes or kind in look.busy:
            return False
        others = [flow for other, flow in self._flows.items() if other != kind and other not in look.refused]
        return kind not in look.refused or any(flow.has_stored(look.at, STORED_WITHIN) for flow in others)

    def _owes(self, kind: str, at: float) -> bool:
        """Whether an extractor of windows takes events and has made none yet, though it made some before."""
        flow = self._flows.get(kind)
        if flow is None or not flow.flows(at) or self._before.made_nothing(kind):
            return False
        return flow.grew(*MADE) <= 0

    def _windows_due(self, kind: str, flow: Flow) -> float:
        """How many windows an extractor has made at least at a rate like before; 0 where too few to compare.

        A window is due in each interval while events flow, and no more than came of so many events before.
        """
        every, due = self._rules.every.get(kind), self._rules.due.get(kind)
        if every is None or due is None:
            return 0.0
        windows = min((flow.lasted() - due) / every + 1, flow.taken() * self._before.rate(kind, *MADE))
        return windows if windows >= WINDOWS else 0.0

    def _flow_faults(self, at: float) -> list[str]:
        found: list[str] = []
        for kind, flow in sorted(self._flows.items()):
            due = self._rules.due.get(kind)
            if due is not None and flow.lasted() >= due and self._owes(kind, at):
                found.append(f"{kind} took {flow.taken()} events in {flow.lasted():.0f} s and made no window")
            elif (made := flow.grew(*MADE)) * 2 < (windows := self._windows_due(kind, flow)):
                due_by = f"{windows:.0f} windows that were due in {flow.lasted():.0f} s of events"
                found.append(f"{kind} made {made} of at least {due_by}")
            expected = flow.taken() * self._before.rate(kind)
            if due is None and expected >= EXPECTED and flow.grew("windows") <= 0:
                found.append(
                    f"{kind} took {flow.taken()} events and made no output; before, {expected:.0f} came of so many"
                )
            found += self._malformed(kind, flow) + self._unstored(kind, flow, at)
        return found

    def _malformed(self, kind: str, flow: Flow) -> list[str]:
        wrong, valid = flow.grew("malformed"), flow.grew("events")
        share, older = wrong / max(wrong + valid, 1), self._before.malformed_share(kind)
        if wrong < MALFORMED or share < 3 * older + 0.05:
            return []
        return [f"{kind} skips {share:.0%} of its messages as malformed; before, {older:.0%}"]

    def _unstored(self, kind: str, flow: Flow, at: float) -> list[str]:
        made = f"{kind} made {flow.grew('windows')} outputs"
        late = flow.made_since is not None and at - flow.made_since >= STORED_WITHIN
        if not self._rules.stores or not late:
            return []
        if flow.grew("points_written", "points_spooled", "points_dropped") <= 0:
            return [f"{made}, and neither stored nor kept a point"]
        if (until := self._stored_by(kind, flow)) is not None and at >= until:
            return [f"{made}; InfluxDB takes writes, and none of its points arrived there"]
        return []

    def _stored_by(self, kind: str, flow: Flow) -> float | None:
        """When points of an extractor that stored some before have to be in a store that takes writes; None when some
        are, or the store takes none.
        """
        since = flow.unserved_since
        if not self._rules.stores or since is None or flow.grew("points_written") > 0 or not self._before.stored(kind):
            return None
        return since + STORED_WITHIN + self._rules.retry

    def _is_awaited(self, kind: str, flow: Flow) -> bool:
        """Whether points have yet to be stored, and that they are not would be a fault before the deadline."""
        assert self._began is not None
        until = self._stored_by(kind, flow)
        return until is not None and until + self._rules.lasts < self._began + self._rules.deadline

    def _memory_faults(self, look: Look) -> list[str]:
        found: list[str] = []
        for unit, process in sorted(look.processes.items()):
            if not process.limit or process.memory is None:
                continue
            name, share = _short(unit), process.memory / process.limit
            if share >= FULL:
                found.append(f"{name} uses {share:.0%} of its memory limit")
            elif seconds := leak(self._memory.get(unit, []), process.limit):
                found.append(
                    f"{name} grows steadily and reaches its memory limit in {max(1, round(seconds / 60))} minutes"
                )
        return found


def _short(unit: str) -> str:
    return unit.removeprefix("seclyzer-").removesuffix(".service")
