"""`pytest` at the root finds every test that needs no hosts, and any set of folders runs together."""

import re
import subprocess
import sys
from pathlib import Path

from tests.helpers import ROOT

FOLDERS = ["tests", "lab/tests", "bench/tests", "agent/tests", "extractors/python/tests"]
SECONDS = 300  # it never came back when it walked the link in collections/


def collected(*words: str, at: Path = ROOT) -> dict[str, int]:
    """How many tests there are in each file, by its path from the root."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", *words]
    done = subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(count) for name, count in re.findall(r"^(\S+\.py): (\d+)$", done.stdout, re.MULTILINE)}


def test_pytest_at_the_root_finds_every_test_that_needs_no_hosts() -> None:
    listed = subprocess.run(["git", "ls-files", "*test_*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [name for name in listed.stdout.split() if Path(name).name.startswith("test_") and (ROOT / name).exists()]
    found = collected()
    assert sorted(found) == sorted(name for name in files if not name.startswith("molecule/"))
    # In another order, named one by one: the same.
    assert collected(*FOLDERS) == found
    assert collected(*FOLDERS[:0:-1]) == {name: n for name, n in found.items() if not name.startswith("tests/")}


def test_pytest_in_a_package_finds_its_own() -> None:
    found = collected(at=ROOT / "agent")
    assert found and all(name.startswith("agent/tests/") for name in found)
