"""The table of mechanisms fits the code: what is to be taken out is there once, and its test is there."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from scripts import mechanisms
from scripts.mechanisms import Mechanism, load
from tests.helpers import ROOT


@pytest.mark.parametrize("mechanism", load(), ids=lambda one: one.name)
def test_what_is_taken_out_is_there_and_so_is_its_test(mechanism: Mechanism) -> None:
    source = (ROOT / mechanism.file).read_text()
    assert mechanism.without(source) != source
    place = ROOT / "molecule" / mechanism.tests.split()[0]
    files = [place] if place.is_file() else sorted(place.glob("test_*.py"))
    assert f"def {mechanism.fails.partition('[')[0]}(" in "".join(file.read_text() for file in files)


def test_a_text_that_is_not_there_once_is_refused() -> None:
    one = Mechanism("x", "p", "file.py", "a\n", "", "long/tests/x", "test_x")
    for source in ("b\n", "a\na\n"):
        with pytest.raises(ValueError, match=r"the text of x is \d times in file.py"):
            one.without(source)


def ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refused: Callable[[Path], bool], failing: str = ""
) -> tuple[int, list[Path]]:
    """The command's exit status, and from where it rolled out.

    `refused`: from where hosts take nothing; `failing`: what the tests have as failed.
    """
    rolled: list[Path] = []

    def run(words: list[str], folder: Path, out: BinaryIO, **_: object) -> None:
        if words[0] == "ansible-playbook":
            rolled.append(folder)
            if refused(folder):
                raise mechanisms.Failed("exit status 2")
        (report,) = [word.partition("=")[2] for word in words if word.startswith("--junitxml=")] or [""]
        if report:
            case = f'<testcase classname="t" name="{failing}"><failure message="so"/></testcase>' if failing else ""
            Path(report).write_text(f"<testsuite>{case}</testsuite>")

    def clone(tree: Path, inventory: str) -> None:
        for one in load():
            (tree / one.file).parent.mkdir(parents=True, exist_ok=True)
            (tree / one.file).write_text((ROOT / one.file).read_text())

    monkeypatch.setattr(mechanisms, "PLACE", tmp_path)
    monkeypatch.setattr(mechanisms, "ROOT", tmp_path)
    monkeypatch.setattr(mechanisms, "_clone", clone)
    monkeypatch.setattr(mechanisms, "_run", run)
    monkeypatch.setattr(mechanisms, "load", lambda: load(ROOT))
    monkeypatch.setattr(sys, "argv", ["mechanisms", "return"])
    return mechanisms.main(), rolled


def test_hosts_get_the_checkouts_release_again_whatever_became_of_the_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = tmp_path / "return" / "tree"
    noticing = next(one.fails for one in load() if one.name == "return")
    for refused, failing, status, words in (
        (lambda _: False, noticing, 0, f"noticed by t::{noticing}: so"),
        (lambda _: False, "", 1, "NOT NOTICED (return/log)"),
        (lambda folder: folder == tree, "", 1, "NOT TRIED: exit status 2 (return/log)"),
    ):
        with monkeypatch.context() as patch:
            assert ended(patch, tmp_path, refused, failing) == (status, [tree, tmp_path])
        assert words in capsys.readouterr().out


def test_hosts_that_may_still_run_the_release_without_it_end_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, tmp_path, lambda folder: folder == tmp_path)[0] == 2
    assert "the hosts may still run the release without it: exit status 2" in capsys.readouterr().err
