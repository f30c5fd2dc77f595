#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_rotation
short_description: Decide what is rotated, and report what came of it
version_added: "0.1.0"
description:
  - Reads what was typed and what earlier tasks registered, and touches no host. Run it once for all hosts.
author: The SecLyzer maintainers (@seclyzer)
options:
  step:
    description: C(plan) decides what is rotated; C(report) prints what was, and what an operator has to do.
    type: str
    required: true
    choices: [plan, report]
  rotate:
    description: >-
      For C(plan), what is to be rotated, as a list or separated by commas, of C(redis), C(store), C(certificates) or
      C(all); or C(finish).
    type: raw
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
"""

EXAMPLES = r"""
- name: Check what is to be rotated
  seclyzer.edge.seclyzer_rotation:
    step: plan
    rotate: redis,store
  register: __seclyzer_rotation
"""

RETURN = r"""
redis:
  description: Whether passwords of Redis are made anew.
  type: bool
  returned: plan
store:
  description: Whether tokens for the store are.
  type: bool
  returned: plan
certificates:
  description: Whether the CA on hosts and the certificate of the store are renewed.
  type: bool
  returned: plan
finish:
  description: Whether former passwords and tokens are ended.
  type: bool
  returned: plan
msg:
  description: The lines of the report.
  type: list
  elements: str
  returned: report
bad:
  description: Hosts that need an operator.
  type: list
  elements: str
  returned: report
why:
  description: The cause by host.
  type: dict
  returned: report
"""
