"""The snapshot as Prometheus metrics, each from the facts of its check. Labels are bounded by the configuration.

A metric that is malformed (its function fails, a value is no number, labels are not those stated) is left out, fails no
scrape, and sets `seclyzer_check_metrics_success` of its check to 0.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import process, registry
from .distribution import Distribution
from .exposition import Family, end_of, kind_of, lines
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


@dataclass(frozen=True, slots=True)
class Block:
    """The metrics of one spec as text, the facts that they were made from, and whether those of each check are good."""

    sources: tuple[Any, ...]
    text: bytes
    good: Mapping[str, bool]

    def is_of(self, sources: tuple[Any, ...]) -> bool:
        """Whether these are the same objects: facts are made anew by each reading, and never changed."""
        return len(sources) == len(self.sources) and all(a is b for a, b in zip(sources, self.sources, strict=True))


class Exposition:
    """Writes metrics in the format that an Accept header asks for.

    What has been written is kept, and written anew where a check has brought other facts: one for those who see all,
    and one for those who see what `public` shows, have each their own.
    """

    def __init__(self, specs: Sequence[Spec] | None = None) -> None:
        self._specs = registry.specs() if specs is None else specs
        self._blocks: dict[tuple[str, str], Block] = {}

    def write(
        self, accept: str, now: Snapshot, figures: Snapshot, own: Iterable[Family] | None = None
    ) -> tuple[bytes, str]:
        """Body and Content-Type: states of `now`, figures of `figures`, and those of the agent's own process."""
        kind = kind_of(accept)
        blocks = [self._block(spec, kind, now, figures) for spec in self._specs]
        good = {name: good for block in blocks for name, good in block.good.items()}
        first = lines([*_runs(figures, good), *_findings(now)], kind)
        last = lines(process.families() if own is None else own, kind)
        return b"".join((first, *(block.text for block in blocks), last, end_of(kind))), kind

    def _block(self, spec: Spec, kind: str, now: Snapshot, figures: Snapshot) -> Block:
        """What of a spec is shown: states of `now`, and of `figures`, which may be older, what shows activity."""
        seen = {view.name: view.facts for view in now.views}
        older = {view.name: view.facts for view in figures.views}
        running = [name for name in spec.names if name in seen]
        sources = (*running, *(facts.get(name) for name in running for facts in (seen, older)))
        key = (spec.names[0], kind)
        kept = self._blocks.get(key)
        if kept is not None and kept.is_of(sources):
            return kept
        good = dict.fromkeys(running, True)
        made: list[Family] = []
        for metric in spec.metrics:
            family = Family(metric.name, metric.kind, metric.help, metric.labels)
            for name in running:
                good[name] &= _fill(family, metric, name, (seen if metric.state else older).get(name))
            if family.samples or family.distributions:
                made.append(family)
        self._blocks[key] = Block(sources, lines(made, kind), good)
        return self._blocks[key]


def _fill(family: Family, metric: Metric, name: str, facts: Any) -> bool:
    """Add the samples of one check; all of them or none. Whether they could be made."""
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
