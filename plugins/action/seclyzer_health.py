"""Follows a host that judges its deployment: asks until it has decided, and reaches it again when ssh was cut."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.following import follow

MODULE = "seclyzer.edge.seclyzer_health"
display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module until the host's trial is decided; once, when there is none."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module's last run."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        host = str((task_vars or {}).get("inventory_hostname"))

        def ask() -> dict[str, Any]:
            return dict(self._execute_module(MODULE, arguments, task_vars=task_vars))

        def tell(words: str) -> None:
            display.display(f"{host} waits for {words}")

        return follow(ask, tell, AnsibleConnectionFailure, bool(arguments.get("trial")), pause=0.0)
