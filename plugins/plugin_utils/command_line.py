"""What `ansible-playbook` was called with, and how a playbook is called from where these run."""

from __future__ import annotations

from pathlib import Path

from ansible import constants as C
from ansible import context

PROJECT = Path(__file__).resolve().parents[2]
"""The checkout, or the folder of the installed collection."""

INSTALLED = (PROJECT / "MANIFEST.json").is_file()
"""Whether these run from an installed collection: `ansible-galaxy` leaves the file there, and no checkout has it."""


def inventories() -> list[str]:
    """The inventories of this run, as they were named."""
    given = context.CLIARGS.get("inventory") or C.DEFAULT_HOST_LIST
    return [str(one) for one in given]


def typed(path: str, installed: bool = INSTALLED) -> str:
    """What to type for a playbook, named by its path in a checkout: the qualified name where it is installed."""
    return f"seclyzer.edge.{Path(path).stem}" if installed else path
