"""What is wrong with what holds for the whole fleet: its groups, its batches, and which hosts are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils import fleet, last_report
from ..module_utils.fleet import count
from .command_line import inventories
from .values import value

STORE = "seclyzer_store"
OF_FLEET = ("seclyzer_release_batches", "seclyzer_release_max_fail", "seclyzer_release_batch_pause_seconds")
Vars = Mapping[str, Any]


def only(facts: Vars) -> tuple[list[str], list[str], str]:
    """The hosts of the run, what to report of that, and what is wrong with `-e only=`."""
    hosts = list(facts["ansible_play_hosts_all"])
    wish = facts.get("only")
    if wish is None:
        return hosts, [], ""
    if wish != "failed":
        return [], [], f"only is {wish!r}; it has to be failed: the hosts that need an operator by the last report"
    path = last_report.path_of(inventories())
    last = last_report.load(path)
    if not last:
        return [], [], f"only=failed takes hosts of the last report of this inventory, and there is none ({path})"
    needy = set(last_report.needy(last))
    chosen = [host for host in hosts if host in needy]
    when = f"the last report, of {last.get('at')}"
    return chosen, [f"only=failed: {count(len(chosen), 'host')} of {len(hosts)}, by {when}"], ""


def option_faults(facts: Vars) -> list[str]:
    """What is wrong with the options that hold for the whole fleet at once."""
    wrong: list[str] = []
    for name in OF_FLEET:
        values = {repr(value(facts["hostvars"][host], name)) for host in facts["ansible_play_hosts_all"]}
        if len(values) > 1:
            wrong.append(f"{name} differs between hosts, and holds for all: set it in group_vars/all or by -e")
    sizes = facts.get("seclyzer_release_batches")
    if isinstance(sizes, list):
        wrong += [words for words in map(fleet.size_fault, sizes) if words]
        wrong += ["seclyzer_release_batches is empty; [100%] is one batch"] if not sizes else []
    for name in OF_FLEET[1:]:
        if str(facts.get(name, 0)).lstrip("+").isdigit() is False:
            wrong.append(f"{name} is {facts.get(name)!r}; it has to be 0 or more")
    return wrong


def own_store(of_host: Vars, stores: Sequence[str]) -> str:
    """The store of the inventory that a host writes to; empty for one outside it, or when that cannot be resolved."""
    try:
        return "" if of_host.get("influxdb_token_file") else fleet.store_of(of_host, stores)
    except AnsibleError:
        return ""


def is_outside(of_host: Vars) -> bool:
    """Whether a host writes to a store that is not in the inventory; no when that cannot be resolved."""
    try:
        return bool(of_host.get("influxdb_token_file"))
    except AnsibleError:
        return False


def former_store(of_host: Vars, stores: Sequence[str]) -> str:
    """The store of the inventory that a host leaves in this run: by the address that what runs there writes to, or else
    the only one that it can have been. Empty for a host that stays, or that leaves none of these.
    """
    seen = of_host.get("__seclyzer_host") or {}
    was, now = str(seen.get("store") or ""), str((seen.get("influx") or {}).get("url") or "")
    if not was or not now or was.rstrip("/") == now.rstrip("/"):
        return ""
    others = [store for store in stores if store != own_store(of_host, stores)]
    named = [store for store in others if urlsplit(was).hostname == store.lower()]
    return named[0] if named else others[0] if len(others) == 1 else ""


def loopback_faults(facts: Vars) -> list[str]:
    """What is wrong with hosts whose store answers on its own loopback only, and is another host."""
    stores, known = facts["groups"].get(STORE, []), facts["hostvars"]
    apart: dict[str, list[str]] = {}
    for host in facts["ansible_play_hosts_all"]:
        tls = value(known[host], "influxdb_tls")
        store = own_store(known[host], stores) if tls is not None and not boolean(tls, strict=False) else ""
        if store not in ("", host) and not value(known[host], "influxdb_url"):
            apart.setdefault(store, []).append(host)
    return [
        f"influxdb_tls is false, so the gateway of {store} answers on its own loopback only, and {', '.join(hosts)} "
        "cannot reach it: influxdb_tls true needs influxdb_tls_cert, influxdb_tls_key and influxdb_ca_file"
        for store, hosts in apart.items()
    ]


def group_faults(facts: Vars) -> list[str]:
    """What is wrong with the group of stores: a host writes to one, and a store to itself by default."""
    stores, known = facts["groups"].get(STORE, []), facts["hostvars"]
    if len(stores) == 1:
        return []
    named = {host: str(value(known[host], "influxdb_store_host") or "") for host in facts["ansible_play_hosts_all"]}
    inside = [host for host in named if host not in stores and not value(known[host], "influxdb_token_file")]
    lost = [host for host in inside if not named[host]]
    if not stores:
        words = (
            f"the inventory has no host in {STORE}, and influxdb_store_host names none ({', '.join(lost)}); for a "
            "store that is not in the inventory influxdb_url and influxdb_token_file are configured"
        )
        return [words] if lost else []
    have = f"{STORE} has {len(stores)} hosts ({', '.join(stores)})"
    faults = [f"{have}, and influxdb_store_host of {h} is {named[h]}" for h in inside if named[h] not in ("", *stores)]
    if lost:
        faults.append(
            f"{have}, and a host writes to one: leave one in the group, or configure influxdb_store_host for "
            f"{', '.join(lost)}"
        )
    return faults
