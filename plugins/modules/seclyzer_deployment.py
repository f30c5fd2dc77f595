#!/usr/bin/python
"""Stages, switches and returns what runs on a host, each in one run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import deployments, lease
from ..module_utils.deploying import overview, run, status, would
from ..module_utils.files import locked
from ..module_utils.layout import BASE, UNIT_DIR, Layout, Refused
from ..module_utils.pruning import KEEP
from ..module_utils.runs import WentOn
from ..module_utils.staging import KnownBad

DOCUMENTATION = r"""
module: seclyzer_deployment
short_description: Stage, prove, switch and return a deployment of SecLyzer
version_added: "0.1.0"
description:
  - A deployment is a release, a mode and settings together, numbered on its host. They change and go back together.
  - C(staged) brings the release to the host, writes the deployment down and proves it. No service is touched.
  - C(current) moves the link, installs the unit files and restarts the units whose content changed. Asked for again in
    the same I(rollout), it goes on with the trial that it began; a run tries a deployment once.
  - C(previous) undoes a run, or goes to a deployment that the host has had. It needs nothing from the controller, and
    proves files, units and programs of where it goes before anything is touched.
  - C(given_back) ends I(rollout) on a host that it has staged, and changes nothing of what runs.
  - C(status) changes nothing and reports what the host is and runs.
  - Archives are sent only to a host that lacks the release, and only those it needs.
extends_documentation_fragment:
  - seclyzer.edge.deployment.staged
  - seclyzer.edge.deployment.lease
  - seclyzer.edge.deployment.status
  - seclyzer.edge.layout
  - seclyzer.edge.layout.units
author: The SecLyzer maintainers (@seclyzer)
options:
  state:
    description: What to do.
    type: str
    required: true
    choices: [staged, given_back, current, previous, status]
  deployment:
    description: The deployment to make the running one. Without it, the newest that was staged.
    type: int
  rollout:
    description:
      - Names the run over many hosts that this is a step of. It is written into the history, and has the lease of the
        host from here to its outcome, which C(seclyzer_health) writes.
    type: str
    default: ""
  undo:
    description:
      - For C(previous), the run to undo. A host that it did not change stays as it is.
      - Without it, each host undoes the run that brought what it runs.
    type: str
    default: ""
  to:
    description: >-
      For C(previous), where to go in the place of undoing a run. A deployment's number, a release, whose newest
      deployment is meant, or a run, by what it brought.
    type: str
    default: ""
  by:
    description: Who does this, for the history.
    type: str
    default: unknown
  accept_state_loss:
    description:
      - For C(staged) and C(previous), whether to go to a release that cannot read all that the running one has saved.
        Otherwise the host is refused with what would be lost. Nothing is deleted.
    type: bool
    default: false
  keep:
    description: How many confirmed deployments are kept, beside those that must be.
    type: int
    default: 3
  existing:
    description: >-
      What the switch does with an older SecLyzer. C(replace) writes down how its units are, stops and disables them;
      with C(refuse) none is there.
    type: str
    choices: [refuse, replace]
    default: refuse
  soak:
    description:
      - Seconds for which the host itself watches another deployment after the switch to it, from the first look that
        finds all well. It confirms it, or returns to what ran before. C(seclyzer_health) follows that.
      - With 0, and when neither release brings a judge, the host watches nothing.
    type: float
    default: 0
  trial_seconds:
    description: Seconds after which a trial that is not decided is decided against the new deployment.
    type: float
    default: 240
  patience:
    description: Seconds until the first look that finds all well, in a trial.
    type: float
    default: 60
attributes:
  check_mode:
    description: Reports what would change; sends and writes nothing.
    support: full
  diff_mode:
    description: Shows units and configuration against those of the running deployment.
    support: full
"""

EXAMPLES = r"""
- name: Stage and prove
  seclyzer.edge.seclyzer_deployment:
    state: staged
    bundle: build/bundle
    mode: rust
    implementations: {keystroke: rust, mouse: rust, app: rust}
    units: "{{ units }}"
    config: "{{ config }}"
  register: staged

- name: Switch
  seclyzer.edge.seclyzer_deployment:
    state: current
    deployment: "{{ staged.deployment }}"

- name: Go back
  seclyzer.edge.seclyzer_deployment:
    state: previous
"""

RETURN = r"""
deployment:
  description: Number of the deployment that was staged, or that runs now. None in check mode when it would be new.
  type: int
  returned: always
said:
  description: What was done, in words.
  type: list
  elements: str
  returned: always
needs:
  description: Archives the host lacks. The action sends them and asks again.
  type: list
  elements: str
  returned: staged
switches:
  description: Whether going to the deployment would change anything on the host. If not, C(before) is returned as well.
  type: bool
  returned: staged
shadow:
  description: >-
    C(job) of the comparison that was begun, or a C(note) why there is none; empty when there is nothing to compare.
  type: dict
  returned: staged
known_bad:
  description: On failure, that the content failed on this host before, or was returned from.
  type: bool
  returned: staged
went_on:
  description: On failure, that another run of the same moment went on with the host; it may have ended since.
  type: bool
  returned: staged
running:
  description: Number, release, version, mode and implementations of the running deployment; empty when there is none.
  type: dict
  returned: status, current, previous
