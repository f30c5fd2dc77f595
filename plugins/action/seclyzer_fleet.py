"""Which hosts of a fleet go on, in which batches they switch, and when that stops: one task for all hosts each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml

from ..module_utils import clocks, fleet
from ..module_utils.clocks import Look
from ..module_utils.fleet import count, named
from ..module_utils.fleet_entry import plain
from ..plugin_utils.actions import Action, Facts, Options, Result, display
from ..plugin_utils.fleet_checks import former_store, is_outside, own_store

DEFAULTS = Path(__file__).resolve().parents[2] / "roles" / "seclyzer_release" / "defaults" / "main.yml"
EDGE = "seclyzer_edge"
STORE = "seclyzer_store"
CANARY = "seclyzer_canary"
Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "step": {"type": "str", "required": True, "choices": ["chosen", "alone", "order", "batch"]},
        "spare": {"type": "bool", "default": False},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The hosts that go on from here, or whether the next batch does."""
        if arguments["step"] == "chosen":
            return _chosen(facts, arguments["spare"])
        if arguments["step"] == "alone":
            return _alone(facts)
        if arguments["step"] == "order":
            return self._order(facts)
        return self._batch(facts)

    def _order(self, facts: Vars) -> dict[str, Any]:
        """After staging: who switches in which batch."""
        hostvars, groups = facts["hostvars"], facts["groups"]
        before = facts["__seclyzer_fleet"]
        staged = [host for host in before["go"] if host in facts["ansible_play_hosts"] and _is_staged(hostvars[host])]
        settled = [host for host in staged if not hostvars[host]["__seclyzer_staged"].get("switches", True)]
        stores = [host for host in staged if host in groups.get(STORE, [])]
        canaries, edges = groups.get(CANARY, []), groups.get(EDGE, [])
        lost = fleet.without_canary(canaries, before["chosen"], staged, edges)
        if lost:
            staged = [host for host in staged if host in settled or host in stores]
        stopped = lost or _found_bad(before["go"], facts, len(staged) - len(settled))
        if stopped and not lost:
            staged = settled
        sizes = ["100%"] if self._task.check_mode else option(facts, "seclyzer_release_batches")
        hosts, batches = fleet.order(staged, settled, stores, canaries, sizes)
        if self._task.check_mode and hosts:
            batches = [len(hosts)]
        if len(batches) > 1 or stopped:
            words = f"; {stopped}" if stopped else ""
            display.display(f"batches of {', '.join(map(str, batches)) or 'no host'}{words}")
        return {"changed": False, "hosts": hosts, "batches": batches, "settled": settled, "stopped": stopped}

    def _batch(self, facts: Vars) -> dict[str, Any]:
        """Before each batch: whether it starts."""
        hostvars, planned = facts["hostvars"], facts["__seclyzer_batches"]["hosts"]
        settled = set(facts["__seclyzer_batches"]["settled"])
        batch = facts["ansible_play_batch"]
        past = planned[: planned.index(batch[0])]
        failed = [host for host in past if host not in settled and not _is_well(hostvars[host])]
        rest = len(planned) - len(past)
        why = fleet.stop(failed, int(option(facts, "seclyzer_release_max_fail")), rest)
        if why:
            display.display(why)
            return {"changed": False, "go": False, "stopped": why}
        if past and len(planned) > len(batch) and not self._task.check_mode:
            display.display(f"{named(batch)}: after {count(len(past), 'host')}, {len(failed)} failed; {rest} to go")
            if set(past) - settled:
                time.sleep(int(option(facts, "seclyzer_release_batch_pause_seconds")))
        return {"changed": False, "go": True, "stopped": ""}


def _alone(facts: Vars) -> dict[str, Any]:
    """After staging: the hosts that the run gives back, for it goes on with all its hosts or none, and another run has
    one of them.
    """
    hostvars, go = facts["hostvars"], facts["__seclyzer_fleet"]["go"]
    staged = {host: hostvars[host].get("__seclyzer_staged") or {} for host in go}
    others = ("lease", "went_on")  # it has the host; it had it
    taken = [host for host in go if staged[host].get("failed") and any(staged[host].get(name) for name in others)]
    if not taken:
        return {"changed": False, "back": [], "why": ""}
    why = f"a run goes on with all its hosts or with none. {taken[0]}: {plain(str(staged[taken[0]].get('msg')))}"
    back = [host for host in go if host in facts["ansible_play_hosts"] and _is_staged(hostvars[host])]
    display.display(f"{named(taken)}: another run is at work there, so this one changes no host")
    return {"changed": False, "back": back, "why": why}


def _found_bad(hosts: list[str], facts: Vars, rest: int) -> str:
    """Why no batch starts when what was staged is bad by more hosts than may fail: its programs differ there from what
    runs, or the host tried it before and left it. Else empty.
    """
    found = [host for host in hosts if _is_bad_there(facts["hostvars"][host])]
    return fleet.stop(found, int(option(facts, "seclyzer_release_max_fail")), rest)


def _is_bad_there(of_host: Vars) -> bool:
    shadow, staged = (of_host.get(f"__seclyzer_{name}") or {} for name in ("shadow", "staged"))
    return bool(shadow.get("failed") or staged.get("known_bad"))


