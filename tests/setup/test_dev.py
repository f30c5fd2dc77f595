"""scripts/dev does on a developer's machine what docs/migration.md has people type."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.blocks import block
from tests.helpers import ROOT
from tests.helpers.ports import free_port

TYPED = block("docs/migration.md", "On a developer's machine").splitlines()
PROGRAMS = ("redis", "influxd", "keystroke", "mouse", "app", "agent")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A pipeline of its own, beside the developer's; it is stopped whatever happens."""
    with tempfile.TemporaryDirectory(prefix="dev") as run:  # a socket's path holds 107 bytes
        own = {"SECLYZER_DEV_HOME": str(tmp_path), "XDG_RUNTIME_DIR": run}
        own["SECLYZER_DEV_PORTS"] = f"{free_port()},{free_port()}"
        yield {**os.environ, **own}
        subprocess.run(["scripts/dev", "stop", "--forget"], cwd=ROOT, env={**os.environ, **own}, capture_output=True)


def test_the_lines_of_the_page_work_as_typed(environment: dict[str, str]) -> None:
    printed = {}
    for line in TYPED:
        done = subprocess.run(line.split(), cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}:\n{done.stdout}{done.stderr}"
        printed[line.split()[1]] = done.stdout
    assert "dev: hybrid runs" in printed["start"]
    shown = {line.split()[0]: line for line in printed["status"].splitlines()}
    assert set(shown) == set(PROGRAMS) and "stopped" not in printed["status"]
    events = {kind: int(shown[kind].partition(" events=")[2].split()[0]) for kind in ("keystroke", "mouse", "app")}
    assert min(events.values()) > 0
    assert "implementation=rust" in shown["keystroke"] and "implementation=python" in shown["app"]
    assert printed["logs"].strip()
    assert printed["stop"].count("stopped") == len(PROGRAMS)
