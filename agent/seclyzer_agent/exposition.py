"""Metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0 for whom asks for it.

`prometheus_client` has the same and 5 MiB of HTTP servers and clients around it; the tests compare with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .distribution import Distribution

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TOTAL = "_total"


@dataclass(slots=True)
class Family:
    """A metric and its samples. `name` is the whole name, with `_total` of a counter."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: Sequence[str] = ()
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)
    distributions: list[tuple[tuple[str, ...], Distribution]] = field(default_factory=list)

    def add(self, values: Sequence[str], value: float | Distribution) -> None:
        """Add a sample, of a histogram a distribution; `values` are those of the labels, in their order."""
        if isinstance(value, Distribution):
            self.distributions.append((tuple(values), value))
        else:
            self.samples.append((tuple(values), float(value)))


def kind_of(accept: str) -> str:
    """The Content-Type that an Accept header leads to: what it names first of those that there are."""
    for part in accept.split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        version = next((word.partition("=")[2] for word in parameters if word.startswith("version=")), "")
        if kind == "application/openmetrics-text" and version in ("", "1.0.0"):
            return OPENMETRICS
        if kind == "text/plain":
            return PLAIN
    return PLAIN


def encode(families: Iterable[Family], kind: str) -> bytes:
    """All of them as a text of this Content-Type."""
    return lines(families, kind) + end_of(kind)


def end_of(kind: str) -> bytes:
    """What stands at the end of a text of this Content-Type."""
    return b"# EOF\n" if kind == OPENMETRICS else b""


def lines(families: Iterable[Family], kind: str) -> bytes:
    """Part of a text of this Content-Type."""
    found: list[str] = []
    is_open = kind == OPENMETRICS
    for family in families:
        name = family.name.removesuffix(TOTAL) if is_open and family.kind == "counter" else family.name
        text = family.help.replace("\\", r"\\").replace("\n", r"\n")
        found.append(f"# HELP {name} {text.replace(chr(34), chr(92) + chr(34)) if is_open else text}")
        found.append(f"# TYPE {name} {family.kind}")
        found += _series(family.name, family.labels, family.samples)
        for values, distribution in family.distributions:
            buckets = [((*values, number(bound)), float(count)) for bound, count in distribution.cumulative()]
            found += _series(f"{family.name}_bucket", (*family.labels, "le"), buckets)
            found += _series(f"{family.name}_count", family.labels, [(values, float(distribution.count))])
            found += _series(f"{family.name}_sum", family.labels, [(values, float(distribution.total))])
    return "".join(f"{line}\n" for line in found).encode()


def _series(name: str, labels: Sequence[str], samples: Iterable[tuple[tuple[str, ...], float]]) -> Iterator[str]:
    """A line for each sample, labels in the order of their names."""
    order = sorted(range(len(labels)), key=lambda n: labels[n])
    for values, value in samples:
        written = ",".join(f'{labels[n]}="{_escaped(values[n])}"' for n in order)
        yield f"{name}{{{written}}} {number(value)}" if written else f"{name} {number(value)}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """A number as Go writes it."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    dot = text.find(".")
    if value > 0 and dot > 6 and "e" not in text:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+0{dot - 1}" if dot <= 10 else f"{mantissa}e+{dot - 1}"
    return text
