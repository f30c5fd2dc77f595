"""The summary of `make test` names each test that failed: of a CI run often only the end is kept."""

import shlex
import sys
from pathlib import Path

import pytest

from scripts import test as suites

FAILING = """
import pytest

def test_adds():
    assert 1 + 1 == 3, "one and one"

def test_passes():
    pass

@pytest.fixture
def broken():
    raise OSError("no such host")

def test_needs_a_host(broken):
    pass
"""


def test_the_summary_names_failed_tests_and_broken_fixtures_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_made.py").write_text(FAILING)
    run = (
        f"{shlex.quote(sys.executable)} -m pytest -q -c /dev/null --rootdir={tmp_path} --junitxml={{junit}} {tmp_path}"
    )
    monkeypatch.setattr(suites, "LOGS", suites.LOGS.parent / "test-summary")
    monkeypatch.setattr(suites, "SUITES", {"made": [suites.Step("step", run, "junit")]})
    monkeypatch.setattr(sys, "argv", ["test"])
    assert suites.main() == 1
    summary = capsys.readouterr().out.partition("1 failed\n")[2].splitlines()
    assert summary[0] == "  made step: exit status 1"
    assert [line.partition("AssertionError")[0] for line in summary[1:2]] == ["    test_made::test_adds: "]
    assert "one and one" in summary[1]
    assert summary[2].startswith("    test_made::test_needs_a_host: ")
    assert "no such host" in summary[2]
    assert summary[3] == "1 passed, 2 failed"
