"""Playbooks that report end with the report: below the recap, once, and without what Ansible prints of an assertion."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

AWAY = "[seclyzer_edge]\nedge1 ansible_host=127.0.0.1 ansible_port=9\n"
OUTSIDE = "[all:vars]\ninfluxdb_token_file={token}\ninfluxdb_url=https://store.example.com:8086\n"
REFUSED = "ssh: connect to host 127.0.0.1 port 9: Connection refused"
LEASE = '{"run": "r1", "by": "ann@vm", "since": 0, "stale": false}'
AT_WORK = "ann@vm has a run going since 00:00:00Z (r1)"


def run(folder: Path, inventory: str, playbook: str, *typed: str) -> tuple[int, str, list[str]]:
    """A playbook as it is typed in the checkout: its exit status, all it printed, and the lines below the recap."""
    (folder / "token").write_text("t" * 40)
    (folder / "hosts").write_text(inventory.replace("{token}", str(folder / "token")))
    words = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(folder / "hosts"), playbook, *typed]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    own = {"PWD": str(ROOT), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(words, cwd=ROOT, env=clean | own, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    return done.returncode, text, done.stdout.partition("PLAY RECAP")[2].partition("\n\n")[2].strip().splitlines()


def without_internals(text: str, lines: list[str]) -> bool:
    """Whether no assertion is shown, and each line of the report once."""
    inner = [word for word in ("assertion", "evaluated_to", "see the report above") if word in text]
    return not inner and bool(lines) and all(text.splitlines().count(line) == 1 for line in lines)


@pytest.mark.parametrize("name", ["status", "remove", "rotate"])
def test_no_playbook_that_reports_makes_an_assertion(name: str) -> None:
    assert "ansible.builtin.assert" not in (ROOT / "playbooks" / f"{name}.yml").read_text()


@pytest.fixture
def busy(tmp_path: Path) -> str:
    """An inventory with this machine as an edge, on which by its answer a run is at work."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n/usr/bin/python3 "$@" | sed \'s/"lease": null/"lease": {LEASE}/\'\n')
    python.chmod(0o755)
    return f"[seclyzer_edge]\nedge2 ansible_connection=local ansible_python_interpreter={python}\n"


def test_status_ends_with_its_report_and_fails_with_the_reason(tmp_path: Path, busy: str) -> None:
    status, text, lines = run(tmp_path, busy, "playbooks/status.yml")
    assert status == 2 and without_internals(text, lines), text
    assert lines[:2] == ["edge2  nothing deployed", f"         {AT_WORK}"]
    assert f"[ERROR]: Task failed: Action failed: {AT_WORK}" in text


def test_status_reports_what_it_has_compared_and_the_command_for_settings(tmp_path: Path, busy: str) -> None:
    _, text, lines = run(tmp_path, busy, "playbooks/status.yml", "--limit", "edge2")
    command = f"ansible-playbook -i {tmp_path}/hosts site.yml --check --diff --limit edge2"
    assert lines[-2:] == [
        "0 of 1 hosts need no operator: what is deployed there is as it was staged, in the mode and the "
        "implementations of the inventory",
        f"settings are not compared here; what site.yml would change: {command}",
    ], text


def test_status_names_hosts_also_when_none_was_reached(tmp_path: Path) -> None:
    status, text, lines = run(tmp_path, AWAY, "playbooks/status.yml")
    assert status == 4, text
    assert lines[0] == "The run ended early: no host was left." and REFUSED in lines[1]


def test_a_removal_ends_with_its_report_also_of_an_edge_whose_store_is_outside(tmp_path: Path) -> None:
    status, text, lines = run(
        tmp_path, AWAY + OUTSIDE, "playbooks/remove.yml", "--limit", "edge1", "-e", "remove_confirmed=true"
    )
    assert status == 2 and without_internals(text, lines), text
    assert lines[0] == "edge1: NOT REACHED, so SecLyzer is still on it"
    assert lines[-1].endswith("playbooks/remove.yml -e remove_confirmed=true --limit edge1")


def test_a_rotation_ends_with_its_report_and_fails_with_the_reason(tmp_path: Path) -> None:
    status, text, lines = run(tmp_path, AWAY + OUTSIDE, "playbooks/rotate.yml", "-e", "rotate=store")
    assert status == 2 and without_internals(text, lines), text
    assert lines[:2] == ["1 host: 1 host with trouble", "edge1  NOT REACHED: it was not reached"]
    assert "[ERROR]: Task failed: Action failed: it was not reached" in text
