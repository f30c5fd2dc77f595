#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_runs
short_description: Read the runs of hosts, choose the one to undo, and report
version_added: "0.1.0"
description:
  - C(read) asks one host what it runs, and which deployments and runs it knows.
  - C(choose) decides over all hosts of the play which run is undone, without touching one. It refuses when the last run
    left nothing to undo, also when only the controller's last report has it, when hosts that may know a later one are
    away, and when a host has no such deployment.
  - C(targets) reports where each host could go.
  - C(status) reports what each host runs, since when, by which run, where its mode and implementations differ from the
    inventory's, and what differs from the files that were staged. Settings are compared by C(site.yml --check --diff).
author: The SecLyzer maintainers (@seclyzer)
options:
  step:
    description: Which part of the work to do.
    type: str
    required: true
    choices: [read, choose, targets, status]
  files:
    description: For C(read), whether to compare the files of what runs with what was staged.
    type: bool
    default: false
  registered:
    description: Name of the variable that C(read) was registered in.
    type: str
    default: __seclyzer_host
  undo:
    description: For C(choose), the run to undo. Without it, the last one.
    type: str
    default: ""
  to:
    description: For C(choose), where to go in the place of undoing a run.
    type: str
    default: ""
  each_host:
    description: For C(choose), whether each host undoes the run that brought what it runs, whichever that is.
    type: bool
    default: false
  without_unreachable:
    description: For C(choose), whether the last run that the hosts in reach know is meant though others are away.
    type: bool
    default: false
  take_over:
    description: >-
      For C(choose), whether to go on with a rollback that did not come to its end though it may still be at work
      elsewhere.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
"""

EXAMPLES = r"""
- name: Read what the host runs
  seclyzer.edge.seclyzer_runs:
    step: read
  register: __seclyzer_host

- name: Choose the run to undo
  seclyzer.edge.seclyzer_runs:
    step: choose
  run_once: true
  register: __seclyzer_run
"""

RETURN = r"""
running:
  description: The deployment that runs; empty when there is none.
  type: dict
  returned: read
by:
  description: Who runs Ansible, and where, for the history.
  type: str
  returned: read
rollout:
  description: A name for this run; that of a rollback which did not come to its end, when this one goes on with it.
  type: str
  returned: choose
undo:
  description: The run that is undone; empty when each host has its own, or goes elsewhere.
  type: str
  returned: choose
msg:
  description: What is undone, or one or more lines a host.
  type: raw
  returned: choose, targets, status
bad:
  description: Hosts that need an operator, or were not reached.
  type: list
  elements: str
  returned: status
why:
  description: The cause by host.
  type: dict
  returned: status
"""
