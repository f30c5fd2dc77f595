"""Reads the runs of hosts, chooses over all of them which one is undone, and reports them."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ..module_utils import clocks, controller, last_report, run_ids, telling, undoing
from ..module_utils.clocks import Look
from ..module_utils.extra_vars import next_modes
from ..module_utils.fleet_entry import against_inventory
from ..module_utils.fleet_report import SCHEMA
from ..module_utils.layout import Refused
from ..module_utils.lease import Lease
from ..module_utils.undoing import Seen
from ..plugin_utils import fleet_page
from ..plugin_utils.actions import Action, Facts, Options, Result, display, report
from ..plugin_utils.command_line import another, inventories
from .seclyzer_deployment import MODULE

Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "step": {"type": "str", "required": True, "choices": ["read", "choose", "targets", "status"]},
        "files": {"type": "bool", "default": False},
        "registered": {"type": "str", "default": "__seclyzer_host"},
        "undo": {"type": "str", "default": ""},
        "to": {"type": "str", "default": ""},
        "each_host": {"type": "bool", "default": False},
        "without_unreachable": {"type": "bool", "default": False},
        "take_over": {"type": "bool", "default": False},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """What one host knows, or what is decided and reported of all."""
        if arguments["step"] == "read":
            return self._read(facts, arguments["files"])
        if arguments["step"] == "choose":
            return _choose(facts, arguments)
        if arguments["step"] == "targets":
            lines = [
                line
                for host, known in sorted(_found(facts, arguments).items())
                for line in telling.targets(host, known)
            ]
            return _shown([*lines, *_lost(facts)])
        return _status(facts, arguments)

    def _read(self, facts: Facts, files: bool) -> Result:
        """What this host knows, with what the inventory asks of it."""
        asked = {"state": "status", "scope": "files" if files else "runs", "overview": bool(facts.get("html_file"))}
        began = time.time()
        known = self.ask(MODULE, asked, facts)
        if known.get("failed"):
            return known
        known["clock"] = [began, known["host"]["time"], time.time()]
        is_edge = "seclyzer_edge" in facts["group_names"]
        wishes = {
            name: self._templar.template(facts[name])
            for name in ("seclyzer_mode", "seclyzer_implementations")
            if name in facts
        }
        return known | {
            "by": f"{getpass.getuser()}@{socket.gethostname()}",
            "inventory_mode": wishes.get("seclyzer_mode") if is_edge else None,
            "overrides": dict(wishes.get("seclyzer_implementations") or {}) if is_edge else {},
        }


def _found(facts: Vars, arguments: Vars) -> dict[str, dict[str, Any]]:
    """What was read of each host that is still in the play."""
    hosts = {host: facts["hostvars"][host].get(arguments["registered"]) for host in facts["ansible_play_hosts"]}
    return {host: known for host, known in hosts.items() if known and "running" in known}


def _away(facts: Vars) -> list[str]:
    return [host for host in facts["ansible_play_hosts_all"] if host not in facts["ansible_play_hosts"]]


def _lost(facts: Vars) -> list[str]:
    return [f"{host}: NOT REACHED, or its history cannot be read" for host in _away(facts)]


def _choose(facts: Vars, arguments: Vars) -> dict[str, Any]:
    """The run that is undone, by name; the sentence that refuses when there is none."""
    last = last_report.load(last_report.path_of(inventories()))
    hosts = {
        host: Seen.of(known).with_report(last_report.stopped(last, host, str(known.get("by"))))
        for host, known in _found(facts, arguments).items()
    }
    chosen = {"changed": False, "rollout": run_ids.new(getpass.getuser()), "undo": "", "to": arguments["to"]}
    try:
        if arguments["to"]:
            words = undoing.everywhere(hosts, arguments["to"])
        elif arguments["each_host"]:
            words = "undoes on each host the run that brought what it runs"
        else:
            choice = undoing.choose(hosts, _away(facts), arguments["undo"], arguments["without_unreachable"])
            chosen["undo"], words = choice.run, choice.words
            if choice.goes_on:
                _refuse_held(facts, arguments, choice.goes_on)
                chosen["rollout"] = choice.goes_on
    except Refused as fault:
        return {"failed": True, "changed": False, "msg": str(fault)}
    display.display(words)
    return chosen | {"msg": words}


def _refuse_held(facts: Vars, arguments: Vars, run: str) -> None:
    """Raises Refused while a run that could be gone on with may still be at work: it and this one bear one name."""
    if arguments["take_over"]:
        return
    for host, known in _found(facts, arguments).items():
        lease = known.get("lease") or {}
        if lease.get("run") != run or lease.get("stale") or controller.is_gone(str(lease.get("process", ""))):
            continue
        held = Lease(run, str(lease["by"]), float(lease["since"]), float(lease["deadline"]))
        raise Refused(f"{host}: {held.sentence()}")


def _status(facts: Vars, arguments: Vars) -> dict[str, Any]:
    """A line for each host, and below it what needs an operator."""
    found = _found(facts, arguments)
    width = max((len(host) for host in facts["ansible_play_hosts_all"]), default=0)
    lines: list[str] = []
    hosts: dict[str, dict[str, Any]] = {host: {"reached": False} for host in _away(facts)}
    clock, here = clocks.faults({host: Look(*known["clock"]) for host, known in found.items()})
    bad = dict.fromkeys(_away(facts), "it was not reached")
    for host, known in sorted(found.items()):
        words, notes = telling.status(known)
        if differs := against_inventory(known, known["running"]):
            notes.append(differs.strip("()"))
        notes += [clock[host]] if host in clock else []
        hosts[host] = {"reached": True, "running": known["running"], "status": words, "notes": notes}
        lines += [f"{host:{width}}  {words}", *(f"{'':{width}}    {note}" for note in notes)]
        bad |= {host: "; ".join(notes)} if notes else {}
    lines += _lost(facts)
    good = len(facts["ansible_play_hosts_all"]) - len(bad)
    lines += [
        f"{good} of {len(facts['ansible_play_hosts_all'])} hosts need no operator: what is deployed there is as it was "
        "staged, in the mode and the implementations of the inventory",
        f"settings are not compared here; what site.yml would change: {another('site.yml', '--check', '--diff')}",
    ]
    would = {host: (known, known["running"]) for host, known in found.items()}
    following, words_of_all = next_modes(would)
    lines += [*words_of_all, *([here] if here else [])]
    if named := facts.get("report_file"):
        at = datetime.now(UTC).isoformat(timespec="seconds")
        document = {"schema": SCHEMA, "at": at, "bad": sorted(bad), "next": following, "hosts": hosts}
        lines += last_report.written(Path(str(named)).expanduser().absolute(), document, 0o644)
    if named := facts.get("html_file"):
        page = fleet_page.page(hosts, found, datetime.now(UTC))
        lines += last_report.written(Path(str(named)).expanduser().absolute(), page)
    return report(lines, bad)


def _shown(lines: list[str]) -> dict[str, Any]:
    for line in lines:
        display.display(line)
    return {"changed": False, "msg": lines}
