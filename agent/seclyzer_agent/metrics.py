"""The snapshot as Prometheus metrics, each from the facts of its check. Labels are bounded by the configuration.

A metric that is malformed (its function fails, a value is no number, labels are not those stated) is left out, fails no
scrape, and sets `seclyzer_check_metrics_success` of its check to 0.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from . import process, registry
from .distribution import Distribution
from .exposition import Family, encode, kind_of
from .findings import Finding, findings
from .snapshot import Snapshot
from .spec import Metric, Sample, Spec

log = logging.getLogger("seclyzer_agent")

RUNS = (
    ("seclyzer_check_status", "Damped status of a check: 0 pass, 1 warn, 2 fail"),
    ("seclyzer_check_duration_seconds", "Time that the last run of a check took"),
    ("seclyzer_check_last_run_timestamp_seconds", "Unix time at which a check's last run ended"),
    ("seclyzer_check_metrics_success", "1 when all metrics of a check could be made from its last run"),
)
"""Name and help of the metrics that every check has."""


FINDINGS = (
    ("seclyzer_finding_status", "What is wrong, by its entry in docs/runbook.md: 1 warn, 2 fail"),
    ("seclyzer_finding_since_timestamp_seconds", "Unix time since when it is, to the minute"),
)
"""Name and help of the metrics of what is wrong; its names are those of the catalog."""
MINUTE = 60


class Exposition:
    """Writes metrics in the format that an Accept header asks for."""

    def __init__(self, specs: Sequence[Spec] | None = None) -> None:
        self._specs = registry.specs() if specs is None else specs

    def write(
        self, accept: str, now: Snapshot, figures: Snapshot, own: Iterable[Family] | None = None
    ) -> tuple[bytes, str]:
        """Body and Content-Type: states of `now`, figures of `figures`, and those of the agent's own process."""
        kind = kind_of(accept)
        made = [*families(now, figures, self._specs), *(process.families() if own is None else own)]
        return encode(made, kind), kind


def families(now: Snapshot, figures: Snapshot, specs: Sequence[Spec]) -> list[Family]:
    """All metrics but those of the process. What shows activity is taken from `figures`, which may be older."""
    names = {view.name for view in now.views}
    made: list[Family] = []
    good: dict[str, bool] = dict.fromkeys((view.name for view in now.views), True)
    for spec in specs:
        running = [name for name in spec.names if name in names]
        for metric in spec.metrics:
            family = _family(metric)
            for name in running:
                source = now if metric.state else figures
                good[name] &= _fill(family, metric, name, source)
            if family.samples or family.distributions:
                made.append(family)
    return [*_runs(figures, good), *_findings(now), *made]


def _family(metric: Metric) -> Family:
    return Family(metric.name, metric.kind, metric.help, metric.labels)


def _fill(family: Family, metric: Metric, name: str, source: Snapshot) -> bool:
    """Add the samples of one check; all of them or none. Whether they could be made."""
    facts = source.facts(name)
    if facts is None and not metric.when_unread:
        return True
    seen = {values for values, _ in (*family.samples, *family.distributions)}
    try:
        samples = [_checked(metric, sample) for sample in metric.samples(name, facts)]
        labels = [sample[0] for sample in samples]
        if len({*seen, *labels}) < len(seen) + len(labels):
            raise ValueError("two samples have the same labels")
    except Exception:
        log.exception("a metric is broken", extra={"fields": {"check": name, "metric": metric.name}, "often": True})
        return False
    for values, value in samples:
        family.add(values, value)
    return True


def _checked(metric: Metric, sample: Sample) -> Sample:
    """The sample, if a scraper can read it. Raises ValueError, TypeError, OverflowError."""
    values, value = sample
    if isinstance(value, Distribution) is not (metric.kind == "histogram"):
        raise TypeError(f"{metric.name} is a {metric.kind} and cannot be a {type(value).__name__}")
    if len(values) != len(metric.labels) or not all(isinstance(label, str) for label in values):
        raise ValueError(f"{metric.name} needs a text for each of {metric.labels}")
    "".join(values).encode()  # a lone surrogate would fail the whole scrape
    if isinstance(value, Distribution):
        return tuple(values), value
    if not isinstance(value, (int, float)):
        raise TypeError(f"{metric.name} needs a number")
    number = float(value)
    if metric.kind == "counter" and not 0 <= number < float("inf"):
        raise ValueError(f"{metric.name} is a counter and cannot be {number}")
    return tuple(values), number


def _findings(snapshot: Snapshot) -> Iterator[Family]:
    """What is wrong, each of a name once."""
    status, since = (Family(name, "gauge", words, ("finding",)) for name, words in FINDINGS)
    by_name: dict[str, list[Finding]] = {}
    for one in findings(snapshot):
        by_name.setdefault(one.name, []).append(one)
    for name, those in by_name.items():
        status.add([name], int(max(one.status for one in those)))
        since.add([name], min(one.since for one in those) // MINUTE * MINUTE)
    yield from (status, since)


def _runs(snapshot: Snapshot, good: dict[str, bool]) -> Iterator[Family]:
    """What is known of each check's runs."""
    status, duration, ended, success = (Family(name, "gauge", words, ("check",)) for name, words in RUNS)
    for view in snapshot.views:
        status.add([view.name], int(view.status))
        if view.state.ended_at is not None:
            duration.add([view.name], view.state.duration)
            ended.add([view.name], view.state.ended_at)
        success.add([view.name], 1 if good.get(view.name) else 0)
    yield from (status, duration, ended, success)
