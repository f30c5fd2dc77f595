"""What the actions on the controller refuse and report."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from plugins.action import seclyzer_preflight as preflight
from plugins.action import seclyzer_report as report
from plugins.action.seclyzer_deployment import read_bundle
from plugins.module_utils import kinds, machine, memory, modes, safe_url
from plugins.module_utils.layout import Layout
from plugins.plugin_utils import bundle_checks, host_options
from plugins.plugin_utils.fleet_checks import group_faults, loopback_faults
from plugins.plugin_utils.host_checks import (
    MEMORY_OF,
    MEMORY_OF_AGENT,
    host_faults,
    memory_fault,
    spool_fault,
    untested,
)
from plugins.plugin_utils.values import type_faults
from tests.helpers import ROOT
from tests.plugins.hosts import ABOUT, MANIFEST, Systemd, bundle, written


def test_nothing_speaks_against_a_host_that_is_served() -> None:
    assert host_faults(ABOUT, [], MANIFEST) == []


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (
            {"distribution_version": "11"},
            "it runs debian 11; Debian 12 and 13 are served, and what roles/seclyzer_release/vars/debian.yml names "
            "once the bundle is built anew",
        ),
        (
            {"distribution": "fedora", "distribution_version": "40"},
            "it runs fedora 40; Debian 12 and 13 are served, and what roles/seclyzer_release/vars/fedora.yml names "
            "once the bundle is built anew",
        ),
        ({"python": "python3.12"}, "/usr/bin/python3 is python3.12; the bundle serves python3.11"),
        ({"architecture": "aarch64"}, "it is aarch64; the bundle is for x86_64"),
        ({"glibc": "2.30"}, "it has glibc 2.30; the bundle needs glibc 2.31"),
        ({"glibc": "2.9.9000"}, "it has glibc 2.9.9000; the bundle needs glibc 2.31"),
        ({"glibc": ""}, "it has no glibc; the bundle needs glibc 2.31"),
        ({"systemd": False}, "systemd does not run it"),
        ({"root": False}, "Ansible is not root there; set ansible_become: true or log in as root"),
        ({"free": 40 << 20}, "/opt/seclyzer has 40 MiB left, the release needs 53 MiB"),
    ],
)
def test_what_speaks_against_a_host_is_a_sentence(change: dict[str, Any], reported: str) -> None:
    assert host_faults(ABOUT | change, [], MANIFEST) == [reported]


NOBLE = {"distribution": "ubuntu", "distribution_version": "24.04"}


def test_an_untested_system_is_refused_until_the_option_accepts_it() -> None:
    manifest = MANIFEST | {"untested": {"ubuntu": ["24.04"]}}
    assert untested(ABOUT, manifest) == untested(ABOUT | NOBLE, MANIFEST) == ""
    assert untested(ABOUT | NOBLE, manifest) == "ubuntu 24.04"
    assert host_faults(ABOUT | NOBLE, [], manifest) == [
        "it runs ubuntu 24.04, on which SecLyzer is untested; seclyzer_release_allow_untested: true accepts that"
    ]
    assert host_faults(ABOUT | NOBLE, [], manifest, allow_untested=True) == []


@pytest.mark.parametrize("change", [{"python": "python3.12"}, {"architecture": "aarch64"}, {"free": 0}])
def test_an_accepted_system_is_judged_as_all_others(change: dict[str, Any]) -> None:
    manifest = MANIFEST | {"untested": {"ubuntu": ["24.04"]}}
    about = ABOUT | change
    assert host_faults(about | NOBLE, [], manifest, allow_untested=True) == host_faults(about, [], manifest) != []


def test_the_option_accepts_no_system_that_the_bundle_has_nothing_for() -> None:
    about = ABOUT | NOBLE | {"distribution_version": "22.04"}
    manifest = MANIFEST | {"untested": {"ubuntu": ["24.04"]}}
    (sentence,) = host_faults(about, [], manifest, allow_untested=True)
    assert sentence.startswith("it runs ubuntu 22.04; Debian 12 and 13 are served")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_system_with_an_old_python_is_refused_for_that(allowed: bool) -> None:
    about = ABOUT | {"distribution": "ubuntu", "distribution_version": "22.04", "python": "python3.10"}
    assert host_faults(about, [], MANIFEST, allowed) == [
        "it runs ubuntu 22.04, whose /usr/bin/python3 is python3.10, and 3.11 or later is needed: upgrade the system"
    ]


@pytest.mark.parametrize(("minor", "refused"), [(10, True), (11, False)])
def test_where_no_module_of_ours_begins_the_python_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, minor: int, refused: bool
) -> None:
    read: dict[str, Any] = {"ansible_distribution": "Ubuntu", "ansible_distribution_version": "22.04"}
    read |= {"ansible_python": {"version": {"major": 3, "minor": minor}}}
    monkeypatch.setattr(preflight.ActionModule, "_execute_module", lambda *_, **__: {"ansible_facts": read})
    found = object.__new__(preflight.ActionModule)._old_python({})
    words = (
        "it runs Ubuntu 22.04, whose /usr/bin/python3 is python3.10, and 3.11 or later is needed: upgrade the system"
    )
    assert found.get("refused") == ([words] if refused else None)


def test_where_nothing_can_be_asked_the_first_failure_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.ActionModule, "_execute_module", lambda *_, **__: {"failed": True, "msg": "no"})
    assert object.__new__(preflight.ActionModule)._old_python({}) == {}


def test_the_report_names_an_untested_system() -> None:
    assert report._notes({}, {"untested": "ubuntu 24.04"}) == [
        "untested system, ubuntu 24.04, which seclyzer_release_allow_untested accepts"
    ]
    assert report._notes({}, {"untested": ""}) == report._notes({}, {}) == []


def test_a_bundle_from_before_there_were_other_systems_serves_debian() -> None:
    old = {name: value for name, value in MANIFEST.items() if name != "systems"} | {"debian": ["12"]}
    assert host_faults(ABOUT, [], old) == []
    (sentence,) = host_faults(ABOUT | {"distribution_version": "13"}, [], old)
    assert sentence.startswith("it runs debian 13; Debian 12 are served")


def test_a_release_that_is_there_needs_no_room() -> None:
    assert host_faults(ABOUT | {"free": 0}, [MANIFEST["release"]], MANIFEST) == []


def test_a_host_has_room_for_full_spools_of_all_kinds_less_what_they_hold() -> None:
    count = len(kinds.KINDS)
    spooled = 64 * count - 100
    about = {"free_state": 100 << 20, "spooled": spooled << 20}
    assert spool_fault(about, 64 << 20) == []
    assert spool_fault(about, 0) == []
    assert spool_fault(about | {"spooled": spooled - 1 << 20}, 64 << 20) == [
        f"/var/lib/seclyzer has 100 MiB left, the spools of {count} extractors may need 101 MiB; "
        "seclyzer_extractors_spool_bytes can be less"
    ]


NEEDED_OF_MODE = {"rust": 47, "hybrid": 77, "python": 137}


@pytest.mark.parametrize(("mode", "needed"), NEEDED_OF_MODE.items())
def test_a_host_without_the_memory_that_the_programs_of_its_mode_take_is_refused(mode: str, needed: int) -> None:
    implementations = modes.implementations(mode, {})
    older = {"release": "0.0.9-abcdefabcdef", "implementations": implementations}
    for running in ({}, older):
        assert memory_fault({"memory": needed << 20}, running, MANIFEST, implementations) == []
        assert memory_fault({"memory": (needed << 20) - 1}, running, MANIFEST, implementations) == [
            f"its memory has {needed - 1} MiB left, the programs of the release need {needed} MiB"
        ]


def test_a_store_needs_the_memory_of_the_agent_only() -> None:
    assert memory_fault({"memory": 32 << 20}, {}, MANIFEST, {}) == []
    (sentence,) = memory_fault({"memory": 31 << 20}, {}, MANIFEST, {})
    assert sentence == "its memory has 31 MiB left, the programs of the release need 32 MiB"


def test_programs_that_run_already_need_no_more_memory_and_those_of_another_mode_do() -> None:
    hybrid, rust = (modes.implementations(mode, {}) for mode in ("hybrid", "rust"))
    running = {"release": MANIFEST["release"], "implementations": hybrid}
    assert memory_fault({"memory": 0}, running, MANIFEST, hybrid) == []
    assert memory_fault({"memory": 0}, running, MANIFEST, rust) != []


def test_a_host_whose_free_memory_is_not_known_is_not_refused_for_it(tmp_path: Path) -> None:
    known, unknown = tmp_path / "meminfo", tmp_path / "of-an-old-kernel"
    known.write_text("MemTotal:  2000 kB\nMemFree:  10 kB\nMemAvailable:    1024 kB\n")
    unknown.write_text("MemTotal:  2000 kB\nMemFree:  10 kB\n")
    assert memory.available(known) == 1 << 20
    for path in (unknown, tmp_path / "none", tmp_path):
        assert memory.available(path) is None
        assert memory_fault({"memory": memory.available(path)}, {}, MANIFEST, {"app": "python"}) == []


def test_a_host_reports_the_memory_that_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Systemd) -> None:
    monkeypatch.setattr(memory, "available", lambda: 5 << 20)
    about = machine.describe(Layout(tmp_path / "base", tmp_path / "units"), [], [], [])
    assert about["memory"] == 5 << 20


def test_the_memory_that_programs_take_is_what_the_bench_allows_them() -> None:
    verdicts = json.loads((ROOT / "docs" / "bench.json").read_text())["verdicts"]
    allowed = {
        one["implementation"]: int(one["limit"]["most"]) << 20
        for one in verdicts
        if one["figure"] in ("rss_idle_mib", "agent_rss_mib") and one["limit"]
    }
    assert allowed == MEMORY_OF | {"agent": MEMORY_OF_AGENT}


def test_what_is_spooled_is_what_segments_hold(tmp_path: Path) -> None:
    for name, text in (
        ("keystroke/spool/1.lp", "ab"),
        ("app/spool/2.lp", "c"),
        ("app/spool/x.txt", "no"),
        ("a.lp", ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine.spooled(tmp_path) == 3
    assert machine.spooled(tmp_path / "nothing") == 0


def facts(**hosts: dict[str, Any]) -> dict[str, Any]:
    return {
        "hostvars": hosts,
        "ansible_play_hosts_all": list(hosts),
        "ansible_play_hosts": list(hosts),
        "groups": {"seclyzer_store": []},
    }


def test_edges_without_a_store_are_refused_unless_its_address_is_configured() -> None:
    assert group_faults(facts(a={}, b={"influxdb_store_host": "c"})) == [
        "the inventory has no host in seclyzer_store, and influxdb_store_host names none (a); for a store that is not "
        "in the inventory influxdb_url and influxdb_token_file are configured"
    ]
    assert group_faults(facts(a={"influxdb_token_file": "vault/token"})) == []
    assert group_faults(facts(b={"influxdb_store_host": "c"})) == []


def test_two_stores_are_refused_unless_each_host_says_which_is_its_own() -> None:
    two = {"seclyzer_store": ["s1", "s2"]}
    named = {"influxdb_store_host": "s1"}
    assert group_faults(facts(e={}, s1=named) | {"groups": two}) == [
        "seclyzer_store has 2 hosts (s1, s2), and a host writes to one: leave one in the group, "
        "or configure influxdb_store_host for e"
    ]
    assert group_faults(facts(e=named, s1={}, s2={}) | {"groups": two}) == []
    assert group_faults(facts(e={"influxdb_store_host": "s3"}) | {"groups": two}) == [
        "seclyzer_store has 2 hosts (s1, s2), and influxdb_store_host of e is s3"
    ]
    assert group_faults(facts(e={"influxdb_token_file": "vault/token"}) | {"groups": two}) == []
    assert group_faults(facts(e={}) | {"groups": {"seclyzer_store": ["s1"]}}) == []


def test_edges_whose_store_answers_on_its_own_loopback_only_are_refused_before_any_host_is_asked() -> None:
    plain: dict[str, Any] = {"influxdb_tls": False}
    one = {"groups": {"seclyzer_store": ["s"]}}
    assert loopback_faults(facts(a=plain, b={"influxdb_tls": "no"}, s=plain) | one) == [
        "influxdb_tls is false, so the gateway of s answers on its own loopback only, and a, b cannot reach it: "
        "influxdb_tls true needs influxdb_tls_cert, influxdb_tls_key and influxdb_ca_file"
    ]
    assert loopback_faults(facts(s=plain) | one) == []
    assert loopback_faults(facts(a={}, b={"influxdb_tls": True}) | one) == []
    tunnel = {"influxdb_url": "http://127.0.0.1:9086"}
    assert loopback_faults(facts(a=plain | tunnel, b=plain | {"influxdb_token_file": "/t"}) | one) == []


def test_each_edge_writes_to_the_store_of_its_group() -> None:
    """Two groups with a store each, as docs/stores.md writes them down."""
    two = {"groups": {"seclyzer_store": ["store1", "store2"]}}
    urls = [host_options.influx(resolved({"influxdb_store_host": name} | two))["url"] for name in ("store1", "store2")]
    assert urls == ["https://store1:8086", "https://store2:8086"]


def test_a_store_is_its_own() -> None:
    two = {"groups": {"seclyzer_store": ["store1", "store2"]}}
    urls = [host_options.influx(resolved({"inventory_hostname": name} | two))["url"] for name in ("store1", "store2")]
    assert urls == ["https://store1:8086", "https://store2:8086"]


def resolved(facts: dict[str, Any]) -> Mapping[str, Any]:
    facts = {"inventory_hostname": "edge1"} | facts
    loader = DataLoader()
    return host_options.options(
        loader, Templar(loader=loader, variables=facts), facts, ("influxdb", "seclyzer_release")
    )


def test_options_are_what_a_host_was_given_or_the_roles_defaults() -> None:
    found = resolved({"mode": trust_as_template("{{ 'ru' ~ 'st' }}"), "seclyzer_release_keep": 7, "groups": {}})
    assert found["mode"] == "rust"
    assert found["seclyzer_release_keep"] == 7
    assert found["seclyzer_release_health_seconds"] == 60
    assert "seclyzer_mode" not in found


def test_only_the_options_that_are_asked_for_are_worked_out() -> None:
    """An unchanged host would wait a tenth of a CPU second for the others."""
    found = resolved({"seclyzer_release_keep": trust_as_template("{{ 1 // 0 }}"), "groups": {}})
    assert found["seclyzer_release_health_seconds"] == 60
    with pytest.raises(AnsibleError, match="division"):
        found["seclyzer_release_keep"]


@pytest.mark.parametrize(
    ("reported", "url", "ca_file"),
    [
        ({}, "https://store1:8086", ""),
        ({"influxdb_port": 9999, "influxdb_ca_remote": "/x"}, "https://store1:9999", "/etc/seclyzer/influx-ca.crt"),
        ({"influxdb_tls": "false", "influxdb_ca_remote": "/x"}, "http://127.0.0.1:8086", ""),
        ({"influxdb_store_host": "other"}, "https://other:8086", ""),
        ({"influxdb_url": "https://db.example:443"}, "https://db.example:443", ""),
        ({"influxdb_url": trust_as_template("https://{{ 'd' ~ 'b' }}:1")}, "https://db:1", ""),
    ],
)
def test_a_host_writes_to_the_first_store_unless_another_is_configured(
    reported: dict[str, Any], url: str, ca_file: str
) -> None:
    found = host_options.influx(resolved({**reported, "groups": {"seclyzer_store": ["store1", "store2"]}}))
    assert (found["url"], found["ca_file"]) == (url, ca_file)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://store:8086", "store:8086"),
        ("https://Store.example/influx/", "store.example:443"),
        ("http://127.0.0.1", "127.0.0.1:80"),
        ("https://[fd00::1]:8086", "[fd00::1]:8086"),
    ],
)
def test_the_proxy_gets_host_and_port_of_the_store(url: str, address: str) -> None:
    assert host_options.influx(resolved({"influxdb_url": url, "groups": {}}))["address"] == address


@pytest.mark.parametrize(
    "url", ["store:8086", "https://", "https://store:x", "https://a%40b", "https://a b", "ftp://a"]
)
def test_what_is_no_address_of_the_store_is_refused(url: str) -> None:
    assert "it has to be https://HOST:PORT" in safe_url.fault(url)


class Untold(dict[str, Any]):
    """A host's variables, of which one cannot be worked out."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, AnsibleError):
            raise value
        return value


