"""The metrics of an extractor, made from the facts of its check; and those facts for anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

from .facts import ExtractorFacts
from .history import entry_seconds
from .spec import Metric, Sample
from .stats import COUNTERS, HISTOGRAMS, TIMES, Stats

MINUTE = 60


def coarse(facts: ExtractorFacts) -> ExtractorFacts:
    """The facts without times of events that are finer than a minute."""
    lag = None if facts.lag is None else facts.lag // MINUTE * MINUTE
    return replace(facts, stats=facts.stats and _coarse_stats(facts.stats), lag=lag)


def _coarse_stats(stats: Stats) -> Stats:
    numbers = dict(stats.numbers)
    for name in TIMES:
        if name in numbers and name != "started_at":
            numbers[name] -= numbers[name] % (MINUTE * 1_000_000)
    read = int(entry_seconds(stats.last_id or "0-0")) // MINUTE * MINUTE
    return replace(stats, numbers=numbers, last_id=f"{read * 1000}-0" if read else stats.last_id and "0-0")


def _up(kind: str, facts: ExtractorFacts | None) -> Iterator[Sample]:
    yield (kind,), 1 if facts is not None and facts.stats is not None else 0


def _info(kind: str, facts: ExtractorFacts) -> Iterator[Sample]:
    if facts.stats is not None:
        yield (kind, facts.stats.implementation or "unknown", facts.stats.version or "unknown"), 1


def _of(read: Callable[[ExtractorFacts], float | None]) -> Callable[[str, Any], Iterator[Sample]]:
    """One sample, labelled with the kind, of what `read` takes from the facts, if it is not None."""

    def samples(kind: str, facts: ExtractorFacts) -> Iterator[Sample]:
        value = read(facts)
        if value is not None:
            yield (kind,), value

    return samples


def _number(name: str) -> Callable[[str, Any], Iterator[Sample]]:
    return _of(lambda facts: facts.stats.numbers.get(name) if facts.stats is not None else None)


def _time(name: str) -> Callable[[str, Any], Iterator[Sample]]:
    """Unix time in s of a field in µs; none while it is 0."""
    return _of(lambda facts: facts.stats[name] / 1e6 if facts.stats is not None and facts.stats[name] else None)


def _distribution(name: str) -> Callable[[str, Any], Iterator[Sample]]:
    """A histogram of the heartbeat."""

    def samples(kind: str, facts: ExtractorFacts) -> Iterator[Sample]:
        if facts.stats is not None and name in facts.stats.histograms:
            yield (kind,), facts.stats.histograms[name]

    return samples


def _last_entry(facts: ExtractorFacts) -> float | None:
    read = entry_seconds(facts.stats.last_id or "0-0") if facts.stats is not None else 0.0
    return read or None


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _metric(name: str, words: str, samples: Callable[[str, Any], Iterator[Sample]], **more: Any) -> Metric:
    kind: Literal["counter", "gauge"] = "counter" if name.endswith("_total") else "gauge"
    return Metric(f"seclyzer_extractor_{name}", kind, words, samples, **{"labels": ("extractor",), **more})


METRICS = (
    _metric("up", "1 when the extractor's heartbeat is there", _up, state=True, when_unread=True),
    _metric(
        "info",
        "What runs, by its heartbeat",
        _info,
        labels=("extractor", "implementation", "version"),
        state=True,
    ),
    _metric("lag_seconds", "How far the extractor is behind its stream", _of(lambda facts: facts.lag)),
    _metric("stream_entries", "Entries in the extractor's stream", _of(lambda facts: facts.stream_length)),
    _metric("features_kept", "Entries in the list of features, at most 1000", _of(lambda facts: facts.list_length)),
    _metric("spool_bytes", "Size of the spool on disk", _number("spool_bytes")),
    _metric(
        "spool_limit_bytes",
        "How much the spool may hold, as it is configured; 0 when there is none",
        _of(lambda facts: facts.spool.limit if facts.spool is not None else None),
    ),
    _metric("start_time_seconds", "Unix time at which it started", _time("started_at")),
    _metric("last_event_timestamp_seconds", "Unix time of the last event, by its own ts", _time("last_event_ts")),
    _metric("last_window_timestamp_seconds", "Unix time of the last window's end", _time("last_window_ts")),
    _metric("last_entry_timestamp_seconds", "Unix time of the stream entry read last", _of(_last_entry)),
    _metric("spool_oldest_timestamp_seconds", "Unix time of the oldest point in the spool", _time("spool_oldest_ts")),
    *(_metric(f"{c.name}_total", _sentence(c.help), _number(c.name)) for c in COUNTERS),
    *(
        Metric(f"seclyzer_{h.name}_seconds", "histogram", _sentence(h.help), _distribution(h.name), ("extractor",))
        for h in HISTOGRAMS
    ),
)
