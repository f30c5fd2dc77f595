#!/usr/bin/python
"""Waits until data can flow on a host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import deployments, health, runs, trials
from ..module_utils.before import Before
from ..module_utils.files import locked
from ..module_utils.history import CONFIRMED, FAILED, RETRY, RETURNED, History
from ..module_utils.layout import BASE, Layout, Refused

DOCUMENTATION = r"""
module: seclyzer_health
short_description: Wait until data can flow
version_added: "0.1.0"
description:
  - Asks the parts of a host until all are well, or the time is up. Its units are active, which for these units means
    ready. The agent answers and does not say fail. Each extractor's heartbeat names the implementation, version and
    process that should run. Redis and InfluxDB answer.
  - What should run is read from the running deployment on the host.
  - With I(before), what was wrong before a switch fails nothing. Losses count from then on, and a check of the agent
    that failed before is no fault, unless it judges the deployment itself.
  - With I(going_back), InfluxDB may be away while the agent reports that every point is kept for it, or when it was
    away before; and an extractor that lost data before may go on losing it.
  - On failure the message states what is wrong, with the last lines of the journal.
extends_documentation_fragment: [seclyzer.edge.layout]
author: The SecLyzer maintainers (@seclyzer)
options:
  seconds:
    description: How long to wait.
    type: float
    default: 60
  grace:
    description: How long a warning of the agent is looked at again after a switch; it may describe what ran before.
    type: float
    default: 12
  before:
    description: What C(seclyzer_deployment) found just before it switched, its result C(before).
    type: dict
    default: {}
  going_back:
    description: Whether the host goes back to what ran before, so that trouble which it had before is none of it.
    type: bool
    default: false
  trial:
    description:
      - The trial that C(seclyzer_deployment) began, its result C(trial). The host then decides by itself, and this
        reports what it decided. A host that returned is a failure.
    type: dict
    default: {}
  follow:
    description: Seconds for which one run of the module waits for the host to decide. The action asks again after it.
    type: float
    default: 8
  by:
    description: Who asks, for the history.
    type: str
    default: unknown
  rollout:
    description: Names the run over many hosts whose outcome this is, for the history. Its lease of the host ends here.
    type: str
    default: ""
attributes:
  check_mode:
    description: Looks once, and does not fail.
    support: full
"""

EXAMPLES = r"""
- name: Data can flow
  seclyzer.edge.seclyzer_health:
    seconds: 30
"""

RETURN = r"""
summary:
  description: What runs, in one line.
  type: str
  returned: always
faults:
  description: What is wrong, in sentences.
  type: list
  elements: str
  returned: always
running:
  description: Number, release, mode and implementations of the running deployment.
  type: dict
  returned: always
waiting:
  description: What the trial waits for, when it is not decided yet.
  type: str
  returned: while a trial is going
pids:
  description: Main process of each unit.
  type: dict
  returned: always
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "seconds": {"type": "float", "default": 60.0},
    "grace": {"type": "float", "default": 12.0},
    "before": {"type": "dict", "default": {}},
    "going_back": {"type": "bool", "default": False},
    "trial": {"type": "dict", "default": {}},
    "follow": {"type": "float", "default": 8.0},
    "by": {"type": "str", "default": "unknown"},
    "rollout": {"type": "str", "default": ""},
    **BASE,
}

UNREADABLE = (OSError, Refused, UnicodeDecodeError)
"""What reading or writing the files of a host may raise: a full disk, a history that is no JSON or no text."""


def record(layout: Layout, found: health.Health, by: str, run: str) -> None:
    """Writes the outcome into the history: of the deployment that runs, and of the run."""
    with locked(layout.lock):
        n = deployments.current(layout)
        if n is not None:
            runs.concluded(layout, n, FAILED if found.faults else CONFIRMED, run, by, "; ".join(found.faults))
        runs.followed(layout)


def sentence(layout: Layout, fault: Exception) -> str:
    """What is wrong with a file of the host, in words."""
    if isinstance(fault, UnicodeDecodeError):
        return f"a file in {layout.base} is no text ({fault}); mend it or move it away"
    if isinstance(fault, OSError):
        return f"{f'{fault.filename}: ' if fault.filename else ''}{fault.strerror or fault}"
    return str(fault)


def decided(module: AnsibleModule, layout: Layout) -> str:
    """Why the host confirmed what was on trial. Ends the module when it has not decided yet, or decided against it."""
    began = module.params["trial"]
    try:
        trial, waiting = trials.follow(layout, module.params["follow"])
    except Refused as fault:
        trial, waiting, lost = None, "", str(fault)
    else:
        lost = f"the trial of deployment {began.get('to')} is not on this host any more"
    if waiting:
        module.exit_json(changed=False, waiting=waiting, summary="", faults=[], running={}, pids={})
    if trial is None or not trial.is_same(began):
        outcome = lost
    elif trial.state == CONFIRMED:
        return f"confirmed by the host after {trial.why}"
    elif trial.state == RETURNED:
        outcome = (
            f"the host returned by itself to deployment {trial.from_} and is healthy; deployment {trial.to} failed its "
            f"trial: {trial.why}. journalctl -u {trials.UNIT} on the host shows the course of it; the same content is "
            f"refused there from now on, unless {RETRY}"
        )
    else:
        outcome = f"deployment {trial.to} failed its trial: {trial.why}"
    faults = [outcome]
    try:
        with locked(layout.lock):
            runs.followed(layout)
    except UNREADABLE as fault:
        faults.append(f"that it was seen could not be written into the history: {sentence(layout, fault)}")
    module.fail_json(msg="; ".join(faults), summary="", faults=faults, running=running(layout), pids={})
    return ""


def running(layout: Layout) -> dict[str, Any]:
    """Number, release, mode and implementations of what runs."""
    found = deployments.manifest(layout, deployments.current(layout)) or {}
    return {name: found[name] for name in ("deployment", "release", "mode", "implementations") if name in found}


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    os.umask(0o022)  # services read what is written here, whatever root's own umask is
    layout = Layout(Path(module.params["base"]))
    try:
        judge(module, layout)
    except UNREADABLE as fault:
        words = sentence(layout, fault)
        if module.check_mode:
            module.exit_json(changed=False, summary=words, faults=[], running={}, pids={})
        module.fail_json(msg=words, summary="", faults=[words], running={}, pids={})


def judge(module: AnsibleModule, layout: Layout) -> None:
    """Ends the module with what was found. Raises one of `UNREADABLE` when the host's files do not say what runs."""
    confirmed = ""
    if module.params["trial"] and not module.check_mode:
        confirmed = decided(module, layout)
    before = Before.of(module.params["before"]) if module.params["before"] else None
    target = health.Target.of(layout, module.params["going_back"], before)
    state = History.load(layout).state(deployments.current(layout))
    grace = 0.0 if confirmed or state == CONFIRMED else module.params["grace"]
    found = health.wait(target, 0 if module.check_mode else module.params["seconds"], grace)
    result: dict[str, Any] = {
        "changed": False,
        "summary": ", ".join(filter(None, (found.summary(), confirmed))),
        "faults": found.faults,
        "running": running(layout),
        "pids": found.pids,
    }
    if module.check_mode:
        module.exit_json(**result)
    try:
        record(layout, found, module.params["by"], module.params["rollout"])
    except UNREADABLE as fault:
        words = f"the outcome could not be written into the history: {sentence(layout, fault)}"
        result["faults"] = [*found.faults, words]
    if result["faults"]:
        lines = [f"{unit}: {line}" for unit, text in found.journals.items() for line in text]
        module.fail_json(msg="; ".join(result["faults"]), journal=lines, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
