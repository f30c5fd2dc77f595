"""The CA files on the controller, for all hosts at once: of which nothing is valid any more, and what soon expires."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils import expiry
from .host_options import ROLES

DEFAULTS = ROLES / "influxdb" / "defaults" / "main.yml"
Vars = Mapping[str, Any]


def authorities(loader: Any, templar: Any, facts: Vars) -> tuple[list[str], list[str]]:
    """What refuses the run, and what its report has: a sentence for each certificate of a CA file, each once."""
    defaults = loader.load_from_file(str(DEFAULTS), trusted_as_template=True)
    expired: list[str] = []
    ending: list[str] = []
    asked = [_of_host(templar, defaults | dict(facts["hostvars"].raw_get(host))) for host in _hosts(facts)]
    for path, days in dict.fromkeys(one for one in asked if one is not None):
        try:
            pem = Path(path).read_bytes()
        except OSError:
            continue  # which is refused elsewhere
        found = expiry.ending(pem, f"influxdb_ca_file {path}", expiry.OF_CA, days)
        (expired if expiry.all_expired(pem) else ending).extend(found)
    return expired, ending


def _hosts(facts: Vars) -> list[str]:
    return list(facts["ansible_play_hosts_all"])


def _of_host(templar: Any, values: Vars) -> tuple[str, int] | None:
    """A host's CA file on the controller, and from how many days on an expiry is reported; None without one."""
    view = templar.copy_with_new_env(available_variables=values)
    names = ("influxdb_ca_file", "influxdb_certificate_days", "influxdb_tls")
    try:
        path, days, tls = (view.template(values[name]) for name in names)
        return (str(path), int(days)) if path and boolean(tls) else None
    except (AnsibleError, TypeError, ValueError):
        return None  # a value that is none is reported as what it is elsewhere
