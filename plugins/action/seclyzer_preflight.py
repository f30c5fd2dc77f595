"""Checks everything that could be wrong while nothing has changed yet, and reports all of it at once."""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.vars import load_extra_vars

from ..module_utils import existing, launcher, modes, ports, renamed, run_ids, safe_url, systems, variables
from ..module_utils.layout import Refused
from ..plugin_utils import bundle_checks, certificate_checks, fleet_checks, host_options, kept_bundle
from ..plugin_utils.actions import Action, Facts, Options, Result
from ..plugin_utils.host_checks import host_faults, memory_fault, needs_store, spool_fault, untested
from ..plugin_utils.host_options import ROLES
from ..plugin_utils.option_checks import CHECKS, Check, Roles, selected
from ..plugin_utils.values import JUDGED_BY_MODE, mode_faults, type_faults
from .seclyzer_deployment import MODULE, read_bundle

INFLUXDB_DEFAULTS = ROLES / "influxdb" / "defaults" / "main.yml"
EDGE = "seclyzer_edge"
WISHES = {
    "redis_rotate",
    "redis_finish",
    "influxdb_rotate",
    "influxdb_gateway_readmit",
    "influxdb_gateway_finish",
    "seclyzer_bundle",
    "seclyzer_release_return",
    "seclyzer_release_take_over",
    "seclyzer_release_values_change",
    "seclyzer_release_without_unreachable",
}
"""Options for one run, and so for the command line."""
OLD_WISHES = {old for old, new in renamed.RENAMED.items() if new.name in WISHES}
OPTIONS_OF = ("influxdb", "redis", "seclyzer_agent", "seclyzer_extractors", "seclyzer_release")
"""The roles whose options decide what a host is asked."""
Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "step": {"type": "str", "required": True, "choices": ["variables", "renamed", "host"]},
        "bundle": {"type": "path"},
        "store": {"type": "bool", "default": True},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """Refuses, or reports what was found."""
        if arguments["step"] == "variables":
            return self._variables(facts, arguments["bundle"], arguments["store"])
        if arguments["step"] == "renamed":
            return self._renamed(facts)
        return self._host(facts, arguments["bundle"], arguments["store"])

    def _variables(self, facts: Vars, bundle: str, store: bool) -> dict[str, Any]:
        """Everything that can be seen without touching a host."""
        kept, damaged = _kept(Path(bundle)) if bundle else (None, [])
        known = host_options.known()
        known |= renamed.options()
        wrong: dict[str, list[str]] = {}
        roles = Roles(ROLES, self._loader, self._templar)
        tags, skipped = facts["ansible_run_tags"], facts["ansible_skip_tags"]
        checks = [check for check in CHECKS if selected(check.tags, tags, skipped)]
        for host in facts["ansible_play_hosts_all"]:
            of_host = facts["hostvars"][host]
            unsafe = self._unsafe_url(facts["hostvars"].raw_get(host)) if store else []
            names = [*variables.unknown(of_host, known), *variables.inputs(of_host, known), *renamed.conflicts(of_host)]
            signed = bundle_checks.signature_faults(str(kept), of_host) if kept else []
            signed = [kept_bundle.named(sentence, kept, Path(bundle)) for sentence in signed if kept]
            found = [*names, *type_faults(of_host, known), *mode_faults(of_host), *unsafe, *signed]
            # What is of the wrong type is reported as that, and not as out of its limits as well.
            found += [] if found else self._out_of_limits(host, roles, checks, facts)
            for sentence in found:
                wrong.setdefault(sentence, []).append(host)
        sentences = [f"{sentence} ({_hosts(hosts, facts)})" for sentence, hosts in wrong.items()]
        if store:
            sentences += fleet_checks.group_faults(facts) or fleet_checks.loopback_faults(facts)
        sentences += damaged
        chosen, general, fault = fleet_checks.only(facts)
        if store:
            expired, ending = certificate_checks.authorities(self._loader, self._templar, facts)
            sentences += expired
            general = [*general, *ending]
        sentences += [fault] if fault else []
        sentences += fleet_checks.option_faults(facts)
        return _refuse(sentences) or {
            "changed": False,
            "bundle": str(kept or ""),
            "chosen": chosen,
            "general": general,
            "renamed": [host for host in chosen if renamed.RENAMED.keys() & facts["hostvars"].raw_get(host).keys()],
            "unsigned": kept is not None and not read_bundle(kept).signature,
            "typed": sorted(known.keys() & load_extra_vars(self._loader).keys() - WISHES - OLD_WISHES),
            "rollout": run_ids.new(getpass.getuser()),
        }

    def _out_of_limits(self, host: str, roles: Roles, checks: list[Check], facts: Vars) -> list[str]:
        """What the checks of the roles say of a host's options."""
        values = dict(facts["hostvars"].raw_get(host))
        old = renamed.RENAMED.keys() & values.keys()
        values |= renamed.converted({name: facts["hostvars"][host][name] for name in old})
        groups = values.get("group_names") or []
        mine = [check for check in checks if not check.group or check.group in groups]
        return [sentence for check in mine for sentence in roles.faults(check, values)]

    def _renamed(self, facts: Vars) -> dict[str, Any]:
        """Options of this host that have an old name, by their new one; a warning for each."""
        names = renamed.RENAMED.keys() & facts.keys()
        values = {name: self._templar.template(facts[name]) for name in names}
        return {"changed": False, "options": renamed.converted(values), "warnings": renamed.warnings(values)}

    def _unsafe_url(self, of_host: Vars) -> list[str]:
        """Why a token must not go where a host, by its variables, would send it."""
        values = self._loader.load_from_file(str(INFLUXDB_DEFAULTS), trusted_as_template=True) | dict(of_host)
        view = self._templar.copy_with_new_env(available_variables=values)
        try:
            unsafe = safe_url.fault(str(view.template(values["influxdb_url"])))
        except AnsibleError:
            return []  # what cannot be worked out yet is looked at again when the host is
        return [f"influxdb_url {unsafe}"] if unsafe else []

    def _host(self, facts: Facts, bundle: str, store: bool) -> dict[str, Any]:
        """What this host is and runs, and what it shall run."""
        manifest = read_bundle(Path(bundle)).manifest if bundle else {}
        is_edge = EDGE in facts["group_names"]
        resolved = host_options.options(self._loader, self._templar, facts, OPTIONS_OF)
        unsafe = safe_url.fault(str(resolved["influxdb_url"]))
        influx = {} if unsafe else host_options.influx(resolved)
        name = "" if unsafe else urlsplit(influx["url"]).hostname or ""
        is_store = fleet_checks.STORE in facts["group_names"]
        beside = resolved["redis_existing"] == existing.BESIDE
        redis = (existing.OWN_REDIS,) if beside else host_options.redis_units()
        used = resolved["influxdb_existing"] == existing.USE
        mine = ports.of_host(resolved, is_edge, is_store, boolean(resolved["influxdb_tls"]), redis, used)
        asked = {"state": "status", "resolve": [name], "ports": [port.number for port in mine]}
        asked |= {"redis_units": list(host_options.redis_units())}
        began = time.time()
        status = self.ask(MODULE, asked, facts)
        if status.get("failed"):
            return _no_terminal(status) or self._old_python(facts) or dict(status)
        about, running = status["host"], status["running"]
        system = self._system(facts, about)
        typed, inventory, overrides = (resolved.get(name) for name in ("mode", *JUDGED_BY_MODE))
        try:
            mode, mode_from = modes.choose(typed, inventory, running.get("mode"))
            implementations = modes.implementations(mode, overrides)
        except modes.ModeError as fault:
            return _refuse([str(fault)])
        allowed = boolean(resolved["seclyzer_release_allow_untested"])
        refused = host_faults(about, status["releases"], manifest, allowed) if manifest else []
        refused += memory_fault(about, running, manifest, implementations if is_edge else {}) if manifest else []
        refused += systems.faults(ROLES, system)
        refused += ports.faults(mine, about["listening"])
        older = str(resolved.get("seclyzer_existing") or existing.REFUSE)
        chosen = {"redis": str(resolved["redis_existing"]), "seclyzer": older} if is_edge else {}
        chosen |= {"influxdb": str(resolved["influxdb_existing"])} if is_store and store else {}
        refused += existing.faults(about["existing"], chosen, is_store)
        if manifest and is_edge:
            refused += spool_fault(about, int(resolved["seclyzer_extractors_spool_bytes"]))
        if unsafe and store:
            refused.append(f"influxdb_url {unsafe}")
        rotates = boolean(resolved["influxdb_rotate"])
        needs = needs_store(status, influx, is_store, rotates) if store else ""
        nameless = name if manifest and store and not unsafe and not about["addresses"].get(name) else ""
        if nameless and needs:
            refused.append(f"the store's name {name} has no address here, and {needs}; influxdb_url can name another")
        return {
            "changed": False,
            "refused": refused,
            "clock": [began, about["time"], time.time()],
            "mode": mode if is_edge else None,
            "mode_from": mode_from if is_edge else None,
            "inventory_mode": inventory if is_edge else None,
            "overrides": dict(overrides or {}) if is_edge else {},
            "implementations": implementations if is_edge else {},
            "bundle": bundle,
            "release": manifest.get("release"),
            "untested": untested(about, manifest) if allowed else "",
            "influx": influx | {"unit": about["existing"]["influxdb"].get("unit", "") if used else existing.INFLUXDB},
            "redis": {
                "socket": existing.OWN_SOCKET if beside else existing.REDIS_SOCKET,
                "unit": existing.OWN_REDIS if beside else "",
                "socket_group": str(resolved["redis_socket_group"]),
                "legacy_clients": boolean(resolved["redis_legacy_clients"]),
            },
            "by": f"{getpass.getuser()}@{socket.gethostname()}",
            "has_command": launcher.is_current(about["command"], ROLES / "seclyzer_release" / "files"),
            "running": running,
            "store": status["store"],
            "needs_store": needs,
            "nameless": nameless,
            "previous": status["previous"],
            "rollout": status["rollout"],
            "warnings": existing.warnings(about["existing"], chosen),
            "ansible_facts": system,
            "os": self._os(system),
        }

    def _old_python(self, facts: Facts) -> dict[str, Any]:
        """The result that refuses a host on whose Python no module of ours begins; nothing when that is not wrong."""
        asked = {"gather_subset": ["!all", "!min", "distribution", "python"]}
        read = self.ask("ansible.legacy.setup", asked, facts).get("ansible_facts") or {}
        version = read.get("ansible_python", {}).get("version", {})
        python = f"python{version.get('major')}.{version.get('minor')}"
        system = f"{read.get('ansible_distribution')} {read.get('ansible_distribution_version')}"
        return _refuse([systems.old_python(system, python)]) if systems.too_old(python) else {}

    def _os(self, system: Vars) -> dict[str, Any]:
        """What the roles have for the host's system, as playbooks/tasks/os_vars.yml reads it."""
        found: dict[str, Any] = {}
        for of_role in systems.files(ROLES).values():
            path = next((of_role[name] for name in systems.candidates(system) if name in of_role), None)
            found |= host_options.loaded(self._loader, path) if path else {}
        return found

    def _system(self, facts: Facts, about: Vars) -> dict[str, Any]:
        """What decides which file of a role a host takes. The roles find it in the facts afterwards."""
        known = systems.of_release(about) or facts.get("ansible_facts") or {}
        if any(name not in known for name in systems.FACTS):
            asked = {"gather_subset": ["!all", "!min", "distribution"]}
            read = self.ask("ansible.legacy.setup", asked, facts)
            if read.get("failed"):
                raise AnsibleActionFail(f"Ansible cannot read which system runs: {read.get('msg')}")
            known = {name.removeprefix("ansible_"): value for name, value in read["ansible_facts"].items()}
        return {name: str(known[name]) for name in systems.FACTS}


