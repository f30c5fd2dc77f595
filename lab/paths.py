"""Where things lie: the project's root, the cache outside the tree, and each lab's own folder."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def cache() -> Path:
    """The folder for what is costly to make and is named by its content."""
    named = os.environ.get("SECLYZER_CACHE")
    return Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "seclyzer"


def state(lab: str) -> Path:
    """The folder of one lab: ssh key, known hosts, ssh configuration, certificate authority."""
    return ROOT / ".lab" / lab


def fixed(lab: str) -> Path:
    """The link to that folder at the place the inventories name.

    Molecule runs Ansible and testinfra in the scenario's folder, where a path from our root leads nowhere.
    """
    return Path.home() / ".cache" / "seclyzer" / "lab" / lab
