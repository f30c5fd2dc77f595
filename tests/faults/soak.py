"""All faults again and again, with other seeds, and then fuzzing: `python -m tests.faults.soak --seconds 1800`.

Shows each run as it ends. Writes build/soak/faults.json and the report (build/soak/faults.md, or --report FILE).
"""

import argparse
import itertools
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from tests.helpers import ROOT

from .campaign import Result
from .catalogue import FAULTS
from .report import markdown, sums
from .runner import Runner, story

FOLDER = ROOT / "build" / "soak"
FUZZ = [sys.executable, "-m", "tests.fuzz"]


def rounds(faults: list[str], seed: int) -> Iterator[tuple[str, str, int]]:
    """Every fault for every implementation, without end."""
    for number in itertools.count(seed):
        yield from ((fault, whose, number) for fault in faults for whose in ("python", "rust"))


def say(result: Result, since: float) -> None:
    """One line."""
    total = sums([result])
    state = "WRONG" if result.wrongs else "INVALID" if "invalid" in result.notes else "ok"
    print(
        f"{time.monotonic() - since:6.0f} s  {state:8}{result.fault:32}{result.implementation:8}seed {result.seed:<7}"
        f"{total['expected']:6} expected {total['published']:6} published {total['points']:6} stored",
        flush=True,
    )
    if state != "ok":
        print(story(result), flush=True)


def soak(faults: list[str], seed: int, seconds: float, jobs: int) -> list[Result]:
    """Begins no run when the time is over; each fault is run once at least."""
    results: list[Result] = []
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder), jobs)
        running: set[Future[Result]] = set()
        least = 2 * len(faults)
        for number, (fault, whose, one) in enumerate(rounds(faults, seed)):
            if number >= least and time.monotonic() > start + seconds:
                break
            running.add(runner.pool.submit(runner.run, fault, whose, one))
            if len(running) >= jobs:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    results.append(future.result())
                    say(results[-1], start)
        for future in running:
            results.append(future.result())
            say(results[-1], start)
        runner.close()
    return results


def commit() -> str:
    """What is checked out; empty outside a checkout."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip()


def main() -> int:
    """Exit status 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1800, help="how long new runs begin (default 1800)")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (default: by chance)")
    parser.add_argument("--jobs", type=int, default=4, help="runs at a time (default 4)")
    parser.add_argument("--fault", action="append", choices=FAULTS, metavar="NAME", help="only this one; repeatable")
    parser.add_argument("--report", type=Path, default=FOLDER / "faults.md")
    parser.add_argument("--no-fuzz", action="store_true", help="faults only")
    parser.add_argument("--fuzz-seconds", type=int, default=120, help="how long each fuzz target runs (default 120)")
    asked = parser.parse_args()
    seed = secrets.randbelow(100_000) if asked.seed is None else asked.seed
    FOLDER.mkdir(parents=True, exist_ok=True)
    start, at = time.monotonic(), commit()
    results = soak(asked.fault or list(FAULTS), seed, asked.seconds, asked.jobs)
    command = f"python -m tests.faults.soak --seconds {asked.seconds:g} --seed {seed}"
    about = {"command": command, "seed": seed, "seconds": time.monotonic() - start, "commit": at}
    (FOLDER / "faults.json").write_text(json.dumps({**about, "runs": [one.as_json() for one in results]}, indent=1))
    asked.report.write_text(markdown(results, about), encoding="utf-8")
    print(f"the report: {asked.report}")
    failed = any(one.wrongs or "invalid" in one.notes for one in results)
    if not asked.no_fuzz:
        print("fuzzing:", flush=True)
        failed |= bool(
            subprocess.run([*FUZZ, "--seed", str(seed), "--seconds", str(asked.fuzz_seconds)], cwd=ROOT).returncode
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
