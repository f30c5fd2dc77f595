"""What the options of the roles come to for a host: their values, and where it writes to by them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils import influxdb_api, safe_url, systems, variables
from .option_checks import read_yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
SOCKET = "/run/seclyzer/influx.sock"
"""Where a host's programs reach the store, as the units in the role seclyzer_release lay it out."""
CA = str(influxdb_api.PLACE["ca_path"]["default"])
Vars = Mapping[str, Any]


def known() -> variables.Options:
    """All options of all roles."""
    return variables.options(map(read_yaml, ROLES.glob("*/meta/argument_specs.yml")))


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


def redis_units() -> tuple[str, ...]:
    """The unit that Redis' package brings, on any system."""
    found = systems.files(ROLES)["redis"].values()
    return tuple(f"{read_yaml(path)['__redis_os']['unit']}.service" for path in found)


def influx(resolved: Vars) -> dict[str, Any]:
    """Where this host writes to, by the options of the role influxdb."""
    trusts = boolean(resolved["influxdb_tls"]) and (resolved["influxdb_ca_file"] or resolved["influxdb_ca_remote"])
    url = safe_url.normal(str(resolved["influxdb_url"]))
    return {
        "url": url,
        "address": _address(url),
        "org": str(resolved["influxdb_org"]),
        "bucket": str(resolved["influxdb_bucket"]),
        "socket": SOCKET,
        "ca_file": CA if trusts else "",
        "other": bool(resolved["influxdb_token_file"]),
    }


def _address(url: str) -> str:
    """Host and port of a URL that may be asked, as a proxy wants them: `store:8086`, `[fd00::1]:443`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