store:
  description: The address of the store that the running deployment writes to; empty without one.
  type: str
  returned: status
returned:
  description: Whether the host went back, or in check mode would.
  type: bool
  returned: previous
before:
  description: What was wrong just before the switch, for C(seclyzer_health).
  type: dict
  returned: current, previous
trial:
  description: >-
    The trial that the switch began, with C(run), C(from), C(to), C(began) and C(deadline), for C(seclyzer_health);
    empty when there is none. For C(status) the last one of this host, with C(state) and C(why) too.
  type: dict
  returned: status, current, previous
waiting:
  description: What a trial that is going on this host waits for, or this run; nothing was done. The action asks again.
  type: str
  returned: while a trial is going
rollout:
  description: The run over many hosts by which the running deployment came; empty when it is not known.
  type: str
  returned: status
previous:
  description: Number of the deployment that ran before.
  type: int
  returned: status
faults:
  description: What was changed in the files of what runs, in sentences.
  type: list
  elements: str
  returned: status
records:
  description: What became of each deployment of the host, by number.
  type: dict
  returned: status with another scope than C(host)
runs:
  description: The newest runs that came to the host, with their outcome, newest last.
  type: list
  elements: dict
  returned: status with another scope than C(host)
lease:
  description: The run that is at work on the host, none without one; on failure and while this one waits, who has it.
  type: dict
  returned: status with another scope than C(host)
overview:
  description: What the page of the host's agent shows; empty without an answer, and C(overview_fault) says why.
  type: dict
  returned: status with C(overview)
host:
  description: >-
    Distribution, architecture, Python, free bytes for releases and for state, bytes that are spooled, bytes of memory
    that programs may have (none where that is not known), whether the extractors have a token to write with, addresses
    of the names asked for, who listens at the ports asked for, the services that SecLyzer did not install, and the
    hashes of the command's files.
  type: dict
  returned: status
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "required": True, "choices": ["staged", "given_back", "current", "previous", "status"]},
    "bundle": {"type": "path"},
    "manifest": {"type": "str"},
    "sums": {"type": "str"},
    "signature": {"type": "str", "default": ""},
    "signers": {"type": "list", "elements": "str"},
    "allow_unsigned": {"type": "bool", "default": False},
    "archives": {"type": "path"},
    "mode": {"type": "str"},
    "implementations": {"type": "dict", "default": {}},
    "units": {"type": "dict", "default": {}},
    "config": {"type": "dict", "default": {}},
    "probes": {"type": "dict", "default": {}},
    "parts": {"type": "list", "elements": "dict", "default": []},
    "deployment": {"type": "int"},
    "rollout": {"type": "str", "default": ""},
    "undo": {"type": "str", "default": ""},
    "to": {"type": "str", "default": ""},
    "scope": {"type": "str", "choices": ["host", "runs", "files"], "default": "host"},
    "overview": {"type": "bool", "default": False},
    "by": {"type": "str", "default": "unknown"},
    "process": {"type": "str", "default": ""},
    "waited_for": {"type": "str", "default": ""},
    "why": {"type": "str", "default": ""},
    "take_over": {"type": "bool", "default": False},
    "retry": {"type": "bool", "default": False},
    "store_away": {"type": "bool", "default": False},
    "accept_state_loss": {"type": "bool", "default": False},
    "shadow_seconds": {"type": "float", "default": 0.0},
    "values_change": {"type": "bool", "default": False},
    "existing": {"type": "str", "choices": ["refuse", "replace"], "default": "refuse"},
    "keep": {"type": "int", "default": KEEP},
    "soak": {"type": "float", "default": 0.0},
    "trial_seconds": {"type": "float", "default": 240.0},
    "patience": {"type": "float", "default": 60.0},
    "resolve": {"type": "list", "elements": "str", "default": []},
    "ports": {"type": "list", "elements": "int", "default": []},
    "redis_units": {"type": "list", "elements": "str", "default": []},
    **BASE,
    **UNIT_DIR,
}


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    os.umask(0o022)  # services read what is written here, whatever root's own umask is
    parameters = module.params
    layout = Layout(Path(parameters["base"]), Path(parameters["unit_dir"]))
    check = module.check_mode
    try:
        if parameters["state"] == "status":
            asked = (parameters[name] for name in ("resolve", "ports", "redis_units", "scope"))
            seen = overview(layout) if parameters["overview"] else {}
            module.exit_json(**status(layout, *asked), **seen)
        if check:
            module.exit_json(**would(layout, parameters, module._diff))
        with locked(layout.lock):
            result = run(layout, parameters, module._diff)
        module.exit_json(**result)
    except OSError as fault:
        where = f"{fault.filename}: " if fault.filename else ""
        module.fail_json(msg=f"{where}{fault.strerror or fault}", deployment=deployments.current(layout))
    except Refused as fault:
        has = lease.held(layout, parameters["rollout"])
        more: dict[str, Any] = {"lease": has.as_dict()} if has and parameters["rollout"] else {}
        more |= {"known_bad": True} if isinstance(fault, KnownBad) else {}
        more |= {"went_on": True} if isinstance(fault, WentOn) else {}
        module.fail_json(msg=str(fault), deployment=deployments.current(layout), **more)


if __name__ == "__main__":
    main()
