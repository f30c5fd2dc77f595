"""The trial of a deployment, as its host keeps it."""

import json
from collections.abc import Callable
from typing import Any

from hostchecks import deployment
from hostchecks.host import Host, name
from hostchecks.polling import poll

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


def began(edge: Host, last: Trial) -> Trial:
    """The trial after `last`, once it has begun."""
    return waited(edge, lambda trial: trial.get("began") != last.get("began"))
