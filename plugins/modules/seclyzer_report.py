#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_report
short_description: Report what every host of the play runs
version_added: "0.1.0"
description:
  - One line a host with release, mode, what runs, health, and where that differs from the inventory. Hosts that failed
    or were not reached are named.
  - Reads what earlier tasks registered and touches no host.
author: The SecLyzer maintainers (@seclyzer)
options:
  preflight:
    description: Name of the variable that the look at each host was registered in.
    type: str
    default: __seclyzer_host
  health:
    description: Name of the variable that the health gate was registered in.
    type: str
    default: __seclyzer_health
  failed:
    description: Name of the variable that says in a sentence why a host failed.
    type: str
    default: __seclyzer_failed
  partial:
    description: Whether the tags of the run left the health gate out. A host is then good when nothing failed on it.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
"""

EXAMPLES = r"""
- name: Report
  seclyzer.edge.seclyzer_report:
  run_once: true
"""

RETURN = r"""
msg:
  description: One line a host.
  type: list
  elements: str
  returned: always
bad:
  description: Hosts that are not where they should be.
  type: list
  elements: str
  returned: always
"""
