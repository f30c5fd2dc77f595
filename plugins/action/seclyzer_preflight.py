"""Checks everything that could be wrong while nothing has changed yet, and reports all of it at once."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ..module_utils import (
    bundles,
    existing,
    fleet,
    influxdb_api,
    last_report,
    modes,
    ports,
    renamed,
    run_ids,
    safe_url,
    signatures,
    systems,
    unpacking,
    variables,
)
from ..module_utils.fleet import count
from ..module_utils.kinds import KINDS
from ..module_utils.layout import Refused
from ..plugin_utils.option_checks import CHECKS, Check, Roles, read_yaml, selected
from .seclyzer_deployment import MODULE, read_bundle
from .seclyzer_report import inventories

ROLES = Path(__file__).resolve().parents[2] / "roles"
INFLUXDB_DEFAULTS = ROLES / "influxdb" / "defaults" / "main.yml"
EDGE = "seclyzer_edge"
STORE = "seclyzer_store"
SOCKET = "/run/seclyzer/influx.sock"
"""Where a host's programs reach the store, as the units in the role seclyzer_release lay it out."""
CA = str(influxdb_api.PLACE["ca_path"]["default"])
OF_FLEET = ("seclyzer_release_batches", "seclyzer_release_max_fail", "seclyzer_release_batch_pause_seconds")
WISHES = {
    "redis_rotate",
    "influxdb_rotate",
    "influxdb_gateway_readmit",
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
JUDGED_BY_MODE = ("seclyzer_mode", "seclyzer_implementations")
Vars = Mapping[str, Any]


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module of the same name for its options."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Refuses, or reports what was found."""
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {
                "step": {"type": "str", "required": True, "choices": ["variables", "renamed", "host"]},
                "bundle": {"type": "path"},
                "store": {"type": "bool", "default": True},
            }
        )
        facts = task_vars or {}
        if arguments["step"] == "variables":
            return self._variables(facts, arguments["bundle"], arguments["store"])
        if arguments["step"] == "renamed":
            return self._renamed(facts)
        return self._host(facts, arguments["bundle"], arguments["store"])

    def _variables(self, facts: Vars, bundle: str, store: bool) -> dict[str, Any]:
        """Everything that can be seen without touching a host."""
        known = variables.options(map(read_yaml, ROLES.glob("*/meta/argument_specs.yml")))
        known |= renamed.options()
        wrong: dict[str, list[str]] = {}
        roles = Roles(ROLES, self._loader, self._templar)
        tags, skipped = facts["ansible_run_tags"], facts["ansible_skip_tags"]
        checks = [check for check in CHECKS if selected(check.tags, tags, skipped)]
        for host in facts["ansible_play_hosts_all"]:
            of_host = facts["hostvars"][host]
            unsafe = self._unsafe_url(facts["hostvars"].raw_get(host)) if store else []
            names = [*variables.unknown(of_host, known), *variables.inputs(of_host, known), *renamed.conflicts(of_host)]
            signed = _signed(bundle, of_host) if bundle else []
            found = [*names, *_types(of_host, known), *_mode(of_host), *unsafe, *signed]
            # What is of the wrong type is reported as that, and not as out of its limits as well.
            found += [] if found else self._out_of_limits(host, roles, checks, facts)
            for sentence in found:
                wrong.setdefault(sentence, []).append(host)
        sentences = [f"{sentence} ({_hosts(hosts, facts)})" for sentence, hosts in wrong.items()]
        if store:
            sentences += _groups(facts)
        if bundle:
            sentences += _bundle(Path(bundle))
        chosen, general, fault = _only(facts)
        sentences += [fault] if fault else []
        sentences += _of_fleet(facts)
        return _refuse(sentences) or {
            "changed": False,
            "bundle": bundle,
            "chosen": chosen,
            "general": general,
            "renamed": [host for host in chosen if renamed.RENAMED.keys() & facts["hostvars"].raw_get(host).keys()],
            "unsigned": bool(bundle) and not read_bundle(Path(bundle)).signature,
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

    def _host(self, facts: Vars, bundle: str, store: bool) -> dict[str, Any]:
        """What this host is and runs, and what it shall run."""
        manifest = read_bundle(Path(bundle)).manifest if bundle else {}
        is_edge = EDGE in facts["group_names"]
        resolved = options(self._loader, self._templar, facts, OPTIONS_OF)
        unsafe = safe_url.fault(str(resolved["influxdb_url"]))
        influx = {} if unsafe else _influx(resolved)
        name = "" if unsafe else urlsplit(influx["url"]).hostname or ""
        is_store = STORE in facts["group_names"]
        beside = resolved["redis_existing"] == existing.BESIDE
        redis = (existing.OWN_REDIS,) if beside else _redis_units()
        used = resolved["influxdb_existing"] == existing.USE
        mine = ports.of_host(resolved, is_edge, is_store, boolean(resolved["influxdb_tls"]), redis, used)
        asked = {"state": "status", "resolve": [name], "ports": [port.number for port in mine]}
        asked |= {"redis_units": list(_redis_units())}
        status = self._execute_module(MODULE, asked, task_vars=dict(facts))
        if status.get("failed"):
            return _no_terminal(status) or dict(status)
        about, running = status["host"], status["running"]
        system = self._system(facts, about)
        typed, inventory, overrides = (resolved.get(name) for name in ("mode", *JUDGED_BY_MODE))
        try:
            mode, mode_from = modes.choose(typed, inventory, running.get("mode"))
            implementations = modes.implementations(mode, overrides)
        except modes.ModeError as fault:
            return _refuse([str(fault)])
        refused = _host_faults(about, status["releases"], manifest) if manifest else []
        refused += systems.faults(ROLES, system)
        refused += ports.faults(mine, about["listening"])
        chosen = {"redis": str(resolved["redis_existing"])} if is_edge else {}
        chosen |= {"influxdb": str(resolved["influxdb_existing"])} if is_store and store else {}
        refused += existing.faults(about["existing"], chosen, is_store)
        if manifest and is_edge:
            refused += _spool_fault(about, int(resolved["seclyzer_extractors_spool_bytes"]))
        if unsafe and store:
            refused.append(f"influxdb_url {unsafe}")
        elif manifest and store and not about["addresses"].get(name):
            refused.append(f"the store's name {name} has no address here; influxdb_url can name another")
        return {
            "changed": False,
            "refused": refused,
            "mode": mode if is_edge else None,
            "mode_from": mode_from if is_edge else None,
            "inventory_mode": inventory if is_edge else None,
            "overrides": dict(overrides or {}) if is_edge else {},
            "implementations": implementations if is_edge else {},
            "bundle": bundle,
            "release": manifest.get("release"),
            "influx": influx | {"unit": about["existing"]["influxdb"].get("unit", "") if used else existing.INFLUXDB},
            "redis": {
                "socket": existing.OWN_SOCKET if beside else existing.REDIS_SOCKET,
                "unit": existing.OWN_REDIS if beside else "",
                "socket_group": str(resolved["redis_socket_group"]),
                "legacy_clients": boolean(resolved["redis_legacy_clients"]),
            },
            "by": f"{getpass.getuser()}@{socket.gethostname()}",
            "running": running,
            "previous": status["previous"],
            "rollout": status["rollout"],
            "warnings": existing.warnings(about["existing"], chosen),
            "ansible_facts": system,
            "os": self._os(system),
        }

    def _os(self, system: Vars) -> dict[str, Any]:
        """What the roles have for the host's system, as playbooks/tasks/os_vars.yml reads it."""
        found: dict[str, Any] = {}
        for of_role in systems.files(ROLES).values():
            path = next((of_role[name] for name in systems.candidates(system) if name in of_role), None)
            found |= self._loader.load_from_file(str(path), trusted_as_template=True) if path else {}
        return found

    def _system(self, facts: Vars, about: Vars) -> dict[str, Any]:
        """What decides which file of a role a host takes. The roles find it in the facts afterwards."""
        known = systems.of_release(about) or facts.get("ansible_facts") or {}
        if any(name not in known for name in systems.FACTS):
            asked = {"gather_subset": ["!all", "!min", "distribution"]}
            read = self._execute_module("ansible.legacy.setup", asked, task_vars=dict(facts))
            if read.get("failed"):
                raise AnsibleActionFail(f"Ansible cannot read which system runs: {read.get('msg')}")
            known = {name.removeprefix("ansible_"): value for name, value in read["ansible_facts"].items()}
        return {name: str(known[name]) for name in systems.FACTS}


def options(loader: Any, templar: Any, facts: Vars, roles: tuple[str, ...]) -> dict[str, Any]:
    """The values that options of these roles have for this host, given or by default; none for those that have none."""
    defaults: dict[str, Any] = {}
    names = {"mode"}
    for role in roles:
        defaults |= loader.load_from_file(str(ROLES / role / "defaults" / "main.yml"), trusted_as_template=True)
        specs = read_yaml(ROLES / role / "meta" / "argument_specs.yml")
        names |= variables.options([specs]).keys()
    values = defaults | dict(facts)
    view = templar.copy_with_new_env(available_variables=values)
    return {name: view.template(values[name]) for name in names & values.keys()}


def _redis_units() -> tuple[str, ...]:
    """The unit that Redis' package brings, on any system."""
    found = systems.files(ROLES)["redis"].values()
    return tuple(f"{read_yaml(path)['__redis_os']['unit']}.service" for path in found)


def _refuse(sentences: list[str]) -> dict[str, Any]:
    """The result that refuses; nothing when there is nothing to refuse."""
    if not sentences:
        return {}
    words = "\n".join([*sentences, "Nothing was changed."])
    return {"failed": True, "changed": False, "msg": words, "refused": sentences}


def _only(facts: Vars) -> tuple[list[str], list[str], str]:
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


def _of_fleet(facts: Vars) -> list[str]:
    """What is wrong with the options that hold for the whole fleet at once."""
    wrong: list[str] = []
    for name in OF_FLEET:
        values = {repr(_value(facts["hostvars"][host], name)) for host in facts["ansible_play_hosts_all"]}
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


def _value(of_host: Vars, name: str) -> Any:
    """A variable's value; None when it cannot be resolved yet."""
    try:
        return of_host.get(name)
    except AnsibleError:
        return None


def _types(of_host: Vars, known: variables.Options) -> list[str]:
    """What is wrong with the values a host was given, but for those about the mode, which have a judge of their own."""
    wrong: list[str] = []
    for name in of_host:
        if name not in known or name in JUDGED_BY_MODE:
            continue
        try:
            value = of_host[name]
        except AnsibleError as fault:
            wrong += _undefined(name, str(fault), known)
        else:
            wrong.append("" if value is None else variables.fault(name, value, known[name]))
    return [sentence for sentence in wrong if sentence]


def _undefined(name: str, message: str, known: variables.Options) -> list[str]:
    """What is wrong with a value that cannot be resolved: nothing when it only waits for another option's default."""
    missing = re.search(r"'(\w+)' is undefined", message)
    if missing and missing[1] in known:
        return []
    return [f"{name} cannot be worked out: {missing[0] if missing else message}"]


def _mode(of_host: Vars) -> list[str]:
    try:
        mode, _ = modes.choose(_value(of_host, "mode"), _value(of_host, "seclyzer_mode"), None)
        modes.implementations(mode, _value(of_host, "seclyzer_implementations"))
    except modes.ModeError as fault:
        return [str(fault)]
    return []


def _groups(facts: Vars) -> list[str]:
    stores = facts["groups"].get(STORE, [])
    names = ("influxdb_store_host", "influxdb_token_file")
    known = facts["hostvars"]
    lost = [h for h in facts["ansible_play_hosts_all"] if not any(_value(known[h], name) for name in names)]
    if len(stores) == 1 or not lost:
        return []
    if not stores:
        return [
            f"the inventory has no host in {STORE}, and influxdb_store_host names none ({', '.join(lost)}); for a "
            "store that is not in the inventory influxdb_url and influxdb_token_file are configured"
        ]
    return [
        f"{STORE} has {len(stores)} hosts ({', '.join(stores)}), and a host writes to one: leave one in the group, "
        f"or configure influxdb_store_host for {', '.join(lost)}"
    ]


def _bundle(bundle: Path) -> list[str]:
    try:
        found = read_bundle(bundle)
    except AnsibleActionFail as fault:
        return [str(fault)]
    archives = found.manifest["archives"]
    return bundles.archive_faults(bundle, found.manifest, archives) or _members(bundle, archives)


def _members(bundle: Path, archives: Vars) -> list[str]:
    """Why a host would not unpack the archives, each for itself."""
    wrong: list[str] = []
    for name, archive in archives.items():
        path = bundle / bundles.file_of(name)
        try:
            with unpacking.Unpacking(None) as looking:
                looking.take(path, archive["sha256"], archive["unpacked"])
        except Refused as fault:
            wrong.append(f"{path}: {fault}")
    return wrong


def _signed(bundle: str, of_host: Vars) -> list[str]:
    """Why this host would not accept the bundle's signature."""
    try:
        signers, unsigned = (_value(of_host, name) for name in (signatures.SIGNERS, signatures.UNSIGNED))
        lines = tuple(signatures.trusted(signers if isinstance(signers, list) else None))
        return _judged(bundle, lines, bool(boolean(unsigned or False, strict=False)))
    except Refused:
        return []  # no bundle that can be read, which is reported once


@cache
def _judged(bundle: str, signers: tuple[str, ...], unsigned: bool) -> list[str]:
    """The same, once for all hosts that trust the same; Refused without a bundle."""
    found = bundles.read(Path(bundle))
    try:
        signatures.signer(found.sums, found.signature, signers, unsigned)
    except Refused as fault:
        return [f"{bundle}: {fault}"]
    return []


def _influx(options: Vars) -> dict[str, Any]:
    """Where this host writes to, by the options of the role influxdb."""
    trusts = boolean(options["influxdb_tls"]) and (options["influxdb_ca_file"] or options["influxdb_ca_remote"])
    url = safe_url.normal(str(options["influxdb_url"]))
    return {
        "url": url,
        "address": _address(url),
        "org": str(options["influxdb_org"]),
        "bucket": str(options["influxdb_bucket"]),
        "socket": SOCKET,
        "ca_file": CA if trusts else "",
        "other": bool(options["influxdb_token_file"]),
    }


def _address(url: str) -> str:
    """Host and port of a URL that may be asked, as a proxy wants them: `store:8086`, `[fd00::1]:443`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host_faults(about: Vars, releases: list[str], manifest: Vars) -> list[str]:
    """Why this host could not run the release."""
    faults: list[str] = []
    name, version = about["distribution"], about["distribution_version"]
    served: dict[str, list[str]] = manifest.get("systems") or {"debian": manifest["debian"]}
    if version not in served.get(systems.stem(name), []):
        known = ", ".join(f"{one.capitalize()} {' and '.join(versions)}" for one, versions in served.items())
        file = f"roles/seclyzer_release/vars/{systems.stem(name) or 'DISTRIBUTION'}.yml"
        runs = f"{name} {version}".strip() or "an unknown system"
        faults.append(f"it runs {runs}; {known} are served, and what {file} names once the bundle is built anew")
    elif about["python"] not in manifest["archives"]:
        pythons = ", ".join(name for name in manifest["archives"] if name != "common")
        faults.append(f"/usr/bin/python3 is {about['python'] or 'missing'}; the bundle serves {pythons}")
    if about["architecture"] != manifest["architecture"]:
        faults.append(f"it is {about['architecture']}; the bundle is for {manifest['architecture']}")
    elif (needed := manifest.get("glibc")) and bundles.older(about["glibc"], needed):
        has = f"glibc {about['glibc']}" if about["glibc"] else "no glibc"
        faults.append(f"it has {has}; the bundle needs glibc {needed}")
    if not about["systemd"]:
        faults.append("systemd does not run it")
    if not about["root"]:
        faults.append("Ansible is not root there; set ansible_become: true or log in as root")
    if manifest["release"] not in releases and not faults:
        needed = sum(manifest["archives"][name]["unpacked"] for name in ("common", about["python"])) + (32 << 20)
        if about["free"] < needed:
            faults.append(f"/opt/seclyzer has {about['free'] >> 20} MiB left, the release needs {needed >> 20} MiB")
    return faults


def _spool_fault(about: Vars, spool_bytes: int) -> list[str]:
    """Why the extractors' spools could not fill up; what they hold already has its room."""
    needed = len(KINDS) * spool_bytes - about["spooled"]
    if about["free_state"] >= needed:
        return []
    left, needed_text = (f"{size >> 20} MiB" for size in (about["free_state"], needed))
    return [
        f"/var/lib/seclyzer has {left} left, the spools of {len(KINDS)} extractors may need {needed_text}; "
        "seclyzer_extractors_spool_bytes can be less"
    ]
