"""A run as tables: the one that users of older deployments know, and the one of all figures. Markdown, aligned."""

from collections.abc import Sequence

from . import SUBJECTS
from .expectations import Verdict
from .result import Result, limit_words, number

Row = Sequence[str]

USERS = (
    # what, figure, how it is written, what was claimed of the older deployments: Python, Rust
    ("memory, the largest of three programs", "rss_load_mib", "{} MiB", "120 MB", "15-20 MB"),
    ("CPU, a person working (50 events/s), all three", "work_cpu_percent", "{} %", "0.5 %", "0.05 %"),
    ("CPU at 1000 events/s, all three", "load_cpu_percent", "{} %", "", ""),
    ("start", "start_ms", "{} ms", "2-3 s", "50-100 ms"),
    ("compute of a keystroke window, 600 keys", "window_cpu_us", "{} µs", "50 ms", "5-10 ms"),
    ("window closed → published, median", "closed_to_published_ms", "{} ms", "", ""),
    ("keystroke events/s", "events_per_s_keystroke", "{}", "", "more than 1000"),
    ("mouse events/s", "events_per_s_mouse", "{}", "", "more than 1000"),
)

USERS_WORDS = """\
What is measured: both implementations do the same real work on this machine in one run, as their units would run them:
they read the same made-up events (850 of the mouse, 145 of the keyboard and 5 of applications a second, the window of
30 s full; a person working makes a twentieth of that) from a Redis of the bench's own, compute every window, publish it
there and send it to InfluxDB, or to what stands in for it. Memory is RSS under that load, the largest of the three
programs; CPU is of one core, over all threads; start is from exec to READY; events/s is a long stream read from the
first entry to the last window published, nothing lost. All but memory is the median.
The columns “claimed” are what the older deployments claim; what was measured of those stands in docs/bench.md."""


def users_table(result: Result) -> str:
    """The table that users know."""
    rows: list[Row] = [("", "Python, claimed", "Rust, claimed", "Python, measured", "Rust, measured")]
    for what, figure, form, *claimed in USERS:
        measured = [_measured(result, figure, whose, form) for whose in ("python", "rust")]
        rows.append((what, claimed[0], claimed[1], *measured))
    return table(rows)


def _measured(result: Result, figure: str, whose: str, form: str) -> str:
    summary = result.figures.summary(figure, whose)
    if summary is None:
        return "not measured"
    by = result.expectations[figure].by
    return form.format(number(summary.by("max" if by == "max" else "median")))


def all_figures(result: Result) -> str:
    """Every figure: min, median and max of its samples, what counts, its limit, and how it was judged."""
    rows: list[Row] = [("figure", "unit", "", "min", "median", "max", "counts", "limit", "")]
    for verdict in result.verdicts():
        rows.append(_row(result, verdict))
    return table(rows)


def _row(result: Result, verdict: Verdict) -> Row:
    each = verdict.expectation
    summary = result.figures.summary(each.name, verdict.implementation)
    assert summary is not None
    spread = (number(summary.least), number(summary.median), number(summary.most))
    first = verdict.implementation == next(whose for whose in SUBJECTS if each.name in _names(result, whose))
    head = (each.title, each.unit) if first else ("", "")
    counts = f"{each.by} {number(verdict.value)}"
    return (*head, verdict.implementation, *spread, counts, limit_words(verdict), expectation_words(verdict))


def _names(result: Result, whose: str) -> set[str]:
    return {name for name, by in result.figures.samples.items() if whose in by}


def expectation_words(verdict: Verdict) -> str:
    """`pass`, `FAIL`, `missed` (judged, but not gated), or nothing."""
    if verdict.holds is None:
        return ""
    return "pass" if verdict.holds else ("FAIL" if verdict.expectation.gate else "missed")


def table(rows: Sequence[Row]) -> str:
    """Markdown, its columns aligned so that it reads as well on a terminal."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Row) -> str:
        return "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(rows[0]), line(["-" * width for width in widths]), *map(line, rows[1:])])
