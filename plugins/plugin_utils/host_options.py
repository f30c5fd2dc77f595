"""What the options of the roles come to for a host: their values, and where it writes to by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


class Options(Mapping[str, Any]):
    """What the options of a host come to, each worked out when it is asked for: of a hundred, few are."""

    def __init__(self, view: Any, values: Vars) -> None:
        self._view, self._values = view, values
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The value of an option. Raises KeyError for one that was not given and has no default."""
        if name not in self._found:
            self._found[name] = self._view.template(self._values[name])
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        """The names that have a value."""
        return iter(self._values)

    def __len__(self) -> int:
        """How many have a value."""
        return len(self._values)


def options(loader: Any, templar: Any, facts: Vars, roles: tuple[str, ...]) -> Options:
    """The options of these roles for this host, given or by default."""
    defaults: dict[str, Any] = {}
    for role in roles:
        defaults |= loaded(loader, ROLES / role / "defaults" / "main.yml")
    values = defaults | dict(facts)
    return Options(templar.copy_with_new_env(available_variables=values), values)


def loaded(loader: Any, path: Path) -> dict[str, Any]:
    """A role's file of variables, to be read only: Ansible's own copy, for a copy of it costs as much as a task."""
    return dict(loader.load_from_file(str(path), trusted_as_template=True, unsafe=True))


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
