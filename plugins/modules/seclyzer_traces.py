#!/usr/bin/python
"""Finds, forgets or exports what an edge holds of a person."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.edge_traces import Edge
from ..module_utils.files import locked
from ..module_utils.layout import Refused
from ..module_utils.selection import ARGUMENTS, Selection

DOCUMENTATION = r"""
module: seclyzer_traces
short_description: Find, forget or export what an edge holds of a person
version_added: "0.1.0"
description:
  - Looks at each extractor's spool and C(rejected.lp), the application tracker's state, and Redis' streams, features,
    cursors and state. Lines that carry a name are judged by it. What carries none is the host's owner's, that is the
    C(user_id) its extractors are configured with.
  - C(absent) stops the extractors, takes it out, counts again, and starts those that ran. Events that are read from
    streams meanwhile are not lost, but those published on the channel are.
  - Counts without times, which the application tracker keeps, go whole when they are selected at all.
  - C(exported) writes files for the person into a new folder that only root may read. Raw events are not exported.
extends_documentation_fragment: [seclyzer.edge.selection]
options:
  state:
    description: What to do.
    type: str
    required: true
    choices: [counted, absent, exported]
author: The SecLyzer maintainers (@seclyzer)
attributes:
  check_mode:
    description: Counts and changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Forget what this host holds
  seclyzer.edge.seclyzer_traces:
    state: absent
    host: edge1
"""

RETURN = r"""
owner:
  description: The C(user) and C(host) that this host's extractors write down.
  type: dict
  returned: always
owned:
  description: Whether what carries no name here is the chosen person's.
  type: bool
  returned: always
before:
  description: What was there, by place.
  type: dict
  returned: always
after:
  description: What is left, by place; with C(counted) and in check mode the same as C(before).
  type: dict
  returned: always
until:
  description: With C(absent), the time in µs after which data are new; 0 when nothing was done.
  type: int
  returned: always
folder:
  description: With C(exported), where the files are.
  type: str
  returned: exported
files:
  description: With C(exported), each file's C(name), C(bytes), C(sha256) and C(records).
  type: list
  elements: dict
  returned: exported
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **ARGUMENTS,
            "state": {"type": "str", "required": True, "choices": ["counted", "absent", "exported"]},
        },
        required_one_of=[("user", "host")],
        supports_check_mode=True,
    )
    options = dict(module.params)
    asked = options.pop("state")
    state = "counted" if module.check_mode else asked
    try:
        module.exit_json(**apply(Edge(), state, Selection(**options)))
    except Refused as error:
        module.fail_json(msg=str(error))


def apply(edge: Edge, state: str, chosen: Selection) -> dict[str, Any]:
    """Do it; returns the module's result. Raises Refused with a sentence."""
    about = {"owner": asdict(edge.owner()), "owned": edge.owned(chosen)}
    if state == "absent":
        with locked(edge.lock):
            before = edge.count(chosen)
            if not about["owned"] and not any(before.values()):
                return {"changed": False, **about, "before": before, "after": before, "until": 0}
            before, after, cut = edge.forget(chosen)
        changed = any(before.values())
        return {"changed": changed, **about, "before": before, "after": after, "until": int(cut * 1e6)}
    before = edge.count(chosen)
    result: dict[str, Any] = {"changed": False, **about, "before": before, "after": before, "until": 0}
    if state == "exported":
        folder = Path(tempfile.mkdtemp(prefix="seclyzer-export-", dir="/var/tmp"))
        try:
            pieces = edge.export(chosen, folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
        result |= {"folder": str(folder), "files": [asdict(piece) for piece in pieces]}
    return result


if __name__ == "__main__":
    main()
