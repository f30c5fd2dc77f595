"""A host whose clock is wrong is refused with both times and the command, and the others go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts
from hostchecks.rollout import roll_out, started

FOLDER = "/root/another-clock"
HOURS = 3
# The hosts share this machine's clock: what the modules read is shifted on one of them, in their Python alone.
SHIFTED = f"""import time
_true = time.time
time.time = lambda: _true() + {HOURS * 3600}
"""


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[tuple[Host, str]]:
    """An edge whose clock is ahead for modules, and an inventory that has it so."""
    edge = hosts(EDGES)[-1]
    edge.check_output("install -d -m 0700 %s", FOLDER)
    edge.check_output("printf %%s %s > %s/sitecustomize.py", SHIFTED, FOLDER)
    program = f'#!/bin/sh\nPYTHONPATH={FOLDER} exec /usr/bin/python3 "$@"\n'
    edge.check_output("printf %%s %s > %s/python3 && chmod 0700 %s/python3", program, FOLDER, FOLDER)
    more = tmp_path / "clock.yml"
    interpreter = f"{{ansible_python_interpreter: {FOLDER}/python3}}"
    more.write_text(f"seclyzer_edge:\n  hosts:\n    {name(edge)}: {interpreter}\n")
    yield edge, str(more)
    edge.check_output("rm -r %s", FOLDER)


def test_a_wrong_clock_marks_its_host_and_the_others_go_on(fast: tuple[Host, str]) -> None:
    edge, inventory = fast
    run = roll_out("-i", inventory, "--tags", "preflight")
    others = {host for host in run.report["hosts"] if host != name(edge)}
    assert (run.status != 0, run.host(name(edge))["state"]) == (True, "refused"), run.text
    (cause,) = run.host(name(edge))["cause"]
    assert cause.startswith(f"its clock is {HOURS} h later than "), cause
    assert "timedatectl set-ntp true" in cause
    assert "mend that, then " in run.host(name(edge))["command"]
    assert others and {run.host(host)["state"] for host in others} == {"partial"}, run.text


def test_status_names_a_wrong_clock(fast: tuple[Host, str]) -> None:
    edge, inventory = fast
    with started("playbooks/status.yml", "-i", inventory) as run:
        done = run.ended()
    assert done.status != 0
    noted = {
        host: note
        for host, about in done.report["hosts"].items()
        for note in about["notes"]
        if note.startswith(f"its clock is {HOURS} h later than ")
    }
    assert list(noted) == [name(edge)], done.text
    assert name(edge) in done.report["bad"]
