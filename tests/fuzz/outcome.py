"""What came of a soak, and which of it is a fault."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import agree, engines, run, settings_agree

GROWTH_KIB = 2048
LEAST_EXECUTIONS = 100


@dataclass
class Outcome:
    """Of each part what it found; `missing` says why there was no fuzzing, if there was none."""

    seed: str
    seconds: int
    took: float = 0.0
    result: run.Result | None = None
    fuzzed: list[engines.Fuzzed] = field(default_factory=list)
    found: agree.Report = field(default_factory=agree.Report)  # the engines' inputs through all programs
    settings: settings_agree.Report = field(default_factory=settings_agree.Report)
    missing: str = ""

    def faults(self) -> list[str]:
        """All that is wrong, a line each."""
        wrong = [self.missing] if self.missing else []
        if self.result is not None:
            wrong += [f"difference: {one}" for one in self.result.report.differences]
            wrong += self.result.wrong
            for one in self.result.memory:
                if one.end - one.start > GROWTH_KIB:
                    wrong.append(f"{one.implementation} {one.program} grew from {one.start} to {one.end} KiB")
        wrong += [f"difference in what an engine found: {one}" for one in self.found.differences]
        wrong += [f"configuration: {one}" for one in self.settings.differences]
        for fuzzed in self.fuzzed:
            wrong += [f"{fuzzed.engine} {fuzzed.target}: {crash}\n{fuzzed.output}" for crash in fuzzed.crashes]
            if fuzzed.executions < LEAST_EXECUTIONS:
                wrong.append(f"{fuzzed.engine} {fuzzed.target}: only {fuzzed.executions} executions")
        return wrong
