"""Runs every test of the project, suite by suite, and sums them up: `python -m scripts.test [SUITE…]`.

Without a name all suites run but those of LONG, which are to be named.

A suite is one or more steps. A step that runs tests leaves a JUnit file (pytest, molecule) or prints cargo's closing
lines; it fails when its command fails, when it collected nothing, or when a test was skipped. Everything a step prints
goes to build/test/<suite>-<step>.log; the screen shows one line a step when it ends, and the log's end when it failed.
Steps run side by side on this machine's cores (scripts/lanes.py), but for those that need the machine to themselves.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from scripts.lanes import ALONE, WAITS, side_by_side

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test"
MANIFEST = "--manifest-path extractors/rust/Cargo.toml"
TARGETS = "--manifest-path extractors/rust/fuzz/Cargo.toml"
CRATE = f"{MANIFEST} --target-dir build/rust-target --locked"
PLAYS = "site.yml rollback.yml playbooks roles"
NAMES, REASON = 20, 200
"""How many failed tests of a step the summary names, and how many characters of each one's reason it shows."""
PYTHON_CODE = "scripts lab bench agent command extractors monitoring plugins roles tests molecule"


@dataclass(frozen=True)
class Step:
    """One command of a suite.

    `counts` says where the number of tests stands: `junit` (file at {junit}), `cargo` (closing lines) or `` (no tests).
    `cores`: how many it keeps busy, or WAITS or ALONE.
    """

    name: str
    command: str
    counts: str = ""
    cores: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of a step: the numbers of tests, how long it took, why it failed, if it did, and which tests did."""

    suite: str
    step: str
    seconds: float
    passed: int = 0
    failed: int = 0
    fault: str = ""
    names: tuple[str, ...] = ()


def pytest(name: str, folders: str, cores: int = 1) -> Step:
    """A step that runs the tests below these folders."""
    return Step(name, f"python -m pytest -q -ra --junitxml={{junit}} {folders}", "junit", cores)


SUITES: dict[str, list[Step]] = {
    "lint": [
        Step("ruff", f"ruff check {PYTHON_CODE}"),
        Step("ruff-format", f"ruff format --check {PYTHON_CODE}"),
        # One after the other, for they share a cache; apart, for each folder has a conftest.py of its own.
        Step("mypy", "bash -c 'mypy && mypy extractors/python/tests && mypy agent/tests'"),
        Step("cargo-fmt", f"cargo fmt {MANIFEST} --check"),
        Step("clippy", f"cargo clippy --quiet --all-targets {CRATE} -- -D warnings"),
        Step("yamllint", f"yamllint --strict {PLAYS} inventories molecule monitoring galaxy.yml .config"),
        Step("ansible-lint", f"ansible-lint --offline --strict --profile production {PLAYS}"),
        Step(
            "shellcheck",
            "shellcheck scripts/setup scripts/wrapper scripts/wrappers scripts/build scripts/static-pie-gcc "
            "scripts/lock scripts/dev .ci/run roles/seclyzer_release/files/completion.bash",
        ),
    ],
    "build": [
        Step("influxd", "python -m lab influxd"),
        Step("programs", "scripts/build"),
        Step("images", "python -m lab images", cores=WAITS),
        Step("bundle", "python -m scripts.bundle", cores=ALONE),  # of what was built; all that follows needs it
    ],
    # Of what computes, the longest begins first.
    "parity": [pytest("parity", "tests/parity -s", cores=2)],
    "fuzz": [
        pytest("fuzz", "tests/fuzz -s", cores=2),
        Step("targets-fmt", f"cargo fmt {TARGETS} --check"),
        Step("targets", f"cargo clippy --quiet {TARGETS} --target-dir build/rust-target --locked -- -D warnings"),
    ],
    "live": [
        pytest("bounds", "tests/live/test_bounds.py", WAITS),
        pytest("others", "tests/live --ignore=tests/live/test_bounds.py", WAITS),
        pytest("bench", "bench/tests"),
    ],
    "unit": [
        pytest("agent", "agent/tests", WAITS),
        pytest("python", "extractors/python/tests", WAITS),
        pytest("plugins", "tests/plugins"),
        pytest("page", "tests/page", WAITS),
        pytest("command", "tests/command"),
        pytest("gateway", "tests/gateway"),
        pytest("judges", "tests/judges"),
        pytest("monitoring", "tests/monitoring"),
        pytest("lab", "lab/tests"),
        pytest("guard", "tests/molecule_guard"),
        pytest("setup", "tests/setup"),
        pytest("audit", "tests/audit"),
        pytest("collection", "tests/collection"),
        pytest("docs", "tests/docs"),
        pytest("layout", "tests/layout"),
        Step("rust", f"cargo test {CRATE}", "cargo"),
    ],
    "faults": [pytest("faults", "tests/faults", ALONE)],  # several at once by itself
    "molecule": [Step("default", "python molecule/guard.py {junit}", "junit", ALONE)],
    "long": [
        Step("long", "python molecule/guard.py {junit} long", "junit", ALONE),
        Step("systems", "python molecule/guard.py {junit} systems", "junit", ALONE),
        Step("stores", "python molecule/guard.py {junit} stores", "junit", ALONE),
        # The golden vectors replayed in qemu by the programs for ARM hosts, before they are packed.
        Step("aarch64", "make --no-print-directory bundle-aarch64", cores=ALONE),
    ],
}
LONG = ("long",)
"""What takes too long to run with all others: `make test-long`."""


def junit_counts(report: Path) -> tuple[int, int, int]:
    """Tests passed, failed and skipped, of a JUnit file; all 0 when there is none."""
    if not report.exists():
        return 0, 0, 0
    passed = failed = skipped = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):
        tests = int(suite.get("tests", 0))
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        left_out = int(suite.get("skipped", 0))
        passed, failed, skipped = passed + tests - bad - left_out, failed + bad, skipped + left_out
    return passed, failed, skipped


def junit_failures(report: Path) -> list[str]:
    """Each test of a JUnit file that failed, with the first line of its reason."""
    if not report.exists():
        return []
    bad = []
    for case in ET.parse(report).getroot().iter("testcase"):
        for reason in (*case.findall("failure"), *case.findall("error")):
            words = (reason.get("message") or "").strip().splitlines()[:1]
            bad.append(f"{case.get('classname')}::{case.get('name')}: {''.join(words)[:REASON]}")
    return bad


def cargo_counts(text: str) -> tuple[int, int, int]:
    """Tests passed, failed and ignored, summed over cargo's closing lines."""
    rows = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, re.MULTILINE)
    sums = [sum(int(row[i]) for row in rows) for i in range(3)]
    return sums[0], sums[1], sums[2]


