"""Installs packages of Debian: first by the lists that the host has, which another source that is away cannot spoil.

What comes is written down on the host before, so that removal takes away no other.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from ..plugin_utils.actions import Action, Facts, Options, Result

UPDATE = (
    "env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get update --quiet"
    " -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"
)
BROKEN = re.compile(r"^[WE]: (?:Failed to fetch|The repository|GPG error:|Some index files) *(.+)$", re.MULTILINE)
ADDRESS = re.compile(r"[a-z+]+:/\S*[^\s'.,:;]")
NO_PACKAGE = "No package matching"
USER = re.compile(r"(?<=//)[^/@\s]*@")
"""A user and password in the address of a source."""


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "name": {"type": "list", "elements": "str", "required": True},
        "policy_rc_d": {"type": "int"},
        "unknown": {"type": "str"},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The result of ansible.builtin.apt, the lists brought up to date when it failed without."""
        unknown = arguments.pop("unknown", None)
        result = self._install({name: value for name, value in arguments.items() if value is not None}, facts)
        if unknown and result.get("failed") and NO_PACKAGE in str(result.get("msg")):
            result["msg"] = f"{result['msg']}: {unknown}"
        return result

    def _install(self, desired: dict[str, Any], facts: Facts) -> Result:
        desired["install_recommends"] = False
        found = self._found(desired["name"], facts)
        if found.get("failed"):
            return found
        if not found["missing"] and not any("=" in name for name in desired["name"]):
            return {"changed": False}
        if not found["unknown"] or self._task.check_mode:
            result = self.ask("ansible.builtin.apt", desired, facts)
            if not result.get("failed") or self._task.check_mode:
                return result
        output = self.ask("ansible.builtin.command", {"_raw_params": UPDATE}, facts)
        away = sources(f"{output.get('stdout', '')}\n{output.get('stderr', '')}")
        self._found(desired["name"], facts)
        result = self.ask("ansible.builtin.apt", desired, facts)
        if away:
            words = f"apt cannot read {', '.join(away)}"
            if result.get("failed"):
                result["msg"] = (
                    f"{result.get('msg', '')}; {words}: mend or remove that source in /etc/apt, and run again"
                )
            else:
                self._display.warning(f"{facts.get('inventory_hostname')}: {words}; it was not needed")
        return result

    def _found(self, names: list[str], facts: Facts) -> Result:
        """Which of these packages the host lacks; what comes with them is written down there, for removal."""
        return self.ask("seclyzer.edge.seclyzer_found", {"packages": names}, facts)


def sources(output: str) -> list[str]:
    """The addresses that `apt-get update` could not read, without users and passwords."""
    found = (ADDRESS.search(words) for words in BROKEN.findall(output))
    return list(dict.fromkeys(USER.sub("", match[0]) for match in found if match))
