"""Options that say where things lie on a host. Their types and defaults stand in module_utils/layout.py."""


class ModuleDocFragment:
    """Found by `extends_documentation_fragment: [seclyzer.edge.layout]`, and likewise `.units`."""

    DOCUMENTATION = r"""
options:
  base:
    description: Folder of releases and deployments.
    type: path
    default: /opt/seclyzer
"""

    UNITS = r"""
options:
  unit_dir:
    description: Where unit files are installed.
    type: path
    default: /etc/systemd/system
"""
