"""Follows a host that is watched, and writes what was seen on the controller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils import watch_plan
from ..module_utils.layout import Refused
from ..module_utils.watch_picture import svg
from ..module_utils.watch_text import passed, text
from ..plugin_utils.actions import Action, Facts, Result

MODULE = "seclyzer.edge.seclyzer_watch"
PAUSE_S = 30.0
SPARE_S = 900.0
"""Seconds beside those of the watch after which a host that does not end is given up."""
ONLY = ("report", "stop")
NOTE = "; this may be closed, and watch=report shows what was seen"


class ActionModule(Action):
    """Runs the module until there is a report."""

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The result of the module's last run."""
        out = arguments.pop("out", None)
        words = str(arguments.get("watch"))
        try:
            seconds = 0 if words in ONLY else watch_plan.seconds_of(words)
        except Refused as fault:
            raise AnsibleActionFail(str(fault)) from None
        began = False

        def ask() -> Result:
            nonlocal began
            result = self.ask(MODULE, arguments, facts)
            began = began or bool(result.get("changed"))
            if result.get("job"):
                arguments["job"] = result["job"]
            return result

        pause = min(PAUSE_S, max(watch_plan.every_of(seconds), 1)) if seconds else 1.0
        unit = watch_plan.UNIT.removesuffix(".service")
        result = self.follow(ask, facts, False, NOTE, pause=pause, longest=seconds + SPARE_S, unit=unit)
        if "report" not in result or result.get("failed"):
            return result | {"changed": bool(result.get("changed")) or began}
        return {"changed": began, **_written(str(facts.get("inventory_hostname")), result["report"], out)}


def _written(host: str, report: Mapping[str, Any], out: str | None) -> dict[str, Any]:
    """Writes table, JSON and plots; `passed` while the time is not over, and when every gate is."""
    try:
        lines, picture = text(host, report), svg(host, report)
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise AnsibleActionFail(f"the host's answer is no report of a watch: {fault!r}") from None
    if out:
        folder = Path(str(out)).expanduser().absolute() / host
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "watch.txt").write_text("\n".join(lines) + "\n")
            (folder / "watch.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
            (folder / "watch.svg").write_text(picture)
        except OSError as fault:
            raise AnsibleActionFail(f"{fault.filename}: {fault.strerror}") from None
        lines = [*lines, f"written: {folder}/watch.txt, .json, .svg"]
    return {"msg": lines, "passed": passed(report) or not report["over"]}