def option(facts: Vars, name: str) -> Any:
    """An option that holds for the whole fleet: as the inventory or the command line has it, or by default."""
    return facts[name] if name in facts else yaml.safe_load(DEFAULTS.read_text())[name]


def _chosen(facts: Vars, spare: bool = False) -> dict[str, Any]:
    """After a look at all hosts: who goes on. What is wrong with one is reported, and stops that one.

    With `spare` an edge whose store was refused goes on when it needs nothing of it: what it writes, and where to, is
    as before.
    """
    hostvars, stores = facts["hostvars"], facts["groups"].get(STORE, [])
    chosen = list(facts["ansible_play_hosts_all"])
    refused: dict[str, list[str]] = {}
    for host in chosen:
        for name in ("__seclyzer_host", "__influxdb_certificate"):
            result = hostvars[host].get(name) or {}
            sentences = result.get("refused") or ([plain(str(result.get("msg")))] if _is_broken(result) else [])
            if sentences:
                refused.setdefault(host, []).extend(sentences)
    looks = {host: (hostvars[host].get("__seclyzer_host") or {}).get("clock") for host in chosen}
    wrong, here = clocks.faults({host: Look(*look) for host, look in looks.items() if look})
    for host, sentence in wrong.items():
        refused.setdefault(host, []).append(sentence)
    without: dict[str, list[str]] = {}
    for host in chosen:
        store = own_store(hostvars[host], stores)
        if store in refused and host != store and host not in refused:
            needs = _needs_store(hostvars[host]) if spare else ""
            if spare and not needs:
                without.setdefault(store, []).append(host)
                continue
            words = f"its store {store} was refused, so this host was not started"
            refused[host] = [f"{words}: {needs}" if needs else words]
    for host, sentences in refused.items():
        for sentence in sentences:
            display.display(f"{host}: {sentence}")
    away = [host for host in chosen if _is_away(host, facts)]
    if here:
        display.warning(here)
    go = [host for host in chosen if host not in refused and host not in away]
    if not go:
        display.display("Nothing was changed.")
    return {
        "changed": False,
        "chosen": chosen,
        "go": go,
        "stores": [host for host in go if host in stores],
        "edges": [host for host in go if host in facts["groups"].get(EDGE, [])],
        "elsewhere": _elsewhere(facts, stores),
        "left": _left(facts, stores, go),
        "refused": refused,
        "general": [*([here] if here else []), *_going_on(without), *_nameless(hostvars, go)],
    }


def _needs_store(of_host: Vars) -> str:
    """Why a host cannot do without its store; empty for one that can."""
    return str((of_host.get("__seclyzer_host") or {}).get("needs_store", "it is not known whether it has a token"))


def _going_on(without: Mapping[str, list[str]]) -> list[str]:
    """The edges that go on without their store, which was refused, a sentence for each store."""
    words = "was refused, and these of its edges go on, which need nothing of it in this run:"
    return [f"{store} {words} {named(edges)}" for store, edges in without.items()]


def _nameless(hostvars: Vars, go: list[str]) -> list[str]:
    """The hosts that go on though they know no address of their store, a sentence for each name."""
    found: dict[str, list[str]] = {}
    for host in go:
        if name := (hostvars[host].get("__seclyzer_host") or {}).get("nameless"):
            found.setdefault(str(name), []).append(host)
    return [
        f"the store's name {name} has no address on {named(hosts)}: each goes on with its token and keeps its points"
        for name, hosts in found.items()
    ]


def _elsewhere(facts: Vars, stores: list[str]) -> dict[str, list[str]]:
    """Of each store the edges of the inventory, chosen or not, that write to another one, here or elsewhere."""
    edges = {edge: facts["hostvars"][edge] for edge in facts["groups"].get(EDGE, [])}
    outside = {edge for edge, of_host in edges.items() if is_outside(of_host)}
    own = {edge: own_store(of_host, stores) for edge, of_host in edges.items()}
    return {name: [edge for edge in own if edge in outside or own[edge] not in ("", name)] for name in stores}


def _left(facts: Vars, stores: list[str], go: list[str]) -> dict[str, str]:
    """Of each edge that goes on and leaves a store for another: that store, when the run does not come to it."""
    edges = [host for host in go if host in facts["groups"].get(EDGE, [])]
    former = {edge: former_store(facts["hostvars"][edge], stores) for edge in edges}
    return {edge: store for edge, store in former.items() if store and store not in go}


def _is_broken(result: Vars) -> bool:
    """Whether a look ended in an error, which `failed_when` and the like make none of."""
    return bool(result.get("msg")) and "refused" not in result and not result.get("unreachable")


def _is_away(host: str, facts: Vars) -> bool:
    found = facts["hostvars"][host].get("__seclyzer_host") or {}
    return host not in facts["ansible_play_hosts"] or bool(found.get("unreachable"))


def _is_staged(of_host: Vars) -> bool:
    staged = of_host.get("__seclyzer_staged") or {}
    return not of_host.get("__seclyzer_failed") and "deployment" in staged and not staged.get("failed")


def _is_well(of_host: Vars) -> bool:
    """Whether a host whose batch is over is where it should be."""
    health = of_host.get("__seclyzer_health") or {}
    return not of_host.get("__seclyzer_failed") and bool(health.get("summary")) and not health.get("failed")
