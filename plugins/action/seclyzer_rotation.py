"""What is rotated, decided once for all hosts, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..module_utils import rotation
from ..module_utils.layout import Refused
from ..module_utils.rotation import Seen
from ..plugin_utils.actions import Action, Facts, Options, Result, report

STORE = "seclyzer_store"
Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "step": {"type": "str", "required": True, "choices": ["plan", "report"]},
        "rotate": {"type": "raw"},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """What is to be rotated, or the report."""
        if arguments["step"] == "plan":
            try:
                return {"changed": False, **rotation.chosen(arguments["rotate"])}
            except Refused as fault:
                return {"changed": False, "failed": True, "msg": str(fault)}
        hosts = [_seen(host, facts) for host in facts["ansible_play_hosts_all"]]
        general = (facts.get("__seclyzer_run") or {}).get("general") or []
        lines = [*rotation.lines(hosts, bool(self._task.check_mode)), *general]
        return report(lines, {one.host: "; ".join(one.causes) for one in hosts if one.bad})


def _seen(host: str, facts: Vars) -> Seen:
    of_host = facts["hostvars"][host]
    read = {
        name: of_host.get(f"__{key}") or {}
        for name, key in {
            "acl": "seclyzer_acl",
            "ended": "redis_acl",
            "setup": "influxdb_setup",
            "gateway": "influxdb_gateway_kept",
            "access": "influxdb_access",
        }.items()
    }
    if read["ended"].get("skipped"):
        read["ended"] = read["acl"]
    restarts = [of_host.get(f"__seclyzer_{name}") or {} for name in ("by_ca", "credentials")]
    restarted = dict.fromkeys(unit for one in restarts for unit in one.get("restarted") or [])
    looks = [of_host.get(f"__influxdb_{name}") or {} for name in ("certificate", "outside", "access")]
    refused = ((facts.get("__seclyzer_fleet") or {}).get("refused") or {}).get(host) or []
    seen = of_host.get("__seclyzer_host") or {}
    return Seen(
        host,
        units={"restarted": list(restarted)},
        token=bool(of_host.get("__seclyzer_token_rotated")),
        notes=[str(words) for look in looks for words in look.get("notes") or []],
        failed=str(of_host.get("__seclyzer_failed") or ""),
        refused=refused,
        lost=bool(seen.get("unreachable")) or host not in facts["ansible_play_hosts"],
        **read,
    )
