"""The snapshot as Prometheus metrics. Labels are bounded: the configuration's checks and units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from . import __version__
from .checks.deployment import KINDS, Deployment
from .checks.extractor import ExtractorFacts
from .checks.influxdb import InfluxFacts
from .checks.memory import Memory
from .checks.redis import RedisFacts
from .checks.units import Unit
from .snapshot import Snapshot
from .stats import COUNTERS
from .trackers import entry_seconds

UNIT_STATES = ("active", "activating", "deactivating", "failed", "inactive", "reloading")


class Exposition:
    """Writes metrics in the format that an Accept header asks for. `process` tells the agent's own figures."""

    def __init__(self) -> None:
        self._process = ProcessCollector(registry=None)

    @staticmethod
    def kind(accept: str) -> str:
        """The Content-Type that an Accept header leads to."""
        return choose_encoder(accept)[1]

    def write(
        self, accept: str, now: Snapshot, figures: Snapshot, process: Iterable[Metric] | None = None
    ) -> tuple[bytes, str]:
        """Body and Content-Type: the states of `now`, and the figures of `figures`."""
        encode, content_type = choose_encoder(accept)
        own = self._process.collect() if process is None else process
        return encode(_Families([*families(now, figures), *own])), content_type


class _Families(CollectorRegistry):
    """Metrics that are made already, where an encoder wants a registry."""

    def __init__(self, made: list[Metric]) -> None:
        super().__init__(auto_describe=False)
        self._made = made

    def collect(self) -> Iterator[Metric]:
        yield from self._made


def families(now: Snapshot, figures: Snapshot) -> Iterator[Metric]:
    """All metrics but those of the process. What tells of activity is taken from `figures`, which may be older."""
    yield from _checks(figures)
    yield _build_info(now.facts("deployment"))
    yield from _units(now.facts("units") or {})
    yield from _memory(figures.facts("memory") or {})
    names = {view.name for view in now.views}
    if "redis" in names:
        yield from _redis(now.facts("redis") is not None, figures.facts("redis"))
    if "influxdb" in names:
        yield from _influx(now.facts("influxdb") is not None, figures.facts("influxdb"))
    kinds = [kind for kind in KINDS if kind in names]
    yield from _heartbeats({kind: now.facts(kind) for kind in kinds})
    yield from _extractors({kind: figures.facts(kind) for kind in kinds})


