"""One run as a value: what was measured, on what, and how it is judged. The same in every file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import BenchError
from .expectations import Expectation, Verdict, judge, missing
from .figures import Figures

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """A run. `profile` is `full`, `quick` or `host`; `about` what ran where; `expectations` what it is judged by."""

    profile: str
    about: dict[str, Any]
    figures: Figures
    expectations: dict[str, Expectation]

    def verdicts(self) -> list[Verdict]:
        """One for each figure and implementation."""
        return judge(self.expectations, self.figures)

    def faults(self) -> list[str]:
        """What makes the run fail, in words; empty when it passes."""
        found = [
            f"{v.implementation}: {v.expectation.title} is {number(v.value)} {v.expectation.unit}".rstrip()
            + f", {limit_words(v)} is expected"
            for v in self.verdicts()
            if v.fails
        ]
        return found + [f"{each} was not measured" for each in missing(self.expectations, self.figures)]

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "schema": SCHEMA,
            "profile": self.profile,
            "about": self.about,
            "passed": not self.faults(),
            "verdicts": [verdict.as_json() for verdict in self.verdicts()],
            "figures": self.figures.as_json(),
        }

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n")
        part.rename(path)


def read_figures(path: Path) -> tuple[dict[str, Any], Figures]:
    """What ran where, and the figures, of a file that `write` wrote."""
    try:
        value = json.loads(path.read_text())
        if value["schema"] != SCHEMA:
            raise ValueError(f"schema {value['schema']}")
        return value["about"], Figures.from_json(value["figures"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BenchError(f"{path} cannot be read as figures of an earlier run ({fault}); move it away") from None


def number(value: float) -> str:
    """Three digits that count, and thousands as people write them."""
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def limit_words(verdict: Verdict) -> str:
    """`at most 5`, or nothing."""
    if verdict.limit is None:
        return ""
    return f"{'≥' if verdict.limit.at_least else '≤'} {number(verdict.limit.bound)}"
