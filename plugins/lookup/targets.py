"""Where a Prometheus finds the agents of an inventory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase

DOCUMENTATION = r"""
name: targets
short_description: Where a Prometheus finds the agents of an inventory, as its file_sd reads it
version_added: "0.1.0"
description:
  - Contacts no host. Hosts of C(seclyzer_edge) and C(seclyzer_store), in the order of their names.
  - An agent with C(seclyzer_agent_web_listen) is reached there by TLS. Any other answers on the loopback only, so
    that it is left out unless Prometheus runs on that host itself.
author: The SecLyzer maintainers (@seclyzer)
options:
  runs_on:
    description: The host that Prometheus runs on, by its name in the inventory; empty for the controller.
    type: str
    default: ""
  listen:
    description: Where an agent answers on the loopback when the inventory has no C(seclyzer_agent_listen).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the agents are
  ansible.builtin.debug:
    msg: "{{ lookup('seclyzer.edge.targets', listen='127.0.0.1:9484').targets }}"
"""

RETURN = r"""
_raw:
  description: One value. C(targets) is what file_sd reads, C(left_out) the hosts that no Prometheus there can reach.
  type: list
  elements: dict
"""

EVERYWHERE = ("0.0.0.0", "[::]")


class LookupModule(LookupBase):  # type: ignore[misc]
    """See DOCUMENTATION."""

    def run(self, terms: list[Any], variables: Any = None, **options: Any) -> list[dict[str, Any]]:
        """One value: targets, and the hosts that are left out."""
        self.set_options(var_options=variables, direct=options)
        runs_on, listen = self.get_option("runs_on"), self.get_option("listen")
        return [found(variables["groups"], variables["hostvars"], runs_on, listen)]


def found(
    groups: Mapping[str, list[str]], hosts: Mapping[str, Mapping[str, Any]], runs_on: str, listen: str
) -> dict[str, Any]:
    """Targets and the hosts that are left out; `runs_on` and `listen` as in DOCUMENTATION."""
    roles = {role: set(groups.get(f"seclyzer_{role}", [])) for role in ("edge", "store")}
    targets, left_out = [], []
    for name in sorted(roles["edge"] | roles["store"]):
        where = _reached(name, hosts[name], runs_on, listen)
        if where is None:
            left_out.append(name)
            continue
        scheme, address = where
        role = "_".join(role for role, members in roles.items() if name in members)
        targets.append({"targets": [address], "labels": {"instance": name, "role": role, "__scheme__": scheme}})
    return {"targets": targets, "left_out": left_out}


def _reached(name: str, variables: Mapping[str, Any], runs_on: str, listen: str) -> tuple[str, str] | None:
    """Scheme and address; None when nothing leads there."""
    if web := str(variables.get("seclyzer_agent_web_listen") or ""):
        host, _, port = web.rpartition(":")
        if host in EVERYWHERE:
            host = str(variables.get("ansible_host") or name)
            host = f"[{host}]" if ":" in host else host
        return "https", f"{host}:{port}"
    if name == runs_on or (not runs_on and variables.get("ansible_connection") == "local"):
        return "http", str(variables.get("seclyzer_agent_listen") or listen)
    return None
