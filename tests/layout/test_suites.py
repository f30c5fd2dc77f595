"""No test is left out of `make test`: every folder with tests belongs to a suite."""

from pathlib import Path

from scripts.test import SUITES

ROOT = Path(__file__).resolve().parent.parent.parent
OWN_RUNNER = {ROOT / "molecule"}  # molecule/guard.py holds what ran against molecule.yml


def test_every_folder_with_tests_is_in_a_suite() -> None:
    named = {ROOT / word for steps in SUITES.values() for step in steps for word in step.command.split() if "/" in word}
    tracked = [
        path for top in ("agent", "bench", "extractors", "lab", "tests") for path in (ROOT / top).rglob("test_*.py")
    ]
    folders = {path.parent for path in tracked if "build" not in path.relative_to(ROOT).parts}
    assert len(folders) > 10
    left_out = {folder for folder in folders if not ({folder, *folder.parents} & (named | OWN_RUNNER))}
    assert left_out == set()