def run(suite: str, step: Step) -> Outcome:
    """Runs one step in the project's root, with its output in the log."""
    log, junit = LOGS / f"{suite}-{step.name}.log", LOGS / f"{suite}-{step.name}.xml"
    junit.unlink(missing_ok=True)
    environment = os.environ | {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    start = time.monotonic()
    with log.open("wb") as out:
        command = shlex.split(step.command.format(junit=junit))
        code = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        ).returncode
    seconds = time.monotonic() - start
    passed = failed = skipped = 0
    if step.counts == "junit":
        passed, failed, skipped = junit_counts(junit)
    elif step.counts == "cargo":
        passed, failed, skipped = cargo_counts(log.read_text(errors="replace"))
    fault = ""
    if code:
        fault = f"exit status {code}"
    elif step.counts and not passed:
        fault = "no test was collected"
    elif skipped:
        fault = f"{skipped} skipped: a test that does not run proves nothing"
    elif failed:
        fault = f"{failed} failed"
    numbers = f"{passed} passed" if step.counts and not fault else ""
    lines = [f"  {suite:9}{step.name:14}{'FAILED' if fault else 'ok':8}{seconds:6.0f} s  {fault or numbers}"]
    if fault:
        lines += [f"    | {line}" for line in log.read_text(errors="replace").splitlines()[-80:]]
        lines.append(f"    whole log: {log.relative_to(ROOT)}")
    print("\n".join(lines), flush=True)  # at once, for others print too
    names = tuple(junit_failures(junit)) if step.counts == "junit" else ()
    return Outcome(suite, step.name, seconds, passed, failed + bool(fault and not failed), fault, names)


def main() -> int:
    """Runs the named suites, or all; exit status 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m scripts.test", description=(__doc__ or "").splitlines()[0])
    some = f"one of: {', '.join(SUITES)} (when none is named, all but {', '.join(LONG)})"
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=some)
    names = parser.parse_args().suites or [name for name in SUITES if name not in LONG]
    if unknown := [name for name in names if name not in SUITES]:
        parser.error(f"no suite is called {unknown[0]!r}; there are: {', '.join(SUITES)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    steps = [(name, step) for name in names for step in SUITES[name]]
    outcomes = side_by_side(steps, lambda one: one[1].cores, lambda one: run(*one), os.cpu_count())
    bad = [outcome for outcome in outcomes if outcome.fault]
    print(f"\n{len(outcomes)} steps in {time.monotonic() - start:.0f} s; {len(bad)} failed")
    for outcome in bad:
        print(f"  {outcome.suite} {outcome.step}: {outcome.fault}")
        for name in outcome.names[:NAMES]:
            print(f"    {name}")
    print(f"{sum(o.passed for o in outcomes)} passed, {sum(o.failed for o in outcomes)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
