"""What `ansible-playbook` was called with."""

from __future__ import annotations

from ansible import constants as C
from ansible import context


def inventories() -> list[str]:
    """The inventories of this run, as they were named."""
    given = context.CLIARGS.get("inventory") or C.DEFAULT_HOST_LIST
    return [str(one) for one in given]
