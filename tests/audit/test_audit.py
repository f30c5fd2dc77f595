"""`make audit` says what it could not look at, is never green because of that, and never hangs.

The tools are programs in the place of the real ones, which need a network: they say what those say, with it and
without.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = 5
LOCKS = 8

PIP_GOOD = json.dumps({"dependencies": [{"name": "redis", "version": "8.1.0", "vulns": []}], "fixes": []})
PIP_BAD = json.dumps({"dependencies": [{"name": "redis", "version": "8.1.0", "vulns": [{"id": "PYSEC-1"}]}]})
PIP_OFFLINE = json.dumps({"dependencies": [{"name": "redis", "skip_reason": "Dependency not found on PyPI"}]})
CARGO_GOOD = json.dumps({"database": {"advisory-count": 900}, "vulnerabilities": {"list": []}})
CARGO_EMPTY = json.dumps({"database": {"advisory-count": 0}, "vulnerabilities": {"list": []}})
CARGO_BAD = json.dumps(
    {
        "database": {"advisory-count": 900},
        "vulnerabilities": {
            "list": [{"package": {"name": "a", "version": "1"}, "advisory": {"id": "RUSTSEC-2030-0001"}}]
        },
    }
)
GO_GOOD = '{"config": {}}\n{"progress": {"message": "Checking"}}'
GO_BAD = GO_GOOD + '{"finding": {"osv": "GO-2030-1", "trace": [{"module": "stdlib", "version": "v1.26.8"}]}}' * 2


class Tools:
    """A folder with the tools that are installed, and nothing else on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "influxd").write_text("program")

    def says(self, tool: str, out: str, code: int = 0, err: str = "", script: str = "") -> None:
        """Installs a tool that prints this."""
        for name, text in (("out", out), ("err", err)):
            (self.folder / f"{tool}.{name}").write_text(text)
        path = self.folder / tool
        path.write_text(
            f"#!/bin/sh\n{script}\ncd {self.folder}\n/bin/cat {tool}.out\n/bin/cat {tool}.err >&2\nexit {code}\n"
        )
        path.chmod(0o755)

    def audit(self, seconds: float = 20) -> subprocess.CompletedProcess[str]:
        """What `python -m scripts.audit` prints and ends with."""
        command = [sys.executable, "-m", "scripts.audit", f"--seconds={seconds}", f"--influxd={self.folder}/influxd"]
        environment = os.environ | {"PATH": str(self.folder)}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    """All three tools, each of which finds nothing."""
    made = Tools(tmp_path)
    made.says("pip-audit", PIP_GOOD, err="No known vulnerabilities found")
    made.says("cargo-audit", CARGO_GOOD)
    made.says("govulncheck", GO_GOOD)
    return made


def test_all_looked_at_and_nothing_known_is_0(tools: Tools) -> None:
    done = tools.audit()
    assert (done.returncode, done.stdout.count("ok  ")) == (0, LOCKS)
    assert done.stdout.splitlines()[-1] == f"{LOCKS} locks: 0 advisories, 0 not looked at"


def test_without_tools_nothing_is_looked_at_and_the_status_is_3(tmp_path: Path) -> None:
    done = Tools(tmp_path).audit()
    assert (done.returncode, done.stdout.count("NOT LOOKED AT")) == (3, LOCKS)
    assert "pip-audit is not installed: uv tool install pip-audit" in done.stdout
    assert "ok  " not in done.stdout
    assert done.stdout.splitlines()[-1].endswith("(which says nothing about them)")


def test_packages_that_pip_audit_skipped_are_no_pass_though_it_says_so_and_ends_with_0(tools: Tools) -> None:
    tools.says("pip-audit", PIP_OFFLINE, err="No known vulnerabilities found")
    done = tools.audit()
    assert (done.returncode, done.stdout.count("NOT LOOKED AT")) == (3, PYTHONS)
    assert "1 of 1 packages were skipped: Dependency not found" in done.stdout


@pytest.mark.parametrize(
    ("tool", "out", "code", "locks"),
    [
        ("pip-audit", "", 1, PYTHONS),
        ("pip-audit", '{"dependencies": []}', 0, PYTHONS),
        ("cargo-audit", "", 1, 2),
        ("cargo-audit", "{}", 0, 2),
        ("cargo-audit", CARGO_EMPTY, 0, 2),
        ("govulncheck", '{"config": {}}', 1, 1),
        ("govulncheck", "no JSON", 0, 1),
    ],
)
def test_a_tool_that_does_not_reach_its_advisories_is_reported_and_is_3(
    tools: Tools, tool: str, out: str, code: int, locks: int
) -> None:
    tools.says(tool, out, code, err="fetching: no such host")
    done = tools.audit()
    assert (done.returncode, done.stdout.count("NOT LOOKED AT")) == (3, locks)
    assert done.stdout.count("ok  ") == LOCKS - locks
    assert done.stdout.count(f"{tool}") == locks


@pytest.mark.parametrize(
    ("tool", "out", "code", "words"),
    [
        ("pip-audit", PIP_BAD, 1, "agent/requirements.lock: redis 8.1.0: PYSEC-1"),
        ("cargo-audit", CARGO_BAD, 1, "extractors/rust/Cargo.lock: a 1: RUSTSEC-2030-0001"),
        ("govulncheck", GO_BAD, 0, "influxd: stdlib v1.26.8: GO-2030-1"),
    ],
)
def test_an_advisory_is_named_and_is_1(tools: Tools, tool: str, out: str, code: int, words: str) -> None:
    tools.says(tool, out, code)
    done = tools.audit()
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("ADVISORY") and line.endswith(words)]


def test_an_advisory_is_1_also_where_something_else_was_not_looked_at(tools: Tools) -> None:
    tools.says("cargo-audit", CARGO_BAD, 1)
    (tools.folder / "govulncheck").unlink()
    assert tools.audit().returncode == 1


def test_a_tool_that_hangs_is_ended_with_what_it_started(tools: Tools) -> None:
    tools.says("govulncheck", GO_GOOD, script=f"/bin/sleep 61.{os.getpid()} & wait")
    began = time.monotonic()
    done = tools.audit(seconds=1)
    assert time.monotonic() - began < 20
    assert done.returncode == 3
    assert "govulncheck did not end within 1 s, and was ended" in done.stdout
    left = subprocess.run(["pgrep", "-f", f"sleep 61.{os.getpid()}"], capture_output=True, text=True)
    assert left.stdout == ""
