#!/usr/bin/python
"""Compares two programs on a host's live events, value by value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import compare_job, lease, runs, shadow_words, shadows
from ..module_utils.files import locked
from ..module_utils.history import UNPROVEN, History
from ..module_utils.layout import BASE, Layout, Refused

DOCUMENTATION = r"""
module: seclyzer_compare
short_description: Compare two implementations or releases on a host's live events
version_added: "0.1.0"
description:
  - Both read the same events and what they make of them is compared, value by value. All but C(running) are shadows,
    which write nothing to Redis, have no way to the store, and run in transient units with the user, the sandbox and
    the limits of the extractor.
  - The host does the work by itself. The action asks it again until there is a result, also after a connection was cut.
  - With I(job), it waits for a comparison that C(seclyzer_deployment) began when it staged; what differs there is
    refused.
extends_documentation_fragment: [seclyzer.edge.layout]
author: The SecLyzer maintainers (@seclyzer)
options:
  left:
    description: >-
      One side, C(running), C(staged), C(python), C(rust), a release, or one of its implementations as C(RELEASE:rust).
    type: str
    default: running
  right:
    description: The other side. Needed unless there is a I(job).
    type: str
  seconds:
    description: For how long, up to four hours. Windows of 30 s count 35 s after the start.
    type: int
    default: 60
  memory_max:
    description: The memory limit of each implementation, as systemd writes it.
    type: dict
    default: {}
  out:
    description: Folder on the controller for table, JSON and picture, in a folder of the host's name. For the action.
    type: path
  job:
    description: A comparison that was begun.
    type: str
    default: ""
  deployment:
    description: The deployment that is refused when its programs differ from what runs.
    type: int
  rollout:
    description: The run that this is a step of.
    type: str
    default: ""
  by:
    description: Who does this, for the history.
    type: str
    default: unknown
  follow:
    description: Seconds for which the module waits for the result before it returns, for the action to ask again.
    type: float
    default: 20
attributes:
  check_mode:
    description: Compares nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Compare what runs with the other implementation
  seclyzer.edge.seclyzer_compare:
    right: rust
    seconds: 120
    out: build/compare
"""

RETURN = r"""
job:
  description: Names the comparison.
  type: str
  returned: always
waiting:
  description: What is waited for.
  type: str
  returned: while the comparison is going
report:
  description: The sides, the seconds, and for each kind what was compared, what differs and what it cost.
  type: dict
  returned: when there is a result
verdicts:
  description: For each kind C(equal), C(different), C(unsure), C(changed) or C(nothing), and why.
  type: dict
  returned: when there is a result
notes:
  description: What else to report, in sentences.
  type: list
  elements: str
  returned: when there is a result
figures:
  description: What was compared and what it cost, in a line.
  type: str
  returned: when there is a result
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "left": {"type": "str", "default": "running"},
    "right": {"type": "str"},
    "seconds": {"type": "int", "default": 60},
    "memory_max": {"type": "dict", "default": {}},
    "out": {"type": "path"},
    "job": {"type": "str", "default": ""},
    "deployment": {"type": "int"},
    "rollout": {"type": "str", "default": ""},
    "by": {"type": "str", "default": "unknown"},
    "follow": {"type": "float", "default": 20.0},
    **BASE,
}
Result = dict[str, Any]


def begin(layout: Layout, parameters: Result) -> str:
    """Begins the comparison that is asked for; its job."""
    if not parameters["right"]:
        raise Refused("name the other side with -e right=, such as -e right=rust")
    if not 1 <= parameters["seconds"] <= compare_job.LONGEST_S:
        raise Refused(f"seconds is {parameters['seconds']}; it has to be from 1 to {compare_job.LONGEST_S}")
    with locked(layout.lock):
        if has := lease.held(layout, ""):
            raise Refused(has.sentence())
        return shadows.by_name(
            layout, (parameters["left"], parameters["right"]), parameters["seconds"], parameters["memory_max"]
        )


def before_switch(layout: Layout, parameters: Result, found: Result) -> str:
    """Why the deployment is not switched to, which then is written down and ends the run here; empty when it is."""
    n, run, by = parameters["deployment"], parameters["rollout"], parameters["by"]
    words = shadow_words.refusal(n, found)
    with locked(layout.lock):
        runs.begin(layout, run, by)
        if words:
            history = History.load(layout)
            history.mark(n, UNPROVEN, by, run, words)
            history.note("not proven", n, by, words)
            history.save(layout)
            runs.broke_off(layout, run, by, words)
    return words


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    os.umask(0o022)
    parameters = module.params
    layout = Layout(Path(parameters["base"]))
    judges = parameters["deployment"] is not None
    if module.check_mode:
        module.exit_json(changed=False, job="", notes=[], skipped=True)
    job = parameters["job"]
    try:
        job = job or begin(layout, parameters)
        found, waiting = compare_job.follow(job, parameters["follow"])
    except (Refused, OSError) as fault:
        if not judges:
            module.fail_json(msg=str(fault), job=job)
        # Nothing speaks against the deployment.
        module.exit_json(changed=False, job=job, notes=[f"{shadows.NOT_COMPARED}: {fault}"])
    if waiting:
        module.exit_json(changed=False, job=job, waiting=waiting)
    result = {"changed": False, "job": job, "report": found["report"], "verdicts": found["verdicts"]}
    result |= {"notes": shadow_words.notes(found) if judges else [], "figures": shadow_words.figures(found)}
    try:
        refused = before_switch(layout, parameters, dict(found)) if judges else ""
    except (Refused, OSError) as fault:
        module.fail_json(msg=str(fault), **result)
    if refused:
        # What failed is printed whole: figures of each feature would hide the sentence. The host keeps them.
        module.fail_json(msg=refused, **{name: result[name] for name in ("changed", "job", "notes", "figures")})
    module.exit_json(**result)


if __name__ == "__main__":
    main()
