"""Follows a host that judges its deployment: asks until it has decided, and reaches it again when ssh was cut."""

from __future__ import annotations

from typing import Any

from ..plugin_utils.actions import Action, Facts, Result

MODULE = "seclyzer.edge.seclyzer_health"


class ActionModule(Action):
    """Runs the module until the host's trial is decided; once, when there is none."""

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The result of the module's last run."""
        keeps_on = bool(arguments.get("trial"))
        return self.follow(lambda: self.ask(MODULE, arguments, facts), facts, keeps_on, pause=0.0)
