#!/usr/bin/python
"""Writes down what a host has before SecLyzer changes it, so that removal can give it back."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import found, packages
from ..module_utils.layout import Layout, Refused

DOCUMENTATION = r"""
module: seclyzer_found
short_description: Write down what a host has before SecLyzer changes it
version_added: "0.1.0"
description:
  - Looks at users, groups, paths and units that a role is about to make or change, and at packages that it is about to
    install, and writes down in C(/opt/seclyzer/found.json) how they were. C(playbooks/remove.yml) gives that back.
  - The first look counts. What is written down is not looked at again, so a second run changes nothing.
author: The SecLyzer maintainers (@seclyzer)
options:
  users:
    description: Users that are about to be made.
    type: list
    elements: str
    default: []
  groups:
    description: Groups that are about to be made.
    type: list
    elements: str
    default: []
  paths:
    description: Files and folders that are about to be written or made.
    type: list
    elements: path
    default: []
  units:
    description: Units that are about to be changed or masked.
    type: list
    elements: str
    default: []
  packages:
    description: Packages that are about to be installed, as apt takes them. What would come with them is noted too.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Looks, and writes nothing down.
    support: full
"""

EXAMPLES = r"""
- name: Record what the host had before
  seclyzer.edge.seclyzer_found:
    users: [influxdb]
    units: [influxdb.service]
"""

RETURN = r"""
here:
  description: Which of O(paths) are on the host now.
  type: list
  elements: str
  returned: always
missing:
  description: Which of O(packages) are not installed.
  type: list
  elements: str
  returned: always
unknown:
  description: Whether apt cannot tell what installing them would bring, as with no lists of packages.
  type: bool
  returned: always
"""


def main() -> None:
    """Run the module."""
    names = ("users", "groups", "units", "packages")
    module = AnsibleModule(
        argument_spec={name: {"type": "list", "elements": "str", "default": []} for name in names}
        | {"paths": {"type": "list", "elements": "path", "default": []}},
        supports_check_mode=True,
    )
    os.umask(0o022)
    layout, options, dry = Layout(), dict(module.params), module.check_mode
    wished = options.pop("packages")
    try:
        there = packages.installed() if wished else set()
        missing = [name for name in wished if packages.bare(name) not in there]
        brings = packages.brought(missing, there) if missing else {}
        before = found.load(layout)
        known = found.note(layout, **options, dry=dry)
        fresh = {name: why for name, why in (brings or {}).items() if name not in known.packages}
        if fresh and not dry:
            known.packages |= fresh
            found.save(layout, known)
        here = [path for path in options["paths"] if os.path.lexists(path)]
        changed = bool(fresh) or (known != before and any(options.values()))
        module.exit_json(changed=changed, here=here, missing=missing, unknown=brings is None)
    except Refused as fault:
        module.fail_json(msg=str(fault))


if __name__ == "__main__":
    main()
