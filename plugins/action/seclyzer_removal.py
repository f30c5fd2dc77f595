"""Chooses the hosts that SecLyzer is removed from, removes it there, and reports what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..module_utils import existing, last_report, removal_report
from ..module_utils.fleet_entry import plain
from ..module_utils.removal_report import Outcome
from ..plugin_utils import host_options
from ..plugin_utils.actions import Action, Facts, Options, Result, report
from ..plugin_utils.command_line import again, inventories
from ..plugin_utils.fleet_checks import own_store

MODULE = "seclyzer.edge.seclyzer_removal"
EDGE, STORE = "seclyzer_edge", "seclyzer_store"
OPTIONS_OF = ("influxdb", "redis")
"""The roles whose options name what is on a host."""
ONCE = ("seclyzer_release_take_over",)
"""What a removal may be allowed for one run alone."""
Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "step": {"type": "str", "choices": ["chosen", "host", "report"], "default": "host"},
        "data": {"type": "bool", "default": False},
        "confirmed": {"type": "bool", "default": False},
        "take_over": {"type": "bool", "default": False},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """Refuses or accepts the hosts, removes SecLyzer from one, or reports all."""
        if arguments["step"] == "chosen":
            return _chosen(facts, arguments["confirmed"])
        if arguments["step"] == "host":
            return self._host(facts, {name: arguments[name] for name in ("data", "take_over")})
        return _report(facts, bool(self._task.check_mode))

    def _host(self, facts: Facts, wish: Vars) -> Result:
        """What was done on this host."""
        known = host_options.options(self._loader, self._templar, facts, OPTIONS_OF)
        asked = dict(wish)
        asked["groups"] = [str(known[name]) for name in ("redis_socket_group", "redis_collector_group")]
        if STORE in facts["group_names"] and known["influxdb_existing"] == existing.USE:
            place = {name: str(known[f"influxdb_{name}"]) for name in ("org", "bucket")}
            asked["influxdb"] = place | {"url": f"http://127.0.0.1:{known['influxdb_backend_port']}"}
        return self.ask(MODULE, asked, facts)


def _chosen(facts: Vars, confirmed: bool) -> dict[str, Any]:
    """Of each host the store that its credential is on; refuses hosts that need a confirmation."""
    groups, hosts = facts["groups"], list(facts["ansible_play_hosts_all"])
    stores = groups.get(STORE, [])
    of_host = {edge: own_store(facts["hostvars"][edge], stores) for edge in groups.get(EDGE, [])}
    left = {
        store: [edge for edge, its in of_host.items() if its == store and edge not in hosts]
        for store in stores
        if store in hosts
    }
    known = [*dict.fromkeys([*groups.get(EDGE, []), *stores])]
    fault = removal_report.chosen_faults(hosts, known, bool(facts.get("ansible_limit")), left)
    if fault and not confirmed:
        return {"failed": True, "changed": False, "msg": f"{fault}. Nothing was changed."}
    return {"changed": False, "stores": {host: store for host, store in of_host.items() if host in hosts}}


def _report(facts: Vars, check: bool) -> dict[str, Any]:
    """Prints what became of each host; those that are complete leave the last report."""
    outcomes = [_outcome(host, facts) for host in sorted(facts["ansible_play_hosts_all"])]
    lines = [line for one in outcomes for line in one.lines(check)]
    bad = {one.host: one.trouble for one in outcomes if not one.is_complete}
    if not check:
        path = last_report.path_of(inventories())
        try:
            last_report.forget(path, [one.host for one in outcomes if one.is_complete])
        except OSError as fault:
            lines.append(f"the last report could not be written to {path}: {fault.strerror}")
    return report(lines, bad)


def _outcome(host: str, facts: Vars) -> Outcome:
    of_host = facts["hostvars"][host]
    removed = of_host.get("__seclyzer_removed") or {}
    taken = of_host.get("__seclyzer_withdrawn") or {}
    store = (facts.get("__seclyzer_removing") or {}).get("stores", {}).get(host)
    reached = not removed.get("unreachable") and bool(removed)
    tried = bool(taken) and not taken.get("skipped")
    good = "changed" in taken and not taken.get("unreachable") and not taken.get("msg")
    outside = (
        "the token that influxdb_token_file names is still good: delete it where it was made" if store == "" else ""
    )
    return Outcome(
        host,
        reached=reached,
        fault=(plain(str(removed.get("msg") or "")) or "see above") if reached and "done" not in removed else "",
        done=removed.get("done") or (),
        kept=removed.get("kept") or (),
        notes=removed.get("notes") or (),
        store=store or "",
        credential=good if tried else None,
        why=plain(str(taken.get("msg") or "")) or "it was not reached",
        outside=outside,
        command=again("playbooks/remove.yml", limit=host, once=ONCE),
    )
