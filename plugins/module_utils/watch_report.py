"""What a watch saw, from its samples: what ran, what was lost, what was wrong, what was not seen; and which gates are
passed. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from .before import LOSSES
from .watch_plan import Plan, Sample

MISSED = 2.5
"""So many times the time between two samples may pass before it is a gap."""
POINTS = 300
"""Of a series at most, for its plot."""
SENTENCES = 10
SWITCH_S = 60
"""So long after `current` moved, processes of it are still being started: what a look saw then is of the switch."""
ROOM = 1.2
"""Times the baseline's memory that a program may take."""


@dataclass
class Kind:
    """What one extractor did. `series`: time (Unix s), memory (MiB), CPU (%)."""

    by: list[str] = field(default_factory=list)
    restarts: int = 0
    switches: int = 0
    events: int = 0
    windows: int = 0
    points_written: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    mib: float = 0.0
    cpu: float | None = None
    series: list[tuple[float, float, float | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Gap:
    """A time that was not seen, Unix s, and why."""

    since: float
    until: float
    why: str


@dataclass(frozen=True)
class Gate:
    """A row of the checklist."""

    words: str
    passed: bool
    why: str = ""


@dataclass(frozen=True)
class Baseline:
    """What `playbooks/bench.yml` measured of an implementation under 1000 events/s.

    `mib`: of the largest program. `cpu`: % of a core, of all programs.
    """

    mib: float
    cpu: float


def report(plan: Plan, samples: Iterable[Sample], now: float, baseline: Mapping[str, Baseline]) -> dict[str, Any]:
    """The report, for JSON. `now`: Unix s, up to which there could be samples."""
    lines = list(samples)
    until = min(now, plan.until)
    seen = [line for line in lines if "kinds" in line]
    names = list(dict.fromkeys(kind for line in seen for kind in line["kinds"]))
    moved = _moved(seen)
    kinds = {name: _kind(name, seen, moved) for name in names}
    gaps = _gaps(plan, lines, until)
    states = [_state(line, moved) for line in lines if "state" in line or "blind" in line]
    health = {state: states.count(state) for state in ("pass", "warn", "fail", "blind", "switching")}
    return {
        "plan": asdict(plan),
        "until": until,
        "over": now >= plan.until,
        "samples": len(states),
        "health": health,
        "faults": _faults(lines),
        "gaps": [asdict(gap) for gap in gaps],
        "kinds": {name: asdict(kind) | {"series": _thin(kind.series)} for name, kind in kinds.items()},
        "baseline": {name: asdict(one) for name, one in baseline.items()},
        "gates": [asdict(gate) for gate in _gates(plan, now, gaps, kinds, health, baseline)],
    }


def _moved(seen: Sequence[Sample]) -> list[float]:
    """When another deployment was first seen to run."""
    return [other["t"] for one, other in pairwise(seen) if one.get("deployment") != other.get("deployment")]


def _of_switch(t: float, moved: Sequence[float]) -> bool:
    return any(at <= t <= at + SWITCH_S for at in moved)


def _state(line: Sample, moved: Sequence[float]) -> str:
    state = str(line.get("state", "blind"))
    return "switching" if state in ("fail", "blind") and _of_switch(line["t"], moved) else state


def _kind(name: str, seen: Sequence[Sample], moved: Sequence[float]) -> Kind:
    """One extractor over all samples; counters that began anew with its process are added up."""
    found, last = Kind(), dict[str, Any]()
    cpu_s = passed_s = 0.0
    for line in seen:
        one = line["kinds"].get(name)
        if one is None:
            continue
        same = bool(last) and one["life"] == last["life"]
        if last and not same:
            if _of_switch(line["t"], moved):
                found.switches += 1
            else:
                found.restarts += 1
        base = last if same else {} if last else one  # what was there before the watch is none of it
        for counter in ("events", "windows", "points_written"):
            setattr(found, counter, getattr(found, counter) + max(one.get(counter, 0) - base.get(counter, 0), 0))
        for loss, n in one.get("lost", {}).items():
            if (more := n - base.get("lost", {}).get(loss, 0)) > 0:
                found.lost[loss] = found.lost.get(loss, 0) + more
        cpu = None
        if same and "cpu_s" in one and "cpu_s" in last and line["t"] > last["t"]:
            used, took = one["cpu_s"] - last["cpu_s"], line["t"] - last["t"]
            cpu_s, passed_s = cpu_s + used, passed_s + took
            cpu = round(100 * used / took, 3)
        if "mib" in one:
            found.mib = max(found.mib, one["mib"])
            found.series.append((line["t"], one["mib"], cpu))
        if one.get("by") and one["by"] not in found.by:
            found.by.append(one["by"])
        last = {**one, "t": line["t"]}
    found.cpu = round(100 * cpu_s / passed_s, 3) if passed_s else None
    return found


def _gaps(plan: Plan, lines: Sequence[Sample], until: float) -> list[Gap]:
    """The times between two looks, or before the first or after the last, that are longer than they should be."""
    looks = [line for line in lines if "state" in line or "blind" in line]
    starts = [float(line["t"]) for line in lines if "started" in line]
    longest = MISSED * plan.every
    if not looks:
        return [Gap(plan.began, until, "no sample was taken")] if until - plan.began > longest else []
    found = []
    if looks[0]["t"] - plan.began > longest:
        found.append(Gap(plan.began, looks[0]["t"], "the sampler began late"))
    for one, other in pairwise(looks):
        if other["t"] - one["t"] > longest:
            again = any(one["t"] < start <= other["t"] for start in starts)
            booted = one.get("boot") != other.get("boot")
            why = "the machine was restarted" if booted else "the sampler was started again" if again else ""
            found.append(Gap(one["t"], other["t"], why or "the sampler took no sample"))
    if until - looks[-1]["t"] > longest:
        found.append(Gap(looks[-1]["t"], until, "the sampler does not run"))
    return found


def _faults(lines: Sequence[Sample]) -> list[dict[str, Any]]:
    """The sentences that looks had, the most frequent first, with their first and last time."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        for words in [*line.get("faults", ()), *([line["blind"]] if "blind" in line else ())]:
            one = found.setdefault(str(words), {"words": str(words), "first": line["t"], "times": 0})
            one["last"], one["times"] = line["t"], one["times"] + 1
    return sorted(found.values(), key=lambda one: -one["times"])[:SENTENCES]


def _gates(
    plan: Plan,
    now: float,
    gaps: Sequence[Gap],
    kinds: Mapping[str, Kind],
    health: Mapping[str, int],
    baseline: Mapping[str, Baseline],
) -> list[Gate]:
    left = plan.until - now
    missed = sum(gap.until - gap.since for gap in gaps)
    restarts = _named(kinds, lambda kind: kind.restarts)
    lost = [f"{name}: {n} {LOSSES[loss]}" for name, kind in kinds.items() for loss, n in kind.lost.items()]
    windows, points = (sum(getattr(kind, what) for kind in kinds.values()) for what in ("windows", "points_written"))
    idle = "none: no event came"
    bad = health["fail"] + health["blind"]
    return [
        Gate("the whole time was watched", left <= 0 and not gaps, _time_words(left, missed, len(gaps))),
        Gate("every extractor was seen and none was restarted", bool(kinds) and not restarts, ", ".join(restarts)),
        Gate("windows came out", windows > 0, counted(windows, "window") if windows else idle),
        Gate("InfluxDB confirmed points", points > 0, counted(points, "point")),
        Gate("nothing was lost", bool(kinds) and not lost, "; ".join(lost)),
        Gate(
            "health never failed",
            sum(health.values()) > 0 and not bad,
            f"{bad} of {counted(sum(health.values()), 'look')}" if bad else "",
        ),
        _memory(kinds, baseline),
        _cpu(kinds, baseline),
    ]


def _named(kinds: Mapping[str, Kind], count: Any) -> list[str]:
    return [f"{name} {counted(count(kind), 'time')}" for name, kind in kinds.items() if count(kind)]


def _time_words(left: float, missed: float, gaps: int) -> str:
    words = [f"{span(left)} left"] if left > 0 else []
    return ", ".join([*words, *([f"{span(missed)} not seen, in {counted(gaps, 'gap')}"] if gaps else [])])


def _memory(kinds: Mapping[str, Kind], baseline: Mapping[str, Baseline]) -> Gate:
    words = f"memory is at most {ROOM:g} times the baseline's"
    if (unknown := _unknown(kinds, baseline)) or not kinds:
        return Gate(words, False, unknown or "no extractor was seen")
    over, all_of = [], []
    for name, kind in kinds.items():
        limit = ROOM * max(baseline[by].mib for by in kind.by)
        figure = f"{name} {kind.mib:.1f} of {limit:.1f} MiB"
        all_of.append(figure)
        over += [figure] if kind.mib > limit else []
    return Gate(words, not over, ", ".join(over or all_of))


def _cpu(kinds: Mapping[str, Kind], baseline: Mapping[str, Baseline]) -> Gate:
    """The baseline is that of a load that no person makes."""
    words = "CPU time is at most the baseline's of 1000 events/s"
    if (unknown := _unknown(kinds, baseline)) or not kinds:
        return Gate(words, False, unknown or "no extractor was seen")
    known = [kind.cpu for kind in kinds.values() if kind.cpu is not None]
    limit = max(baseline[by].cpu for kind in kinds.values() for by in kind.by)
    return Gate(words, bool(known) and sum(known) <= limit, f"{sum(known):.2f} of {limit:.2f} %")


def _unknown(kinds: Mapping[str, Kind], baseline: Mapping[str, Baseline]) -> str:
    missing = sorted({by for kind in kinds.values() for by in kind.by} - baseline.keys())
    return f"there is no baseline of {', '.join(missing)}: -e gate=before makes one" if missing else ""


def _thin(series: Sequence[tuple[float, float, float | None]]) -> list[tuple[float, float, float | None]]:
    """At most POINTS of a series: of each stretch the sample with the most memory, so that no peak is lost."""
    stretch = -(-len(series) // POINTS)
    parts = [series[at : at + stretch] for at in range(0, len(series), stretch or 1)]
    return [(part[0][0], max(one[1] for one in part), _most(part)) for part in parts]


def _most(part: Sequence[tuple[float, float, float | None]]) -> float | None:
    return max((cpu for _, _, cpu in part if cpu is not None), default=None)


def counted(number: int, what: str, many: str = "") -> str:
    """A number of things in words: `1 look`, `2 looks`; `many` where an `s` does not make it plural."""
    return f"{number} {what if number == 1 else many or f'{what}s'}"


def span(seconds: float) -> str:
    """A time in words: `2 h 5 min`, `40 s`."""
    whole = max(round(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes or not hours else [])])
