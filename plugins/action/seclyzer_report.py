"""One line a host: what it runs now, and why that is not what was requested when it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils import modes
from ..module_utils.words import DEFAULT_USER

display = Display()

REGISTERED = {"preflight": "__seclyzer_host", "health": "__seclyzer_health", "failed": "__seclyzer_failed"}
"""The variables that earlier tasks registered, by option."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module of the same name for its options."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One line a host, what was given by `-e`, and the hosts that are not where they should be."""
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {name: {"type": "str", "default": default} for name, default in REGISTERED.items()}
            | {"partial": {"type": "bool", "default": False}}
        )
        facts = task_vars or {}
        lines: list[str] = []
        bad: list[str] = []
        hosts = sorted(facts["ansible_play_hosts_all"])
        width = max((len(host) for host in hosts), default=0)
        for host in hosts:
            of_host = facts["hostvars"][host]
            preflight_result, health, failed = (of_host.get(arguments[name]) for name in REGISTERED)
            if failed and of_host.get("__seclyzer_now"):
                health = of_host["__seclyzer_now"]
            reached = host in facts["ansible_play_hosts"]
            words, good = line(
                preflight_result, health, failed, reached, bool(self._task.check_mode), arguments["partial"]
            )
            if reached and (risk := open_redis(of_host.get("__redis_config"), of_host.get("__redis_acl"))):
                words += f"  ({risk})"
            done = (of_host.get("__seclyzer_switched") or {}).get("said") or []
            if self._task.check_mode and (would := (of_host.get("__seclyzer_staged") or {}).get("said")):
                done = [*would, *(words for words in done if words != "nothing to do")]
            lines.append(f"{host:{width}}  {words}" + (f"  [{'; '.join(done)}]" if reached and done else ""))
            if not good:
                bad.append(host)
        if typed := (facts.get("__seclyzer_run") or {}).get("typed"):
            lines.append(f"by -e and not by the inventory: {', '.join(typed)}")
        if (facts.get("__seclyzer_run") or {}).get("unsigned"):
            lines.append("the bundle is not signed: seclyzer_release_allow_unsigned accepts it")
        if nameless := without_owner(facts):
            lines.append(nameless)
        for text in lines:
            display.display(text)
        return {"changed": False, "msg": lines, "bad": bad}


def without_owner(facts: Mapping[str, Any]) -> str:
    """A reminder, once a fleet has more than one edge and some of them have no owner; empty otherwise."""
    edges = facts["groups"].get("seclyzer_edge", [])
    option = "seclyzer_extractors_user_id"
    nameless = [edge for edge in edges if str(facts["hostvars"][edge].get(option) or DEFAULT_USER) == DEFAULT_USER]
    if len(edges) < 2 or not nameless:
        return ""
    named = ", ".join(nameless[:8]) + (f" and {len(nameless) - 8} more" if len(nameless) > 8 else "")
    return f"without an owner: {named}; {option} names a host's person, by whom forget.yml and export.yml find the data"


def line(
    preflight_result: Any, health: Any, failed: Any, reached: bool, check: bool, partial: bool = False
) -> tuple[str, bool]:
    """The report of one host, and whether it is where it should be. A `partial` run asks no host for its health."""
    preflight_result, health = preflight_result or {}, health or {}
    running = health.get("running") or preflight_result.get("running") or {}
    if not reached:
        return "NOT REACHED", False
    words = [what_runs(running)]
    if failed:
        words.append(f"FAILED: {failed}")
    elif check:
        words.append("not changed: check mode")
    elif health.get("summary"):
        words.append(f"healthy: {health['summary']}")
    elif partial:
        words.append("health not checked: the tags of this run leave it out")
    else:
        words.append("NOT LOOKED AT")
    if differs := against_inventory(preflight_result, running):
        words.append(differs)
    good = not failed and (check or partial or bool(health.get("summary")))
    return "  ".join(words), good


def open_redis(config: Any, acl: Any) -> str:
    """What was configured in Redis that others on the host can use, from what its modules returned; mostly nothing."""
    port = (config or {}).get("port")
    risks = [f"Redis: any user of the host can take its connections through port {port}"] if port else []
    if (acl or {}).get("open"):
        risks.append("Redis: events are taken without a password")
    return "; ".join(risks)


def what_runs(running: Mapping[str, Any]) -> str:
    """Release, deployment and mode."""
    if not running:
        return "nothing deployed"
    return f"{running['release']}  deployment {running['deployment']}  {running['mode'] or 'agent only'}"


def against_inventory(preflight_result: Mapping[str, Any], running: Mapping[str, Any]) -> str:
    """Where a host differs from what its inventory says; empty when it does not."""
    runs, says = running.get("mode"), preflight_result.get("inventory_mode")
    if not runs:
        return ""
    if says and says != runs:
        return f"(the inventory says {says})"
    meant = modes.implementations(runs, preflight_result.get("overrides"))
    found = running.get("implementations") or meant
    parts = [f"{kind}={meant[kind]}" for kind in meant if found.get(kind) != meant[kind]]
    return f"(the inventory says {', '.join(parts)})" if parts else ""
