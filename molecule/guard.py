"""Runs `molecule test` and believes it only when it really tested: `python molecule/guard.py JUNIT [SCENARIO]`.

Molecule is content with a verify step whose folder is empty, with a side effect it passes over, and with skipped tests.
This holds what it did against what the scenario says it should have done, and writes one JUnit file for all steps.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
# What molecule says when it did nothing, and goes on.
NOTHING_DONE = ("Missing playbook", "no tests found", "verifier is disabled", "instances already created")
# For a log: no colours, and no frame that breaks lines at 80 characters.
PLAIN = {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_FORCE_COLOR": "0", "MOLECULE_COMMAND_BORDERS": "false"}


@dataclass(frozen=True)
class Report:
    """What one verify step ran."""

    step: str
    tests: int
    failed: int
    skipped: int


def required_folders(scenario: Path) -> list[str]:
    """The verify steps of a scenario in their order, each with its folders sorted: `tests/flow tests/services`."""
    sequence = yaml.safe_load((scenario / "molecule.yml").read_text())["scenario"]["test_sequence"]
    return [" ".join(sorted(step.split()[1:])) for step in sequence if step.split()[0] == "verify"]


def minimum(scenario: Path) -> dict[str, int]:
    """The least number of tests of each verify step."""
    stated = tomllib.loads((scenario / "minimum.toml").read_text())
    return {" ".join(sorted(step.split())): int(number) for step, number in stated.items()}


def read(file: Path) -> Report:
    """A step's JUnit file, named `<number> <step with , for />.xml`."""
    step = re.sub(r"^\d+ ", "", file.stem).replace(",", "/")
    sums = [0, 0, 0]
    for suite in ET.parse(file).getroot().iter("testsuite"):
        sums[0] += int(suite.get("tests", 0))
        sums[1] += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        sums[2] += int(suite.get("skipped", 0))
    return Report(step, *sums)


def faults(reported: Iterable[str], reports: list[Report], steps: list[str], least: dict[str, int]) -> list[str]:
    """What speaks against believing a run that ended well, in sentences; empty when nothing does."""
    found = [
        f"molecule reported: {line.strip()}" for line in reported if any(phrase in line for phrase in NOTHING_DONE)
    ]
    ran = [report.step for report in reports]
    if ran != steps:
        found.append(f"verify steps that ran: {ran or 'none'}; molecule.yml names {steps}")
    for report in reports:
        if report.failed or report.skipped:
            found.append(f"{report.step}: {report.failed} failed, {report.skipped} skipped")
        if report.tests < least.get(report.step, sys.maxsize):
            stated = least.get(report.step, "no number, write one down")
            found.append(f"{report.step}: {report.tests} tests; minimum.toml says {stated}")
    return found


def merge(files: list[Path], into: Path) -> None:
    """All reports as one JUnit file."""
    root = ET.Element("testsuites")
    for file in files:
        root.extend(ET.parse(file).getroot().iter("testsuite"))
    into.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(into, encoding="utf-8", xml_declaration=True)


def main() -> int:
    """Runs a scenario; exit status 1 when it failed, or when it did not test what it says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("junit", type=Path, help="where to write the JUnit file of all verify steps")
    parser.add_argument("scenario", nargs="?", default="default", help="a folder beside this program")
    options = parser.parse_args()
    junit, scenario = options.junit.resolve(), HERE / options.scenario
    with tempfile.TemporaryDirectory(prefix="seclyzer-molecule-") as folder:
        reported: list[str] = []
        with subprocess.Popen(
            ["molecule", "test", "--scenario-name", scenario.name],
            cwd=HERE.parent,
            env=os.environ | PLAIN | {"SECLYZER_MOLECULE_REPORTS": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as molecule:
            assert molecule.stdout is not None
            for line in molecule.stdout:
                reported.append(line)
                print(line, end="", flush=True)
        files = sorted(Path(folder).glob("*.xml"))
        merge(files, junit)
        found = faults(reported, [read(file) for file in files], required_folders(scenario), minimum(scenario))
    if molecule.returncode:
        found.insert(0, f"molecule test ended with exit status {molecule.returncode}")
    for fault in found:
        print(f"guard: {fault}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
