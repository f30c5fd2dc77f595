"""What the project's actions share: how they are called, how they ask a host, and how they follow one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.following import follow

Facts = dict[str, Any]
Options = Mapping[str, Mapping[str, Any]]
Result = dict[str, Any]

display = Display()

CALLBACK = "seclyzer.edge.seclyzer_report"
"""Prints the report of a run after the recap, which is a line a host: so it is the last on the screen."""


def report(lines: Iterable[str], bad: Mapping[str, str]) -> Result:
    """The result of an action that reports a run, with why each host needs an operator, in a sentence.

    The lines are printed here where the callback, which prints them last, is not enabled.
    """
    shown = list(lines)
    if CALLBACK not in C.CALLBACKS_ENABLED:
        for line in shown:
            display.display(line)
    return {"changed": False, "msg": shown, "bad": sorted(bad), "why": dict(bad)}


class Action(ActionBase):  # type: ignore[misc]
    """An action that runs in check mode too, and not in the background of a host. Each defines `result`."""

    _supports_check_mode = True
    _supports_async = False

    OPTIONS: ClassVar[Options | None] = None
    """What is accepted, as an argument specification. None leaves the check to the module on the host."""

    def run(self, tmp: str | None = None, task_vars: Facts | None = None) -> Result:
        """The result of the task."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args) if self.OPTIONS is None else self.validate_argument_spec(self.OPTIONS)[1]
        return self.result(arguments, task_vars or {})

    @abstractmethod
    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The result of the task with these arguments and variables of the host."""

    def ask(self, module: str, arguments: Mapping[str, Any], facts: Facts) -> Result:
        """What a module returns on the host. Raises AnsibleConnectionFailure when the host is not reached."""
        return dict(self._execute_module(module, dict(arguments), task_vars=facts))

    def follow(self, ask: Callable[[], Result], facts: Facts, keeps_on: bool, note: str = "", **how: Any) -> Result:
        """The first answer that waits for nothing. What the host waits for is shown, with `note` behind it."""
        host = facts.get("inventory_hostname")

        def tell(words: str) -> None:
            display.display(f"{host} waits for {words}{note}")

        return follow(ask, tell, AnsibleConnectionFailure, keeps_on, **how)