def test_a_value_of_the_wrong_type_is_refused() -> None:
    known: dict[str, dict[str, Any]] = {"redis_port": {"type": "int"}, "redis_rotate": {"type": "raw"}}
    assert type_faults({"redis_port": "6379", "redis_rotate": [1], "other": 1}, known) == []
    assert type_faults({"redis_port": "many"}, known) == ["redis_port is 'many'; it has to be a whole number"]
    assert type_faults({"redis_port": None}, known) == []


def test_a_value_that_needs_what_is_not_configured_is_refused() -> None:
    known: dict[str, dict[str, Any]] = {"redis_port": {"type": "int"}, "redis_maxclients": {"type": "int"}}
    lost = Untold(redis_port=AnsibleError("'nothing' is undefined"))
    assert type_faults(lost, known) == ["redis_port cannot be worked out: 'nothing' is undefined"]
    waits = Untold(redis_port=AnsibleError("'redis_maxclients' is undefined"))
    assert type_faults(waits, known) == []


def test_a_missing_bundle_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="`make bundle` builds one"):
        read_bundle(tmp_path)
    written(tmp_path, bundle(tmp_path))
    assert bundle_checks.faults(tmp_path) == []
    (tmp_path / "python3.11.tar.gz").unlink()
    assert bundle_checks.faults(tmp_path) == [f"{tmp_path}/python3.11.tar.gz is missing; `make bundle` builds it"]


@pytest.mark.parametrize(
    ("config", "acl", "reported"),
    [
        (None, None, ""),
        ({"port": 0}, {"open": False}, ""),
        ({"port": 6379}, {"open": False}, "Redis: any user of the host can take its connections through port 6379"),
        ({"port": 0}, {"open": True}, "Redis: events are taken without a password"),
    ],
)
def test_the_report_says_what_others_on_the_host_can_use(config: Any, acl: Any, reported: str) -> None:
    assert report.open_redis(config, acl) == reported
