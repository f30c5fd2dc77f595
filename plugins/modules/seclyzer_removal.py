#!/usr/bin/python
"""Takes SecLyzer away from a host."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import removal
from ..module_utils.files import locked
from ..module_utils.layout import Layout, Refused
from ..module_utils.removal_influxdb import Place

DOCUMENTATION = r"""
module: seclyzer_removal
short_description: Take SecLyzer away from hosts
version_added: "0.1.0"
description:
  - With O(step=host), stops and removes what SecLyzer installed on the host, and gives back what it took over, by what
    M(seclyzer.edge.seclyzer_found) wrote down. Data stay unless O(data) is true. What is cut off is completed by the
    next run; on a host without SecLyzer nothing is done.
  - With O(step=chosen) and O(step=report), which reach no host, the hosts of the play are checked before anything is
    removed, and what became of them is reported.
author: The SecLyzer maintainers (@seclyzer)
options:
  step:
    description: Which part of the work to do.
    type: str
    choices: [chosen, host, report]
    default: host
  data:
    description: Whether data go as well, which are spools, states, points, backups, and the baseline of the bench.
    type: bool
    default: false
  confirmed:
    description: Whether all hosts of an inventory, or a store that edges still write to, may go. For O(step=chosen).
    type: bool
    default: false
  take_over:
    description: Whether to take a host from a rollout that is at work there, for instance one that was cut off.
    type: bool
    default: false
  groups:
    description: Groups that options of roles name. The action sets it.
    type: list
    elements: str
    default: []
  influxdb:
    description: >-
      How an InfluxDB that is another's is reached, with C(url), C(org) and C(bucket); empty where there is none. The
      action sets it.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Reports what would be removed.
    support: full
  diff_mode:
    description: Shows the steps.
    support: full
"""

EXAMPLES = r"""
- name: Remove SecLyzer from the host
  seclyzer.edge.seclyzer_removal:
    data: false
  register: __seclyzer_removed
"""

RETURN = r"""
done:
  description: What was done, or in check mode would be, in order.
  type: list
  elements: str
  returned: host
kept:
  description: Data that stay, each with C(path), C(files) and C(bytes).
  type: list
  elements: dict
  returned: host
notes:
  description: What else there is to know.
  type: list
  elements: str
  returned: host
msg:
  description: The lines of the report.
  type: list
  elements: str
  returned: report
bad:
  description: The hosts that need an operator.
  type: list
  elements: str
  returned: report
why:
  description: The cause by host.
  type: dict
  returned: report
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "choices": ["chosen", "host", "report"], "default": "host"},
            "data": {"type": "bool", "default": False},
            "confirmed": {"type": "bool", "default": False},
            "take_over": {"type": "bool", "default": False},
            "groups": {"type": "list", "elements": "str", "default": []},
            "influxdb": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    os.umask(0o022)
    try:
        module.exit_json(**run(Layout(), module.params, module.check_mode))
    except Refused as fault:
        module.fail_json(msg=str(fault))


def run(layout: Layout, options: dict[str, Any], check: bool) -> dict[str, Any]:
    """Works out what is to be done and does it. Raises Refused."""
    place = Place(**options["influxdb"]) if options["influxdb"] else None
    planned = removal.plan(layout, options["groups"], options["data"], place, options["take_over"])
    if planned.steps and not check:
        with locked(layout.lock):
            removal.carry_out(planned)
    words = [step.words for step in planned.steps]
    diff = [{"prepared": "".join(f"- {line}\n" for line in words)}] if words else []
    return {"changed": bool(words), "diff": diff, **removal.described(planned)}


if __name__ == "__main__":
    main()
