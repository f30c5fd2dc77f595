#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_packages
short_description: Install packages of Debian in spite of sources that are away
version_added: "0.1.0"
description:
  - Installs packages with C(ansible.builtin.apt), without what they only recommend.
  - The lists of packages are brought up to date only when that fails without, as on a blank host, or when the package
    is not known. A source of another vendor that cannot be read then stops nothing by itself, and is named.
author: The SecLyzer maintainers (@seclyzer)
options:
  name:
    description: The packages, as apt takes them.
    type: list
    elements: str
    required: true
  policy_rc_d:
    description: What C(policy-rc.d) returns meanwhile, so that with 101 no service of a package starts.
    type: int
  unknown:
    description: What to do when no source of the host has a package, added to the message of that failure.
    type: str
attributes:
  check_mode:
    description: Reports whether a package would be installed, by the lists that the host has.
    support: full
"""

EXAMPLES = r"""
- name: Install Redis
  seclyzer.edge.seclyzer_packages:
    name: redis-server
"""

RETURN = r"""
msg:
  description: Why a package could not be installed, and which sources of packages could not be read.
  type: str
  returned: failed
"""
