"""The guard believes a molecule run only when it tested what the scenario says."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).resolve().parents[2] / "molecule" / "guard.py"
SCENARIOS = sorted(settings.parent for settings in FILE.parent.glob("*/molecule.yml"))
STEPS = ["tests/flow tests/services", "tests/faults"]
LEAST = {"tests/flow tests/services": 10, "tests/faults": 5}


@pytest.fixture(scope="module")
def guard() -> Any:
    """molecule/guard.py; by its path, since a package of the name `molecule` is installed."""
    spec = importlib.util.spec_from_file_location("seclyzer_molecule_guard", FILE)
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def good(guard: Any) -> list[Any]:
    return [guard.Report(STEPS[0], 12, 0, 0), guard.Report(STEPS[1], 5, 0, 0)]


def test_a_run_that_tested_everything_is_believed(guard: Any) -> None:
    assert guard.faults(["INFO     default ➜ verify: Executed: Successful"], good(guard), STEPS, LEAST) == []


@pytest.mark.parametrize(
    "line",
    [
        "INFO     [default > side_effect] Executed: Missing playbook (Remove from test_sequence to suppress)",
        "WARNING  [default > verify] Skipping, no tests found.",
        "WARNING  [default > verify] Skipping, verifier is disabled.",
    ],
)
def test_what_molecule_passed_over_is_a_fault(guard: Any, line: str) -> None:
    assert guard.faults([line], good(guard), STEPS, LEAST) == [f"molecule reported: {line}"]


def test_a_step_that_did_not_run_is_a_fault(guard: Any) -> None:
    (fault,) = guard.faults([], good(guard)[:1], STEPS, LEAST)
    assert fault.startswith("verify steps that ran: ['tests/flow tests/services']; molecule.yml names")


def test_too_few_tests_are_a_fault(guard: Any) -> None:
    reports = [guard.Report(STEPS[0], 9, 0, 0), good(guard)[1]]
    assert guard.faults([], reports, STEPS, LEAST) == ["tests/flow tests/services: 9 tests; minimum.toml says 10"]


def test_a_step_without_a_minimum_is_a_fault(guard: Any) -> None:
    (fault,) = guard.faults([], good(guard), STEPS, {STEPS[0]: 1})
    assert fault == "tests/faults: 5 tests; minimum.toml says no number, write one down"


@pytest.mark.parametrize(("failed", "skipped"), [(1, 0), (0, 1)])
def test_failed_and_skipped_tests_are_faults(guard: Any, failed: int, skipped: int) -> None:
    reports = [guard.Report(STEPS[0], 12, failed, skipped), good(guard)[1]]
    assert guard.faults([], reports, STEPS, LEAST) == [f"tests/flow tests/services: {failed} failed, {skipped} skipped"]


def test_reports_are_read_and_merged(guard: Any, tmp_path: Path) -> None:
    files = []
    for number, step in enumerate(STEPS, 1):
        file = tmp_path / f"{number:02} {step.replace('/', ',')}.xml"
        file.write_text(
            '<testsuites><testsuite name="pytest" tests="3" failures="1" errors="0" skipped="1"/></testsuites>'
        )
        files.append(file)
    assert [guard.read(file) for file in files] == [guard.Report(step, 3, 1, 1) for step in STEPS]
    guard.merge(files, tmp_path / "all" / "junit.xml")
    assert (tmp_path / "all" / "junit.xml").read_text().count("<testsuite ") == 2


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_every_verify_step_of_a_scenario_has_a_minimum_and_tests(guard: Any, scenario: Path) -> None:
    steps = guard.required_folders(scenario)
    assert set(steps) == set(guard.minimum(scenario))
    for folder in {folder for step in steps for folder in step.split()}:
        assert list((scenario / folder).glob("test_*.py")), f"{folder} is empty"


def test_every_mode_is_rolled_out_and_looked_at() -> None:
    """tests/mode looks at the mode that was rolled out last, so each must have been, right before a look."""
    scenario = FILE.parent / "default"
    settings = yaml.safe_load((scenario / "molecule.yml").read_text())
    looked_at = []
    runs = next(word for word in settings["ansible"]["executor"]["args"]["ansible_playbook"] if "mode=" in word)
    recorded = runs.rpartition("=")[2]
    for step, *words in (line.split() for line in settings["scenario"]["test_sequence"]):
        if step == "side_effect":
            play = yaml.safe_load((scenario / words[0]).read_text())[0]
            recorded = play["vars"]["runs"]
            assert any(task["ansible.builtin.include_tasks"] == "tasks/record_mode.yml" for task in play["tasks"])
            assert words[0].endswith("roll_back.yml") or f"mode={recorded}" in play["vars"]["typed"]
        elif step == "verify" and "tests/mode" in words:
            looked_at.append(recorded)
    assert looked_at == ["hybrid", "python", "rust", "python", "hybrid"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_every_folder_of_tests_is_in_some_verify_step(guard: Any, scenario: Path) -> None:
    named = {folder for step in guard.required_folders(scenario) for folder in step.split()}
    assert {f"tests/{file.parent.name}" for file in scenario.glob("tests/*/test_*.py")} == named
