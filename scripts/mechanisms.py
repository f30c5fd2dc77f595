"""Takes out what makes a promise true, and expects the promise's test on hosts to fail: `python -m scripts.mechanisms`.

molecule/mechanisms.toml has the promises. The lab of the inventory has to be up. Each mechanism is taken out of a clone
of the commit that is checked out, so that the checkout stays as it is. Exit status 1 when a test did not notice, or
could not be run; 2 when the hosts could not be given the checkout's release again.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from scripts.test import ROOT, junit_failures

TABLE = "molecule/mechanisms.toml"
PLACE = ROOT / "build" / "mechanisms"
LENT = (".lab", "build/rust", "build/python")
"""What a clone has of the checkout, by a link."""
LONGEST = 3600


class Failed(Exception):
    """A command did not end well, or not in time."""


@dataclass(frozen=True)
class Mechanism:
    """How a promise is kept, and how that is taken out: `text` of `file` becomes `instead`.

    `tests`: what to run, a path below molecule/ and options; of them `fails` has to fail. `release`: hosts run it.
    """

    name: str
    promise: str
    file: str
    text: str
    instead: str
    tests: str
    fails: str
    release: bool = False

    def without(self, source: str) -> str:
        """The file without it. Raises ValueError unless its text is there once."""
        if source.count(self.text) != 1:
            raise ValueError(f"{TABLE}: the text of {self.name} is {source.count(self.text)} times in {self.file}")
        return source.replace(self.text, self.instead)


def load(root: Path = ROOT) -> list[Mechanism]:
    """All of the table."""
    table = tomllib.loads((root / TABLE).read_text())
    return [Mechanism(name, **entry) for name, entry in table.items()]


def main() -> int:
    """Takes the named ones out, or all, one after the other."""
    known = load()
    parser = argparse.ArgumentParser(prog="python -m scripts.mechanisms", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(one.name for one in known)}")
    parser.add_argument(
        "--inventory", default="inventories/molecule", help="of a lab that is up (default: %(default)s)"
    )
    options = parser.parse_args()
    if strange := set(options.names) - {one.name for one in known}:
        parser.error(f"{', '.join(sorted(strange))}: not in {TABLE}")
    chosen = [one for one in known if one.name in options.names or not options.names]
    noticed = []
    for one in chosen:
        try:
            noticed.append(_tried(one, options.inventory))
        except Failed as error:
            print(f"{one.name}: the hosts may still run the release without it: {error}", file=sys.stderr)
            return 2
    print(f"{sum(noticed)} of {len(noticed)} were noticed")
    return int(not all(noticed))


def _tried(mechanism: Mechanism, inventory: str) -> bool:
    """Whether the test fails without the mechanism; hosts run the checkout's release again afterwards.

    Raises Failed when they could not be given it.
    """
    begun, folder = time.monotonic(), PLACE / mechanism.name
    tree, log = folder / "tree", folder / "log"
    shutil.rmtree(folder, ignore_errors=True)
    _clone(tree, inventory)
    file = tree / mechanism.file
    file.write_text(mechanism.without(file.read_text()))
    with log.open("wb") as out:
        try:
            words, noticed = _judged(mechanism, tree, inventory, out)
            where = "" if noticed else f" ({log.relative_to(ROOT)})"
            print(
                f"{mechanism.name} ({mechanism.promise}), {time.monotonic() - begun:.0f} s: {words}{where}", flush=True
            )
        finally:
            _roll_out(ROOT, inventory, out)
    return noticed


def _judged(mechanism: Mechanism, tree: Path, inventory: str, out: BinaryIO) -> tuple[str, bool]:
    """What became of the test, in words, and whether it noticed."""
    try:
        if mechanism.release:
            _run([sys.executable, "-m", "scripts.bundle"], tree, out)
            _roll_out(tree, inventory, out)
        report = _test(mechanism, tree, inventory, out)
    except Failed as error:
        return f"NOT TRIED: {error}", False
    failed = [name for name in junit_failures(report) if mechanism.fails in name]
    return (f"noticed by {failed[0]}", True) if failed else ("NOT NOTICED", False)


def _clone(tree: Path, inventory: str) -> None:
    subprocess.run(["git", "clone", "--quiet", "--local", str(ROOT), str(tree)], check=True)
    shutil.copy(ROOT / "lab" / "labs.toml", tree / "lab" / "labs.toml")
    shutil.copytree(ROOT / inventory, tree / inventory, dirs_exist_ok=True)
    (tree / "build").mkdir()
    for lent in LENT:
        (tree / lent).symlink_to(ROOT / lent)
    shutil.copytree(ROOT / "build" / "bundle", tree / "build" / "bundle")


def _roll_out(tree: Path, inventory: str, out: BinaryIO) -> None:
    """A release that judges badly, or is known to be bad, is to be left in any case: without a trial."""
    typed = ["-e", "mode=hybrid", "-e", "seclyzer_release_soak_seconds=0", "-e", "seclyzer_release_shadow_seconds=0"]
    taken = ["-e", "retry=true", "-e", "seclyzer_release_take_over=true"]
    _run(["ansible-playbook", "-i", str(tree / inventory), "site.yml", *typed, *taken], tree, out)


def _test(mechanism: Mechanism, tree: Path, inventory: str, out: BinaryIO) -> Path:
    """The JUnit file of the tests' run. Raises Failed when it takes too long."""
    report = tree.parent / "junit.xml"
    path, *options = shlex.split(mechanism.tests)
    scenario, _, tests = path.partition("/")
    place = tree / "molecule" / scenario
    settings = ["-c", "pytest.ini", f"--ansible-inventory={tree / inventory}", f"--junitxml={report}"]
    words = [sys.executable, "-m", "pytest", "-q", *settings, tests, *options]
    surroundings = {"MOLECULE_PROJECT_DIRECTORY": str(tree), "SECLYZER_INVENTORY": str(tree / inventory)}
    _run(words, place, out, check=False, surroundings=surroundings)
    return report


def _run(
    words: list[str], folder: Path, out: BinaryIO, check: bool = True, surroundings: Mapping[str, str] | None = None
) -> None:
    """Raises Failed."""
    env = os.environ | (surroundings or {})
    try:
        subprocess.run(words, cwd=folder, env=env, check=check, stdout=out, stderr=out, timeout=LONGEST)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Failed(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
