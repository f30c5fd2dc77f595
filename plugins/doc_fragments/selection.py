"""Options that choose whose data is meant. Their types and defaults stand in module_utils/selection.py."""


class ModuleDocFragment:
    """Found by `extends_documentation_fragment: [seclyzer.edge.selection]`."""

    DOCUMENTATION = r"""
options:
  user:
    description: The person's C(user_id); empty when only O(host) chooses.
    type: str
    default: ""
  host:
    description: The host, as its points' tag names it; empty when only O(user) chooses.
    type: str
    default: ""
  since:
    description: From this time on, in µs since 1970; 0 for no bound.
    type: int
    default: 0
  until:
    description: Before this time, in µs since 1970; 0 for no bound.
    type: int
    default: 0
"""
