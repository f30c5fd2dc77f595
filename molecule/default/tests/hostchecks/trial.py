"""The trial of a deployment, as its host keeps it."""

import json
from collections.abc import Callable
from typing import Any

from hostchecks import deployment
from hostchecks.host import Host, name
from hostchecks.polling import poll
from hostchecks.rollout import Started

JUDGE = "seclyzer-trial.service"
FILE = f"{deployment.HOME}/trial.json"
"""Written last when the host has decided."""
LONGEST = 300.0
"""Seconds until a trial is decided on a slow machine; one of a fault at the start takes some 10."""
Trial = dict[str, Any]


def of(edge: Host) -> Trial:
    """The last trial; empty when it had none."""
    found: Trial = json.loads(edge.run("cat %s", FILE).stdout or "{}")
    return found


def waited(edge: Host, good: Callable[[Trial], object]) -> Trial:
    """The trial, once it is as it should be."""
    found = poll(lambda: of(edge), good, LONGEST)
    assert good(found), f"{name(edge)}: {found}"
    return found


def decided(edge: Host) -> Trial:
    """The trial, once the host has decided."""
    return waited(edge, lambda trial: trial.get("state") != "going")


def took(edge: Host, found: Trial) -> float:
    """Seconds from the beginning of a trial to what the host decided; one that was returned was healthy by then."""
    return float(edge.check_output("stat -c %s %s", "%.Y", FILE)) - float(found["began"])


def judge_left(edge: Host) -> str:
    """The judge's unit and its links, once they are gone: it removes them after it has decided; else what is left."""
    shown = "systemctl cat %s; ls /etc/systemd/system/*.wants/%s"
    return poll(lambda: edge.run(shown, JUDGE, JUDGE).stdout, lambda left: left == "", LONGEST)


def began(edge: Host, last: Trial, run: Started) -> Trial:
    """The trial after `last` that a run begins, once it has begun; fails when the run has ended without one."""
    found = waited(edge, lambda trial: trial.get("began") != last.get("began") or run.process.poll() is not None)
    assert found.get("began") != last.get("began"), run.text()
    return found
