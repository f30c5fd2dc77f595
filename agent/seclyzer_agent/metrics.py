"""The snapshot as Prometheus metrics, each from the facts of its check. Labels are bounded by the configuration.

A metric that is malformed (its function fails, a value is no number, labels are not those stated) is left out, fails no
scrape, and sets `seclyzer_check_metrics_success` of its check to 0.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family

from . import registry
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
    """Writes metrics in the format that an Accept header asks for. `process` holds the agent's own figures."""

    def __init__(self, specs: Sequence[Spec] | None = None) -> None:
        self._specs = registry.specs() if specs is None else specs
        self._process = ProcessCollector(registry=None)

    @staticmethod
    def kind(accept: str) -> str:
        """The Content-Type that an Accept header leads to."""
        return choose_encoder(accept)[1]

    def write(
        self, accept: str, now: Snapshot, figures: Snapshot, process: Iterable[Family] | None = None
    ) -> tuple[bytes, str]:
        """Body and Content-Type: the states of `now`, and the figures of `figures`."""
        encode, content_type = choose_encoder(accept)
        own = self._process.collect() if process is None else process
        return encode(_Families([*families(now, figures, self._specs), *own])), content_type


class _Families(CollectorRegistry):
    """Metrics that are made already, where an encoder takes a registry."""

    def __init__(self, made: list[Family]) -> None:
        super().__init__(auto_describe=False)
        self._made = made

    def collect(self) -> Iterator[Family]:
        yield from self._made


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
            if family.samples:
                made.append(family)
    return [*_runs(figures, good), *_findings(now), *made]


def _family(metric: Metric) -> GaugeMetricFamily | CounterMetricFamily:
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)


def _fill(family: GaugeMetricFamily | CounterMetricFamily, metric: Metric, name: str, source: Snapshot) -> bool:
    """Add the samples of one check; all of them or none. Whether they could be made."""
    facts = source.facts(name)
    if facts is None and not metric.when_unread:
        return True
    seen = {tuple(sample.labels.values()) for sample in family.samples}
    try:
        samples = [_checked(metric, sample) for sample in metric.samples(name, facts)]
        labels = [sample[0] for sample in samples]
        if len({*seen, *labels}) < len(seen) + len(labels):
            raise ValueError("two samples have the same labels")
    except Exception:
        log.exception("a metric is broken", extra={"fields": {"check": name, "metric": metric.name}, "often": True})
        return False
    for values, value in samples:
        family.add_metric(values, value)
    return True


def _checked(metric: Metric, sample: Sample) -> Sample:
    """The sample, if a scraper can read it. Raises ValueError, TypeError, OverflowError."""
    values, value = sample
    if not isinstance(value, (int, float)):
        raise TypeError(f"{metric.name} needs a number")
    number = float(value)
    if len(values) != len(metric.labels) or not all(isinstance(label, str) for label in values):
        raise ValueError(f"{metric.name} needs a text for each of {metric.labels}")
    "".join(values).encode()  # a lone surrogate would fail the whole scrape
    if metric.kind == "counter" and not 0 <= number < float("inf"):
        raise ValueError(f"{metric.name} is a counter and cannot be {number}")
    return tuple(values), number


def _findings(snapshot: Snapshot) -> Iterator[Family]:
    """What is wrong, each of a name once."""
    status, since = (GaugeMetricFamily(name, words, labels=("finding",)) for name, words in FINDINGS)
    by_name: dict[str, list[Finding]] = {}
    for one in findings(snapshot):
        by_name.setdefault(one.name, []).append(one)
    for name, those in by_name.items():
        status.add_metric([name], int(max(one.status for one in those)))
        since.add_metric([name], min(one.since for one in those) // MINUTE * MINUTE)
    yield from (status, since)


def _runs(snapshot: Snapshot, good: dict[str, bool]) -> Iterator[Family]:
    """What is known of each check's runs."""
    status, duration, ended, success = (GaugeMetricFamily(name, words, labels=("check",)) for name, words in RUNS)
    for view in snapshot.views:
        status.add_metric([view.name], int(view.status))
        if view.state.ended_at is not None:
            duration.add_metric([view.name], view.state.duration)
            ended.add_metric([view.name], view.state.ended_at)
        success.add_metric([view.name], 1 if good.get(view.name) else 0)
    yield from (status, duration, ended, success)
