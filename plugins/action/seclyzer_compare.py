"""Follows a host that compares two programs, and writes what it found on the controller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils import comparison_report
from ..module_utils.comparison_picture import svg
from ..module_utils.credible import EQUAL, NOTHING
from ..plugin_utils.actions import Action, Facts, Result, display

MODULE = "seclyzer.edge.seclyzer_compare"
SPARE_S = 300.0
"""Seconds beside those of the comparison after which a host that does not end is given up."""


class ActionModule(Action):
    """Runs the module until there is a result."""

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The result of the module's last run."""
        out = arguments.pop("out", None)
        host = str(facts.get("inventory_hostname"))

        def ask() -> Result:
            # The name of the job is known as soon as there is one, so that a cut connection does not lose it.
            asked = arguments if arguments.get("job") else arguments | {"follow": 0}
            result = self.ask(MODULE, asked, facts)
            if result.get("job"):
                arguments["job"] = result["job"]
            return result

        longest = float(arguments.get("seconds") or 0) + SPARE_S * 3
        keeps_on = bool(arguments.get("job"))
        result = self.follow(ask, facts, keeps_on, pause=0.0, longest=longest, unit="seclyzer-compare")
        if result.get("figures"):
            display.display(f"{host}: {result['figures']}")
        if out and not result.get("failed") and "report" in result:
            return {"changed": False, **_written(result, Path(str(out)).expanduser().absolute() / host)}
        return result


def _written(result: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Writes table, JSON and picture; failed unless something was compared and all of it is equal."""
    report = result["report"]
    try:
        found, costs = comparison_report.parsed(report)
        names, seconds = [str(name) for name in report["sides"]], float(report["seconds"])
        left, right = names
    except (ValueError, TypeError, KeyError, IndexError) as fault:
        raise AnsibleActionFail(f"the host's answer is no comparison: {fault!r}") from None
    more = [f"{kind}: {of['verdict']}: {of['why']}" for kind, of in result["verdicts"].items() if of["why"]]
    text = comparison_report.text(names, found, costs, seconds, more)
    document = comparison_report.document(names, found, costs, seconds) | {"verdicts": result["verdicts"]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "compare.txt").write_text(text)
        (folder / "compare.json").write_text(json.dumps(document, indent=1) + "\n")
        (folder / "compare.svg").write_text(svg((left, right), found, costs, seconds))
    except OSError as fault:
        raise AnsibleActionFail(f"{fault.filename}: {fault.strerror}") from None
    verdicts = result["verdicts"].values()
    sure = all(of["verdict"] == EQUAL or (of["verdict"] == NOTHING and not of["why"]) for of in verdicts)
    lines = [*text.splitlines(), f"written: {folder}/compare.txt, .json, .svg"]
    if sure and comparison_report.agree(found):
        return {"msg": lines}
    return {"failed": True, "msg": "\n".join(lines)}
