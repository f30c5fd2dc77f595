"""The long form: `python -m tests.fuzz.soak [--seed S] [--messages N] [--seconds N] [--report FILE]`.

Messages through all programs (tests.fuzz.run), every fuzz target of both languages for so many seconds, and what those
found through all programs again. Writes build/fuzz/report.json and report.md (and FILE, the same Markdown). Exit
status 1 when anything is wrong, or a tool cannot be had.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, field

from tests.parity import implementations

from . import agree, engines, run, settings_agree, tools
from .report import markdown, write_json

GROWTH_KIB = 2048
LEAST_EXECUTIONS = 100


@dataclass
class Soak:
    """What came of it all."""

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
            wrong += [f"{fuzzed.engine} {fuzzed.target}: {crash}\n{fuzzed.said}" for crash in fuzzed.crashes]
            if fuzzed.executions < LEAST_EXECUTIONS:
                wrong.append(f"{fuzzed.engine} {fuzzed.target}: only {fuzzed.executions} executions")
        return wrong


def say(text: str) -> None:
    """Progress: over itself on a screen, else a line a minute."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() >= say.next_at:  # type: ignore[attr-defined]
        say.next_at = time.monotonic() + 60  # type: ignore[attr-defined]
        print(text, file=sys.stderr, flush=True)


say.next_at = 0.0  # type: ignore[attr-defined]


def soak(seed: str, messages: int, seconds: int) -> Soak:
    """Everything; `missing` says why there was no fuzzing, if there was none."""
    began = time.monotonic()
    done = Soak(seed, seconds)
    try:
        done.result = run.run(seed, messages, say)
        say("settings through both programs")
        done.settings = settings_agree.check(seed, max(1000, messages // 200))
        say(f"{seconds} s of each target, two at a time")
        done.fuzzed = engines.fuzz_all(seconds, int.from_bytes(seed.encode(), "big") % 2**31 or 1)
        say("what the engines found, through all programs")
        for engine in engines.TARGETS:
            done.found.add(agree.check(engines.inputs(engine, "event")))
    except tools.Missing as error:
        done.missing = str(error)
    done.took = time.monotonic() - began
    return done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", default=secrets.token_hex(4), help="repeats a run")
    parser.add_argument("--messages", type=int, default=1_000_000, help="through the programs (1 000 000)")
    parser.add_argument("--seconds", type=int, default=120, help="of each fuzz target (120)")
    parser.add_argument("--report", help="a file for the report, beside build/fuzz/report.md")
    asked = parser.parse_args()
    if absent := implementations.missing():
        print(f"type scripts/build first; missing: {', '.join(absent)}", file=sys.stderr)
        return 1
    tools.BUILD.mkdir(parents=True, exist_ok=True)
    done = soak(asked.seed, asked.messages, asked.seconds)
    write_json(tools.BUILD / "report.json", done)
    (tools.BUILD / "report.md").write_text(text := markdown(done))
    if asked.report:
        shutil.copyfile(tools.BUILD / "report.md", asked.report)
    print(f"\n{text}")
    return 1 if done.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
