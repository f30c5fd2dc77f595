#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_preflight
short_description: Refuse what cannot go well before anything changes
version_added: "0.1.0"
description:
  - C(variables) looks at the inventory and the command line for all hosts of the play, without touching one. It refuses
    a mode that does not exist, an unknown variable with the prefix of a role, a wrong type, a missing bundle, and edges
    without a store.
  - C(renamed) reads the options of one host that are set by an old name, without touching it, and warns of each.
  - C(host) asks one host what it is and runs, decides its mode, and records what speaks against it.
author: The SecLyzer maintainers (@seclyzer)
options:
  step:
    description: Which part of the work to do.
    type: str
    required: true
    choices: [variables, renamed, host]
  bundle:
    description: Folder with the bundle on the controller. Without it, nothing that only a release needs is refused.
    type: path
  store:
    description: Whether the run needs the store. If not, nothing that only the store needs is refused.
    type: bool
    default: true
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
"""

EXAMPLES = r"""
- name: The inventory and the command line make sense
  seclyzer.edge.seclyzer_preflight:
    step: variables
    bundle: build/bundle
  run_once: true
  register: __seclyzer_run

- name: See what each host is and runs
  seclyzer.edge.seclyzer_preflight:
    step: host
    bundle: build/bundle
  register: __seclyzer_host
"""

RETURN = r"""
refused:
  description: What speaks against this host, or with C(variables) against the run, in sentences.
  type: list
  elements: str
  returned: host, and when a run is refused
chosen:
  description: The hosts of the run; with C(-e only=failed) those that need an operator by the last report.
  type: list
  elements: str
  returned: variables
general:
  description: What the report tells of the whole run.
  type: list
  elements: str
  returned: variables
rollout:
  description: With C(variables), a name for this run; with C(host), of the run by which the running deployment came.
  type: str
  returned: variables, host
options:
  description: Options that are set by an old name, by their new names and in the new form.
  type: dict
  returned: renamed
unsigned:
  description: Whether the bundle has no signature, which the inventory allows.
  type: bool
  returned: variables
typed:
  description: Options of roles that were set by C(-e), in the place of what the inventory configures.
  type: list
  elements: str
  returned: variables
mode:
  description: The mode the host shall run; none on a host without extractors.
  type: str
  returned: host
mode_from:
  description: Where the mode comes from.
  type: str
  returned: host
inventory_mode:
  description: The value of C(seclyzer_mode), if any.
  type: str
  returned: host
overrides:
  description: The value of C(seclyzer_implementations).
  type: dict
  returned: host
implementations:
  description: What shall run each extractor.
  type: dict
  returned: host
redis:
  description: >-
    How Redis is reached on the host. Its keys are C(socket), C(unit), which is empty for the distribution's own,
    C(socket_group), and C(legacy_clients), whether it takes clients without a password.
  type: dict
  returned: host
bundle:
  description: The folder that was given.
  type: str
  returned: variables, host
release:
  description: The release in the bundle.
  type: str
  returned: host
has_command:
  description: Whether the host has the command C(seclyzer) as this project has it.
  type: bool
  returned: host
untested:
  description: The host's system, when releases are not tested there and the inventory accepts that; mostly empty.
  type: str
  returned: host
influx:
  description: >-
    Where the host writes to. Its keys are C(url), C(address), which is its host and port, C(socket), by which programs
    reach it, C(org), C(bucket), C(ca_file), which may be empty, C(other), whether it is a server that is not in
    the inventory, and C(unit), that of InfluxDB on a store.
  type: dict
  returned: host
needs_store:
  description: Why the host cannot do without its store in this run, in a sentence; empty for one that can.
  type: str
  returned: host
nameless:
  description: The store's name, when the host knows no address of it; mostly empty.
  type: str
  returned: host
by:
  description: Who runs Ansible, and where, for the history.
  type: str
  returned: host
running:
  description: The deployment that runs; empty when there is none.
  type: dict
  returned: host
previous:
  description: Number of the deployment that one can go back to; none when there is none.
  type: int
  returned: host
"""
