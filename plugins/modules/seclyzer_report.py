#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_report
short_description: Report what a run came to
version_added: "0.1.0"
description:
  - Totals; each host that needs an operator with what it runs, what it ran before, the cause, and the command to type;
    the others in one line a group; what was given by C(-e) and not by the inventory.
  - Kept on the controller for C(-e only=failed), and written as JSON where the variable C(report_file) says.
  - Reads what earlier tasks registered and touches no host. Run it once for all hosts.
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
  playbook:
    description: The playbook to name in commands.
    type: str
    default: site.yml
  why:
    description: Fails with this sentence and does nothing else. For a host that needs an operator.
    type: str
    default: ""
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
  description: The lines of the report.
  type: list
  elements: str
  returned: always
bad:
  description: Hosts that need an operator.
  type: list
  elements: str
  returned: without I(why)
why:
  description: The cause by host.
  type: dict
  returned: without I(why)
"""