def _gauge(name: str, words: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _checks(snapshot: Snapshot) -> Iterator[Metric]:
    status = _gauge("seclyzer_check_status", "Damped status of a check: 0 pass, 1 warn, 2 fail", ("check",))
    duration = _gauge("seclyzer_check_duration_seconds", "Time that the last run of a check took", ("check",))
    ended = _gauge(
        "seclyzer_check_last_run_timestamp_seconds", "Unix time at which a check's last run ended", ("check",)
    )
    for view in snapshot.views:
        status.add_metric([view.name], int(view.status))
        if view.state.ended_at is not None:
            duration.add_metric([view.name], view.state.duration)
            ended.add_metric([view.name], view.state.ended_at)
    yield from (status, duration, ended)


def _build_info(deployment: Deployment | None) -> Metric:
    info = _gauge(
        "seclyzer_build_info",
        "The agent's version, and the deployed release and mode",
        ("version", "release", "mode"),
    )
    release, mode = (deployment.release, deployment.mode) if deployment else (None, None)
    info.add_metric([__version__, release or "", mode or ""], 1)
    return info


def _units(units: dict[str, Unit]) -> Iterator[Metric]:
    state = _gauge("systemd_unit_state", "1 for the state that a unit is in", ("name", "state"))
    restarts = CounterMetricFamily("systemd_service_restart", "Automatic restarts of a unit", labels=("name",))
    for unit in units.values():
        for name in UNIT_STATES:
            state.add_metric([unit.unit, name], 1 if unit.active == name else 0)
        restarts.add_metric([unit.unit], unit.restarts)
    yield from (state, restarts)


def _memory(memory: dict[str, Memory]) -> Iterator[Metric]:
    used = _gauge("seclyzer_unit_memory_bytes", "Memory of a unit, without cache that can be given back", ("name",))
    limit = _gauge("seclyzer_unit_memory_limit_bytes", "A unit's memory limit", ("name",))
    for name, seen in memory.items():
        used.add_metric([name], seen.used)
        if seen.limit is not None:
            limit.add_metric([name], seen.limit)
    yield from (used, limit)


def _redis(answers: bool, facts: RedisFacts | None) -> Iterator[Metric]:
    up = _gauge("redis_up", "1 when Redis answered the last reading")
    up.add_metric([], 1 if answers else 0)
    yield up
    if facts:
        latency = _gauge("seclyzer_redis_ping_seconds", "Time that PING took")
        latency.add_metric([], facts.latency)
        used = _gauge("redis_memory_used_bytes", "Memory that Redis uses")
        used.add_metric([], facts.used)
        limit = _gauge("redis_memory_max_bytes", "Redis' maxmemory, 0 when there is none")
        limit.add_metric([], facts.limit)
        yield from (latency, used, limit)


def _influx(ready: bool, facts: InfluxFacts | None) -> Iterator[Metric]:
    up = _gauge("influxdb_up", "1 when InfluxDB said in the last reading that it is ready")
    up.add_metric([], 1 if ready else 0)
    yield up
    if facts:
        latency = _gauge("seclyzer_influxdb_health_seconds", "Time that GET /health took")
        latency.add_metric([], facts.latency)
        yield latency


def _heartbeats(extractors: dict[str, ExtractorFacts | None]) -> Iterator[Metric]:
    up = _gauge("seclyzer_extractor_up", "1 when the extractor's heartbeat is there", ("extractor",))
    info = _gauge("seclyzer_extractor_info", "What runs, by its heartbeat", ("extractor", "implementation", "version"))
    for kind, facts in extractors.items():
        stats = facts.stats if facts else None
        up.add_metric([kind], 1 if stats else 0)
        if stats is not None:
            info.add_metric([kind, stats.implementation or "unknown", stats.version or "unknown"], 1)
    if extractors:
        yield from (up, info)


def _extractors(extractors: dict[str, ExtractorFacts | None]) -> Iterator[Metric]:
    label = ("extractor",)
    lag = _gauge("seclyzer_extractor_lag_seconds", "How far the extractor is behind its stream", label)
    stream = _gauge("seclyzer_extractor_stream_entries", "Entries in the extractor's stream", label)
    kept = _gauge("seclyzer_extractor_features_kept", "Entries in the list of features, at most 1000", label)
    spool = _gauge("seclyzer_extractor_spool_bytes", "Size of the spool on disk", label)
    started = _gauge("seclyzer_extractor_start_time_seconds", "Unix time at which it started", label)
    times = {
        "last_event_ts": _gauge(
            "seclyzer_extractor_last_event_timestamp_seconds",
            "Unix time of the last event, by its own ts",
            label,
        ),
        "last_window_ts": _gauge(
            "seclyzer_extractor_last_window_timestamp_seconds", "Unix time of the last window's end", label
        ),
    }
    read = _gauge("seclyzer_extractor_last_entry_timestamp_seconds", "Unix time of the stream entry read last", label)
    counters = {
        name: CounterMetricFamily(f"seclyzer_extractor_{name}", words, labels=label) for name, words in COUNTERS.items()
    }
    for kind, facts in extractors.items():
        stats = facts.stats if facts else None
        if facts:
            stream.add_metric([kind], facts.stream_length)
            kept.add_metric([kind], facts.list_length)
            if facts.lag is not None:
                lag.add_metric([kind], facts.lag)
        if stats is None:
            continue
        for name, counter in counters.items():
            if name in stats.numbers:
                counter.add_metric([kind], stats[name])
        for name, gauge in times.items():
            if stats[name]:
                gauge.add_metric([kind], stats[name] / 1e6)
        if stats["started_at"]:
            started.add_metric([kind], stats["started_at"] / 1e6)
        if "spool_bytes" in stats.numbers:
            spool.add_metric([kind], stats["spool_bytes"])
        if stats.last_id and entry_seconds(stats.last_id):
            read.add_metric([kind], entry_seconds(stats.last_id))
    if extractors:
        yield from (lag, stream, kept, spool, started, *times.values(), read, *counters.values())
