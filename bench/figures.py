"""What was measured: a figure has a name, and for each implementation the samples of one run."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Summary:
    """The samples of one figure for one implementation, in the figure's unit."""

    samples: tuple[float, ...]

    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.samples)

    @property
    def median(self) -> float:
        """The one in the middle."""
        return median(self.samples)

    @property
    def most(self) -> float:
        """The largest."""
        return max(self.samples)

    def p99(self) -> float:
        """By nearest rank: with fewer than 100 samples it is the largest."""
        ranked = sorted(self.samples)
        return ranked[-(-len(ranked) * 99 // 100) - 1]

    def by(self, how: str) -> float:
        """`min`, `median`, `max` or `p99`."""
        return {"min": self.least, "median": self.median, "max": self.most, "p99": self.p99()}[how]

    def as_json(self) -> dict[str, Any]:
        """All of it; six digits are more than any clock here has."""
        rounded = {how: _six(self.by(how)) for how in ("min", "median", "max", "p99")}
        return {**rounded, "samples": [_six(sample) for sample in self.samples]}


@dataclass
class Figures:
    """All figures of a run: name → implementation → samples."""

    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, name: str, implementation: str, *samples: float) -> None:
        """More samples of a figure."""
        self.samples.setdefault(name, {}).setdefault(implementation, []).extend(samples)

    def summary(self, name: str, implementation: str) -> Summary | None:
        """A figure, if it was measured."""
        found = self.samples.get(name, {}).get(implementation)
        return Summary(tuple(found)) if found else None

    def as_json(self) -> dict[str, Any]:
        """For the report's file."""
        return {
            name: {whose: Summary(tuple(found)).as_json() for whose, found in by.items()}
            for name, by in self.samples.items()
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Figures":
        """Back from a report's file."""
        return cls({name: {whose: list(s["samples"]) for whose, s in by.items()} for name, by in value.items()})


def _six(value: float) -> float:
    return float(f"{value:.6g}")
