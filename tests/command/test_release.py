"""The command as a release has it: a program and every module that it reaches, by the standard library alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from command import cli, doctor
from command.exits import Stop
from roles.seclyzer_release.files import launcher
from scripts.bundle import command_tree
from seclyzer_agent.catalog import COMMANDS
from tests.helpers import ROOT

PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("release")
    command_tree.copy(ROOT, found)
    return found


def test_the_program_runs_from_a_release_by_the_systems_own_python(tree: Path) -> None:
    for words in (["--help"], *([name, "--help"] for name in cli.COMMANDS)):
        done = subprocess.run(
            [PYTHON, "-IB", tree / "command/seclyzer", *words], cwd="/", capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage: seclyzer" in done.stdout


def test_it_is_made_of_our_modules_and_the_standard_library() -> None:
    foreign = {
        (module, name)
        for module, path in command_tree.reached(ROOT).items()
        for name in command_tree._imported(path, module)
        if name.partition(".")[0] not in {*sys.stdlib_module_names, *command_tree.PLACES}
    }
    assert foreign == set()


def test_a_change_of_any_part_of_it_makes_another_bundle() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in command_tree.files(ROOT)}
    assert {"command/doctor.py", "agent/seclyzer_agent/catalog.py", "docs/runbook.md", "command/seclyzer"} <= names
    assert "agent/seclyzer_agent/schema/stats.json" in names


@pytest.mark.parametrize("name", COMMANDS)
def test_every_finding_has_its_entry_of_the_runbook_on_the_host(name: str, tree: Path) -> None:
    text = doctor.entry(name, (tree / "command/lib/command/runbook.md").read_text)
    assert text.startswith(f"### {name}\n") and len(text.splitlines()) > 2
    assert text.count("### ") == 1


def test_a_finding_that_is_none_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(Stop, match="there is no finding 'nonsense'; there are unit-down, ") as end:
        doctor.entry("nonsense", str)
    assert end.value.status == 64


def release(base: Path, name: str, command: bool = True) -> Path:
    path = base / "releases" / name
    (path / "command").mkdir(parents=True)
    if command:
        (path / "command" / "seclyzer").write_text("")
    return path / "command" / "seclyzer"


def runs(units: Path, name: str) -> None:
    units.mkdir(exist_ok=True)
    text = f"[Service]\nExecStart=/opt/seclyzer/releases/{name}/venv/bin/seclyzer_agent --config x\n"
    (units / "seclyzer-agent.service").write_text(text)


def test_the_command_of_the_release_that_runs_is_started(tmp_path: Path) -> None:
    first = release(tmp_path, "0.1.0-a")
    second = release(tmp_path, "0.1.0-b")
    for name, program in (("0.1.0-a", first), ("0.1.0-b", second)):
        runs(tmp_path / "units", name)
        assert launcher.program(tmp_path, tmp_path / "units") == program


def test_a_release_of_before_has_the_command_of_another(tmp_path: Path) -> None:
    release(tmp_path, "0.0.9-old", command=False)
    runs(tmp_path / "units", "0.0.9-old")
    assert launcher.program(tmp_path, tmp_path / "units") is None
    other = release(tmp_path, "0.1.0-b")
    assert launcher.program(tmp_path, tmp_path / "units") == other
    (tmp_path / "units" / "seclyzer-agent.service").unlink()
    assert launcher.program(tmp_path, tmp_path / "units") == other


def test_a_half_unpacked_release_is_none(tmp_path: Path) -> None:
    release(tmp_path, ".0.1.0-c.part")
    assert launcher.program(tmp_path, tmp_path / "units") is None
