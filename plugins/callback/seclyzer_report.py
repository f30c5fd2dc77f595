"""Prints the report of a run after Ansible's recap, which is a line a host: so it is the last on the screen."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase

from ..module_utils.fleet_entry import plain

DOCUMENTATION = r"""
name: seclyzer_report
type: aggregate
short_description: The report of a run, printed last
version_added: "0.1.0"
description:
  - Prints what the actions C(seclyzer_report), C(seclyzer_runs), C(seclyzer_removal) and C(seclyzer_rotation) report of
    all hosts after the recap. When a run ends before it comes to its report,
    because no host is left that answers, names each host that was lost and where.
author: The SecLyzer maintainers (@seclyzer)
requirements:
  - C(callbacks_enabled) names it, as the C(ansible.cfg) of the project does.
"""

NAME = "seclyzer.edge.seclyzer_report"
REPORTS = (NAME, *(f"seclyzer.edge.seclyzer_{what}" for what in ("runs", "removal", "rotation")))
"""The actions that report a run. Of what they return, a report is what names the hosts that need an operator."""
OURS = ("seclyzer.edge.seclyzer_preflight", "seclyzer.edge.seclyzer_runs")
"""The actions that look at each host first: a run with one of them is one of ours."""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """See above."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = NAME
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._lost: dict[str, str] = {}
        self._ours = False

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A run is one of ours when it looks at hosts as ours do."""
        self._ours |= str(task.action) in OURS

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keeps the report."""
        if str(result._task.action) in REPORTS and "bad" in result._result:
            self._lines = [str(line) for line in result._result.get("msg") or []]

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keeps where a host was lost."""
        words = plain(str(result._result.get("msg") or ""))
        self._lost[result._host.get_name()] = f'NOT REACHED in "{result._task.get_name()}": {words}'

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The last lines of a run."""
        lines = self._lines
        if not lines and self._ours and self._lost:
            lines = [
                "The run ended early: no host was left.",
                *(f"{host}  {words}" for host, words in self._lost.items()),
            ]
        for line in lines:
            self._display.display(line)
