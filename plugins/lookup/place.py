"""Where a run finds or leaves files of the controller that no option names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils.command_line import INSTALLED, PROJECT

DOCUMENTATION = r"""
name: place
short_description: Where a run finds or leaves files of the controller that no option names
version_added: "0.1.0"
description:
  - A path in the project when the playbooks run from a checkout, and in the current folder when they run from an
    installed collection, which is no place for what a run makes.
author: The SecLyzer maintainers (@seclyzer)
options:
  _terms:
    description: The path, relative.
    required: true
"""

EXAMPLES = r"""
- name: Show where reports go
  ansible.builtin.debug:
    msg: "{{ lookup('seclyzer.edge.place', 'reports') }}"
"""

RETURN = r"""
_raw:
  description: The absolute path.
  type: list
  elements: str
"""


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **_: Any) -> list[str]:
        """One path."""
        if len(terms) != 1 or Path(str(terms[0])).is_absolute():
            raise AnsibleLookupError("seclyzer.edge.place needs one relative path")
        return [str((Path.cwd() if INSTALLED else PROJECT) / str(terms[0]))]
