"""The sandbox of a service, for the template of its unit."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..module_utils import sandbox

DOCUMENTATION = r"""
name: sandbox
short_description: The sandbox of a service, as lines of its unit
version_added: "0.1.0"
description:
  - The data stand in C(plugins/module_utils/sandbox.py).
author: The SecLyzer maintainers (@seclyzer)
options:
  network:
    description: What the service can talk to.
    type: str
    required: true
    choices: [none, loopback, all]
  bus:
    description: Whether a service without a network may ask systemd by D-Bus.
    type: bool
    default: false
  allow:
    description: Addresses and networks that may be talked to beside the host's own, with the network C(loopback).
    type: list
    elements: str
    default: []
  programs:
    description: All programs that the service may start. Empty for no such limit.
    type: list
    elements: str
    default: []
  umask:
    description: The mode bits that new files do not have.
    type: str
    default: "0077"
  proc:
    description: How much of C(/proc) there is.
    type: str
    choices: [pid, all]
    default: pid
  dropin:
    description: Whether the lines go over the settings of a unit that is another's.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: A unit's sandbox
  ansible.builtin.debug:
    msg: "{{ lookup('seclyzer.edge.sandbox', network='none') }}"
"""

RETURN = r"""
_raw:
  description: The lines, with comments.
  type: list
  elements: str
"""

NETWORKS = ("none", "loopback", "all")


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, *, network: str = "", **others: Any) -> list[str]:
        """One text."""
        if terms or network not in NETWORKS:
            raise AnsibleLookupError(f"seclyzer.edge.sandbox needs network, one of {', '.join(NETWORKS)}")
        try:
            return [sandbox.text(sandbox.groups(network, **others))]
        except TypeError as fault:
            raise AnsibleLookupError(f"seclyzer.edge.sandbox: {fault}") from None
