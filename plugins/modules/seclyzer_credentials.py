#!/usr/bin/python
"""Lets a host's units take the credentials that were made for them."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import renewing, switching
from ..module_utils.files import locked
from ..module_utils.layout import BASE, UNIT_DIR, Layout, Refused

DOCUMENTATION = r"""
module: seclyzer_credentials
short_description: Restart the units that hold an older credential, one at a time
version_added: "0.1.0"
description:
  - Finds the units of the running deployment whose credentials are others by now than those they were started with, and
    the agent when it began before the CA was written. Restarts one, waits until the host is healthy, and goes on to the
    next.
  - A unit that is not healthy ends it; the others keep running with the former credential.
  - Refuses while a deployment is on trial, or another run has the host.
extends_documentation_fragment: [seclyzer.edge.layout, seclyzer.edge.layout.units]
author: The SecLyzer maintainers (@seclyzer)
options:
  seconds:
    description: How long a host may take to be healthy after a restart.
    type: float
    default: 60
  by:
    description: Who does this, for the history.
    type: str
    default: unknown
attributes:
  check_mode:
    description: Reports what would be restarted.
    support: full
"""

EXAMPLES = r"""
- name: Restart what holds an older credential
  seclyzer.edge.seclyzer_credentials:
    by: ann@controller
"""

RETURN = r"""
restarted:
  description: The units that were restarted, or in check mode would be.
  type: list
  elements: str
  returned: always
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "seconds": {"type": "float", "default": 60},
            "by": {"type": "str", "default": "unknown"},
            **BASE,
            **UNIT_DIR,
        },
        supports_check_mode=True,
    )
    os.umask(0o022)  # the judge and the agent read what is written here, whatever root's own umask is
    options = module.params
    layout = Layout(Path(options["base"]), Path(options["unit_dir"]))
    try:
        if module.check_mode:
            units = renewing.stale(layout)
        else:
            with locked(layout.lock):
                units = renewing.renew(layout, options["by"], options["seconds"])
    except Refused as fault:
        module.fail_json(msg=str(fault))
    module.exit_json(changed=bool(units), restarted=[switching.short(name) for name in units])


if __name__ == "__main__":
    main()
