"""The wrappers that `make setup` writes: each checkout's own tools, nothing of others written over, all removable."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import ROOT

TOOLS = ["ansible", "ansible-inventory", "ansible-lint", "ansible-playbook", "molecule"]
OLD = '#!/bin/sh\n# Made by SecLyzer Edge, scripts/setup.\nexec "/gone/.venv/bin/molecule" "$@"\n'


@dataclass
class Machine:
    """A folder on PATH before the system's, and one behind it where another Ansible stands."""

    base: Path
    first: Path
    last: Path

    def clone(self, name: str, tools: bool = True) -> Path:
        """A checkout; its ansible-playbook prints the checkout's name, what it was given, and the next molecule."""
        root = self.base / name
        (root / "scripts").mkdir(parents=True)
        for script in ("wrapper", "wrappers"):
            shutil.copy(ROOT / "scripts" / script, root / "scripts")
        (root / "site.yml").touch()
        if tools:
            program(root / ".venv/bin/ansible-playbook", f'echo {name} "$@"; command -v molecule')
            program(root / ".venv/bin/molecule", f"echo {name}")
        return root

    def wrappers(self, clone: Path, verb: str) -> str:
        """What `make setup` and `make unsetup` run."""
        done = self.run(clone, str(clone / "scripts/wrappers"), verb)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, at: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command as typed in a folder."""
        env = {"PATH": f"{self.first}:/usr/bin:/bin:{self.last}", "SECLYZER_BIN": str(self.first), **environment}
        return subprocess.run(words, cwd=at, env=env, capture_output=True, text=True, timeout=20)


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, tmp_path / "first", tmp_path / "last")
    made.first.mkdir()
    program(made.last / "ansible-playbook", 'echo the other one "$@"')
    yield made


def test_each_of_two_clones_runs_its_own_tools(machine: Machine) -> None:
    one, two = machine.clone("one"), machine.clone("two")
    machine.wrappers(one, "install")
    machine.wrappers(two, "install")
    for clone in (one, two):
        deep = clone / "roles" / "redis"
        deep.mkdir(parents=True)
        for at in (clone, deep):
            done = machine.run(at, "ansible-playbook", "site.yml", "-e", "a b=c")
            assert done.stdout.splitlines() == [f"{clone.name} site.yml -e a b=c", str(clone / ".venv/bin/molecule")]


def test_outside_of_any_checkout_the_next_on_path_runs(machine: Machine) -> None:
    machine.wrappers(machine.clone("one"), "install")
    assert machine.run(machine.base, "ansible-playbook", "a  b").stdout == "the other one a  b\n"


def test_where_there_is_no_other_one_it_says_what_to_do(machine: Machine) -> None:
    machine.wrappers(machine.clone("one"), "install")
    done = machine.run(machine.base, "molecule", "test")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.startswith("molecule: go into a checkout of SecLyzer Edge that is set up (`make setup`)")


def test_a_checkout_that_is_not_set_up_has_none_to_run(machine: Machine) -> None:
    machine.wrappers(machine.clone("one"), "install")
    bare = machine.clone("bare", tools=False)
    assert machine.run(bare, "ansible-playbook").stdout == "the other one\n"


def test_no_wrapper_runs_another_wrapper(machine: Machine) -> None:
    machine.wrappers(machine.clone("one"), "install")
    shutil.copy(machine.first / "molecule", machine.last / "molecule")
    assert machine.run(machine.base, "molecule").returncode == 127


@pytest.mark.parametrize("path", [".", ".venv/bin/ansible-playbook"])
def test_what_another_user_has_put_there_is_not_run(machine: Machine, path: str) -> None:
    """As in /tmp, where anybody may make a checkout around the folder one stands in."""
    if os.geteuid() != 0:
        raise AssertionError("only root can give a file to another user; run the tests as root")
    one = machine.clone("one")
    machine.wrappers(one, "install")
    os.chown(one / path, 12345, 12345)
    assert machine.run(one, "ansible-playbook").stdout == "the other one\n"
    assert machine.run(one, "ansible-playbook", SUDO_UID="12345").stdout.startswith("one")


def test_setup_names_what_it_wrote_and_unsetup_takes_it_away(machine: Machine) -> None:
    one = machine.clone("one")
    reported = machine.wrappers(one, "install")
    assert sorted(os.listdir(machine.first)) == TOOLS
    assert f"wrappers in {machine.first}" in reported and "make unsetup" in reported
    assert all(tool in reported for tool in TOOLS)
    assert all((machine.first / tool).stat().st_mode & 0o777 == 0o755 for tool in TOOLS)
    assert f"removed from {machine.first}" in machine.wrappers(one, "remove")
    assert os.listdir(machine.first) == []


@pytest.mark.parametrize("kind", ["program", "link", "dangling link", "folder"])
def test_what_is_not_ours_is_never_written_over_nor_removed(machine: Machine, kind: str) -> None:
    foreign = machine.first / "ansible-playbook"
    if kind == "program":
        program(foreign, "# Made by SecLyzer Edge, scripts/setup. is what a copy of our words would have\necho foreign")
        foreign.write_text("#!/bin/sh\necho foreign # SecLyzer Edge wrapper: \n")
    elif kind == "folder":
        foreign.mkdir()
    else:
        foreign.symlink_to(machine.last / ("ansible-playbook" if kind == "link" else "gone"))
    before = (foreign.is_symlink(), foreign.lstat().st_mtime_ns, foreign.lstat().st_ino)
    one = machine.clone("one")
    reported = machine.wrappers(one, "install")
    assert f"not ours, and left alone in {machine.first}: ansible-playbook;" in reported
    machine.wrappers(one, "remove")
    assert (foreign.is_symlink(), foreign.lstat().st_mtime_ns, foreign.lstat().st_ino) == before
    assert os.listdir(machine.first) == ["ansible-playbook"]


def test_a_wrapper_of_an_earlier_release_is_ours(machine: Machine) -> None:
    """That one ran the tools of the clone which wrote it, wherever one stood."""
    (machine.first / "molecule").write_text(OLD)
    one = machine.clone("one")
    machine.wrappers(one, "install")
    assert machine.run(one, "molecule").stdout == "one\n"
    (machine.first / "molecule").write_text(OLD)
    machine.wrappers(one, "remove")
    assert os.listdir(machine.first) == []


def test_a_second_run_writes_nothing(machine: Machine) -> None:
    one = machine.clone("one")
    machine.wrappers(one, "install")
    before = {tool: (machine.first / tool).stat().st_ino for tool in TOOLS}
    machine.wrappers(one, "install")
    assert {tool: (machine.first / tool).stat().st_ino for tool in TOOLS} == before


def test_setup_writes_its_packages_into_the_cache() -> None:
    """pip and uv keep what they load in the project's cache, not in the home of whoever types it."""
    text = (ROOT / "scripts" / "setup").read_text()
    assert "export PIP_CACHE_DIR=$cache/pip UV_CACHE_DIR=$cache/uv" in text
    assert text.index("export PIP_CACHE_DIR") < text.index("-m pip install")
