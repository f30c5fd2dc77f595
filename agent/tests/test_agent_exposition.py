"""The text of metrics is what `prometheus_client` writes of the same, and what it reads again."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from seclyzer_agent import process
from seclyzer_agent.distribution import Distribution
from seclyzer_agent.exposition import OPENMETRICS, PLAIN, Family, encode, kind_of

VALUES = st.floats(allow_nan=False) | st.integers(-(2**60), 2**60).map(float) | st.sampled_from([0.0, 1e6, 1234567.5])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(['"', "\\", "\n", "\\n", ""])
SAMPLES = st.dictionaries(st.tuples(TEXTS, TEXTS), VALUES, max_size=4)


class Made(CollectorRegistry):
    """Metrics of the library's."""

    def __init__(self, made: list[Metric]) -> None:
        super().__init__(auto_describe=False)
        self._made = made

    def collect(self) -> Iterator[Metric]:
        yield from self._made


@given(TEXTS, SAMPLES, SAMPLES)
@settings(max_examples=300, deadline=None)
def test_it_is_the_librarys_text_in_both_formats(
    words: str, gauges: dict[tuple[str, str], float], counters: dict[tuple[str, str], float]
) -> None:
    labels = ("name", "a")
    ours = [Family("seclyzer_thing", "gauge", words, labels), Family("seclyzer_things_total", "counter", words, labels)]
    theirs: list[GaugeMetricFamily | CounterMetricFamily] = [
        GaugeMetricFamily("seclyzer_thing", words, labels=labels),
        CounterMetricFamily("seclyzer_things", words, labels=labels),
    ]
    for family, other, samples in zip(ours, theirs, (gauges, counters), strict=True):
        for values, value in samples.items():
            family.add(values, value)
            other.add_metric(values, value)
    for accept, kind in (("", PLAIN), ("application/openmetrics-text; version=1.0.0", OPENMETRICS)):
        assert kind_of(accept) == kind
        assert encode(ours, kind).decode() == choose_encoder(accept)[0](Made(list(theirs))).decode()


COUNTS = st.lists(st.integers(0, 2**40), min_size=4, max_size=4)
DISTRIBUTIONS = st.dictionaries(st.tuples(TEXTS, TEXTS), st.tuples(COUNTS, st.floats(0, 1e12)), max_size=4)


@given(TEXTS, DISTRIBUTIONS)
@settings(max_examples=100, deadline=None)
def test_a_histogram_is_the_librarys_text_in_both_formats(
    words: str, made: dict[tuple[str, str], tuple[list[int], float]]
) -> None:
    labels, bounds = ("name", "a"), (0.0005, 0.25, 10.0)
    ours = Family("seclyzer_wait_seconds", "histogram", words, labels)
    theirs = HistogramMetricFamily("seclyzer_wait_seconds", words, labels=labels)
    for values, (counts, total) in made.items():
        ours.add(values, Distribution(bounds, tuple(counts), total))
        buckets = [(le, sum(counts[: n + 1])) for n, le in enumerate(("0.0005", "0.25", "10.0", "+Inf"))]
        theirs.add_metric(values, buckets, total)
    for accept, kind in (("", PLAIN), ("application/openmetrics-text; version=1.0.0", OPENMETRICS)):
        assert encode([ours], kind).decode() == choose_encoder(accept)[0](Made([theirs])).decode()


@pytest.mark.parametrize(
    ("bounds", "counts", "total"),
    [
        ((), (1,), 0.0),
        ((1.0, 1.0), (0, 0, 0), 0.0),
        ((1.0, float("nan")), (0, 0, 0), 0.0),
        ((1.0, 2.0), (0, 0), 0.0),
        ((1.0, 2.0), (0, -1, 0), 0.0),
        ((1.0, 2.0), (0, 0, 0), -1.0),
        ((1.0, 2.0), (0, 0, 0), float("nan")),
    ],
)
def test_a_distribution_that_no_scraper_could_read_is_none(
    bounds: tuple[float, ...], counts: tuple[int, ...], total: float
) -> None:
    with pytest.raises(ValueError, match="histogram"):
        Distribution(bounds, counts, total)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/html,application/xhtml+xml", PLAIN),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", PLAIN),
        ("application/openmetrics-text;version=2.0.0,text/plain", PLAIN),
        ("text/plain;version=0.0.4;q=0.5,application/openmetrics-text", PLAIN),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPENMETRICS,
        ),
        (";;,=,version=", PLAIN),
    ],
)
def test_the_format_is_the_first_that_is_asked_for_of_those_there_are(accept: str, kind: str) -> None:
    assert kind_of(accept) == kind


def test_the_figures_of_the_process_are_those_of_the_library() -> None:
    theirs = {metric.name: metric.samples[0].value for metric in ProcessCollector(registry=None).collect()}
    ours = {family.name.removesuffix("_total"): family.samples[0][1] for family in process.families()}
    assert ours.keys() == theirs.keys()
    assert ours["process_start_time_seconds"] == pytest.approx(theirs["process_start_time_seconds"], abs=2)
    assert ours["process_max_fds"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert ours["process_open_fds"] == pytest.approx(len(os.listdir("/proc/self/fd")), abs=3)
    for parse, kind in ((parse_text, PLAIN), (parse_openmetrics, OPENMETRICS)):
        assert len(list(parse(encode(process.families(), kind).decode()))) == len(ours)
