"""The limits as data, and what they say of measured figures."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import SUBJECTS, BenchError
from .figures import Figures

TABLE = Path(__file__).with_name("expectations.toml")


@dataclass(frozen=True)
class Limit:
    """At most so much, or at least so much."""

    bound: float
    at_least: bool

    def holds(self, value: float) -> bool:
        """Whether a figure is within it."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True)
class Expectation:
    """One figure: its words, which sample counts, and the limit of each implementation that has one."""

    name: str
    title: str
    unit: str
    by: str
    gate: bool
    limits: dict[str, Limit]


@dataclass(frozen=True)
class Verdict:
    """How one figure of one implementation is judged; `holds` is None when nothing is expected of it."""

    expectation: Expectation
    implementation: str
    value: float
    limit: Limit | None

    @property
    def holds(self) -> bool | None:
        """Within its limit?"""
        return None if self.limit is None else self.limit.holds(self.value)

    @property
    def fails(self) -> bool:
        """Makes the run fail."""
        return self.expectation.gate and self.holds is False

    def as_json(self) -> dict[str, Any]:
        """For the report's file."""
        limit = None if self.limit is None else {"least" if self.limit.at_least else "most": self.limit.bound}
        return {
            "figure": self.expectation.name,
            "implementation": self.implementation,
            "by": self.expectation.by,
            "value": float(f"{self.value:.6g}"),
            "limit": limit,
            "gate": self.expectation.gate,
            "holds": self.holds,
        }


def load(host: bool = False, path: Path = TABLE) -> dict[str, Expectation]:
    """All of them in the file's order; a host's own limits, and gates, where it is to be judged by them."""
    return {name: _expectation(name, table, host) for name, table in tomllib.loads(path.read_text()).items()}


def _expectation(name: str, table: dict[str, Any], host: bool) -> Expectation:
    own = table.get("host", {}) if host else table
    limits = {whose: _limit(name, own[whose]) for whose in SUBJECTS if whose in own}
    return Expectation(name, table["title"], table["unit"], table["by"], own.get("gate", table["gate"]), limits)


def _limit(name: str, table: dict[str, float]) -> Limit:
    (which, bound), *rest = table.items()
    if rest or which not in ("least", "most"):
        raise BenchError(f"the expectation of {name} is neither one `least` nor one `most`: {table}")
    return Limit(bound, which == "least")


def judge(expectations: dict[str, Expectation], figures: Figures) -> list[Verdict]:
    """One verdict for every figure that was measured, in the table's order."""
    return list(_verdicts(expectations, figures))


def missing(expectations: dict[str, Expectation], figures: Figures) -> list[str]:
    """Figures with a limit that were not measured."""
    limited = [(each.name, whose) for each in expectations.values() for whose in each.limits]
    return [f"{name} ({whose})" for name, whose in limited if figures.summary(name, whose) is None]


def _verdicts(expectations: dict[str, Expectation], figures: Figures) -> Iterator[Verdict]:
    for each in expectations.values():
        for whose in SUBJECTS:
            if summary := figures.summary(each.name, whose):
                yield Verdict(each, whose, summary.by(each.by), each.limits.get(whose))
