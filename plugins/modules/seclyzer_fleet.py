#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_fleet
short_description: Decide which hosts of a fleet go on, and in which batches
version_added: "0.1.0"
description:
  - Reads what earlier tasks registered and touches no host. Run it once for all hosts.
  - C(chosen), after the look at all hosts, names those that go on. A host that is refused or was not reached stops
    itself only; the edges of a store that was refused stop with it, unless O(spare), and those of a store that is away
    go on.
  - C(alone), after staging, names the hosts that the run gives back. They are all that it has when another run is at
    work on one of its hosts, for of two runs that share hosts one goes on with all of its own.
  - C(order), after staging, puts the staged hosts into the order in which they switch and cuts batches. Hosts that run
    what was staged come first and together; then each store by itself; then the edges, those of the group
    C(seclyzer_canary) first, in the batches of C(seclyzer_release_batches).
  - C(batch), at the start of each batch, reports whether it may start. It may not when more hosts of earlier batches
    failed than C(seclyzer_release_max_fail).
author: The SecLyzer maintainers (@seclyzer)
options:
  step:
    description: Which decision.
    type: str
    required: true
    choices: [chosen, alone, order, batch]
  spare:
    description:
      - Whether edges of a store that was refused go on when they have a token and write to that store already.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing in any mode. In check mode all hosts are one batch.
    support: full
"""

EXAMPLES = r"""
- name: Select the hosts that go on
  seclyzer.edge.seclyzer_fleet:
    step: chosen
    spare: true
  run_once: true
  register: __seclyzer_fleet
"""

RETURN = r"""
chosen:
  description: All hosts of the run.
  type: list
  elements: str
  returned: chosen
go:
  description: The hosts that go on; C(stores) and C(edges) are those of each group.
  type: list
  elements: str
  returned: chosen
elsewhere:
  description: Of each store the edges that write to another one, whose credentials end there.
  type: dict
  returned: chosen
left:
  description: Of each edge that leaves a store to which the run does not come, that store.
  type: dict
  returned: chosen
general:
  description: What the report tells of the whole run, such as who goes on without a store.
  type: list
  elements: str
  returned: chosen
refused:
  description: What speaks against each host that was refused, in sentences.
  type: dict
  returned: chosen
back:
  description: The hosts that the run gives back; C(why) is the sentence, empty when there are none.
  type: list
  elements: str
  returned: alone
hosts:
  description: The staged hosts in the order in which they switch.
  type: list
  elements: str
  returned: order
batches:
  description: The sizes of the batches, for C(serial).
  type: list
  elements: int
  returned: order
settled:
  description: The hosts that run already what was staged.
  type: list
  elements: str
  returned: order
stopped:
  description: Why hosts are not started, in a sentence; empty when all are.
  type: str
  returned: order, batch
"""
