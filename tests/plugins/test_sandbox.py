"""The sandbox stands once, and every service has all of it."""

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError

from bench import isolation
from plugins.lookup.sandbox import LookupModule
from plugins.module_utils import proof, sandbox

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted([*ROOT.glob("roles/*/templates/*.service.j2"), ROOT / "roles/redis/templates/dropin.conf.j2"])
COMMON = [setting for _, settings in sandbox.BASE for setting in settings]
KEYS = {key for key, _ in COMMON} | {key for _, found in sandbox.NETWORKS.values() for key, _ in found}
KEYS |= {"UMask", "ProcSubset", "NoExecPaths", "ExecPaths"}


def lines(**options: Any) -> list[str]:
    (made,) = LookupModule().run([], **options)
    return [line for line in made.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("path", UNITS, ids=[path.name for path in UNITS])
def test_a_unit_has_the_sandbox_and_repeats_none_of_it(path: Path) -> None:
    text = path.read_text()
    assert text.count("lookup('seclyzer.edge.sandbox'") == 1
    assert {key for key in KEYS if re.search(rf"^{key}=", text, re.MULTILINE)} == set()


def test_all_units_are_looked_at() -> None:
    assert len(UNITS) == 9


@pytest.mark.parametrize("network", ["none", "loopback", "all"])
def test_what_all_have_does_not_go_by_the_network(network: str) -> None:
    made = lines(network=network)
    assert [f"{key}={value}" for key, value in COMMON if f"{key}={value}" not in made] == []
    assert "UMask=0077" in made and "ProcSubset=pid" in made


def test_a_service_without_a_network_reaches_neither_addresses_nor_a_resolver() -> None:
    made = lines(network="none")
    assert {"PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX"} < set(made)
    assert f"InaccessiblePaths={sandbox.RESOLVERS}" in made and "InaccessiblePaths=-/run/dbus" in made
    assert "InaccessiblePaths=-/run/dbus" not in lines(network="none", bus=True)


def test_addresses_are_allowed_beside_the_hosts_own() -> None:
    made = lines(network="loopback", allow=["10.20.0.0/16", "fd00::/8"])
    assert "IPAddressAllow=localhost 10.20.0.0/16 fd00::/8" in made and "IPAddressDeny=any" in made
    assert not [line for line in lines(network="all") if line.startswith("IPAddress")]


def test_programs_are_all_that_can_be_started() -> None:
    made = lines(network="loopback", programs=["/usr/bin/influxd"])
    assert {"NoExecPaths=/", "ExecPaths=/usr/bin/influxd /usr/lib /lib -/lib64"} < set(made)


def test_a_drop_in_empties_what_it_would_only_add_to() -> None:
    made = lines(network="none", dropin=True)
    for key in sandbox.APPENDED:
        assert next(line for line in made if line.startswith(f"{key}=")) == f"{key}="
        assert made.count(f"{key}=") == 1
        assert f"{key}=" not in lines(network="none")


def test_a_network_that_there_is_not_is_refused() -> None:
    for terms, network in ((["none"], "none"), ([], "lopback")):
        with pytest.raises(AnsibleLookupError, match="needs network, one of none, loopback, all"):
            LookupModule().run(terms, network=network)
    with pytest.raises(AnsibleLookupError, match="dropins"):
        LookupModule().run([], network="none", dropins=True)


def test_the_proof_and_the_bench_have_it_too() -> None:
    assert set(COMMON) < set(proof.JAIL)
    assert {f"{key}={value}" for key, value in COMMON} < set(isolation.SETTINGS)
    assert (ROOT / "bench" / "sandbox.py").samefile(ROOT / "plugins" / "module_utils" / "sandbox.py")
