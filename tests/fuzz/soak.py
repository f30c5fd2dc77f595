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

from tests.parity import implementations

from . import agree, engines, run, settings_agree, tools
from .outcome import Outcome
from .report import markdown, write_json


def say(text: str) -> None:
    """Progress: over itself on a screen, else a line a minute."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() >= say.next_at:  # type: ignore[attr-defined]
        say.next_at = time.monotonic() + 60  # type: ignore[attr-defined]
        print(text, file=sys.stderr, flush=True)


say.next_at = 0.0  # type: ignore[attr-defined]


def soak(seed: str, messages: int, seconds: int) -> Outcome:
    """Everything; `missing` says why there was no fuzzing, if there was none."""
    began = time.monotonic()
    done = Outcome(seed, seconds)
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