def _kept(bundle: Path) -> tuple[Path | None, list[str]]:
    """The copy of the bundle that the run reads, and what is wrong with it."""
    try:
        return kept_bundle.take(bundle.absolute())
    except Refused as fault:
        return None, [str(fault)]


def _refuse(sentences: list[str]) -> dict[str, Any]:
    """The result that refuses; nothing when there is nothing to refuse."""
    if not sentences:
        return {}
    words = "\n".join([*sentences, "Nothing was changed."])
    return {"failed": True, "changed": False, "msg": words, "refused": sentences}


def _no_terminal(result: Vars) -> dict[str, Any]:
    """The result that refuses a host whose sudo requires a terminal; nothing when that is not what is wrong."""
    if "must have a tty" not in f"{result.get('module_stderr')} {result.get('msg')}":
        return {}
    words = "sudo wants a terminal there (requiretty in its sudoers), and Ansible's pipelining has none"
    mend = "exempt Ansible's user with `Defaults:USER !requiretty`, or set ansible_pipelining: false for this host"
    return _refuse([f"{words}: {mend}"])


def _hosts(hosts: list[str], facts: Vars) -> str:
    everywhere = len(hosts) == len(facts["ansible_play_hosts_all"])
    return "all hosts" if everywhere and len(hosts) > 1 else ", ".join(hosts)
