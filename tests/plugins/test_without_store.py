"""A store that is refused, away or without an address stops the hosts that need it in this run, and no others."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from plugins.action import seclyzer_fleet as fleet
from plugins.action import seclyzer_preflight as preflight
from plugins.module_utils import launcher, machine, store_way
from plugins.module_utils.layout import Layout
from plugins.plugin_utils.host_checks import needs_store
from tests.helpers import ROOT
from tests.plugins import hosts as hosts_of_tests
from tests.plugins.hosts import MANIFEST

URL = "https://store:8086"
NO_ADDRESS = "the store's name store has no address here, and {}; influxdb_url can name another"
ABOUT: dict[str, Any] = hosts_of_tests.ABOUT | {
    "time": 0.0,
    "free_state": 1 << 30,
    "spooled": 0,
    "memory": 1 << 30,
    "write_token": True,
    "addresses": {"store": []},
    "listening": {},
    "existing": {"redis": {}, "influxdb": {}, "our_redis": [], "our_influxdb": False, "older": [], "units": []},
    "command": {},
}
STATUS: dict[str, Any] = {"host": ABOUT, "running": {}, "releases": [], "store": URL, "previous": None, "rollout": ""}


def look(monkeypatch: pytest.MonkeyPatch, group: str = "seclyzer_edge", **change: Any) -> dict[str, Any]:
    """What preflight says of a host that reports this of itself, or has these options."""
    about = {name: change.pop(name) for name in list(change) if name in ABOUT}
    store = change.pop("needed", True)
    status = STATUS | {name: change.pop(name) for name in list(change) if name in STATUS} | {"host": ABOUT | about}
    facts: dict[str, Any] = {
        "inventory_hostname": "host",
        "group_names": [group],
        "groups": {"seclyzer_store": ["store"]},
    }
    facts |= {"ansible_facts": {}} | change
    made = object.__new__(preflight.ActionModule)
    loader = DataLoader()
    made._loader, made._templar = loader, Templar(loader=loader, variables=facts)
    system = {"distribution": "Debian", "distribution_major_version": "12", "os_family": "Debian"}
    monkeypatch.setattr(preflight, "read_bundle", lambda _: type("Bundle", (), {"manifest": MANIFEST}))
    monkeypatch.setattr(preflight.ActionModule, "ask", lambda *_: status)
    monkeypatch.setattr(preflight.ActionModule, "_system", lambda *_: system)
    monkeypatch.setattr(launcher, "is_current", lambda *_: True)
    return made._host(facts, "build/bundle", store)


def test_a_name_without_an_address_refuses_no_edge_that_goes_on_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch)
    assert (found["refused"], found["needs_store"], found["nameless"]) == ([], "", "store")
    found = look(monkeypatch, addresses={"store": ["10.0.0.1"]})
    assert (found["refused"], found["nameless"]) == ([], "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"write_token": False}, "it has no token yet"),
        ({"store": ""}, f"it does not write to {URL} yet"),
        ({"store": "https://other:8086"}, f"it does not write to {URL} yet"),
        ({"influxdb_rotate": True}, "influxdb_rotate asks for a new token"),
        (
            {"influxdb_url": URL, "influxdb_token_file": "x"},
            "the token of influxdb_token_file is tried there in each run",
        ),
    ],
)
def test_a_name_without_an_address_refuses_an_edge_that_needs_the_store(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], why: str
) -> None:
    assert look(monkeypatch, **change)["refused"] == [NO_ADDRESS.format(why)]
    assert look(monkeypatch, **change, needed=False)["refused"] == []


def test_a_store_that_does_not_know_its_own_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, group="seclyzer_store", influxdb_store_host="store")
    assert found["refused"] == [NO_ADDRESS.format("it is a store")]


def test_preflight_refuses_a_host_without_memory_for_what_is_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "its memory has 10 MiB left, the programs of the release need {} MiB"
    assert look(monkeypatch, memory=10 << 20)["refused"] == [words.format(77)]
    assert look(monkeypatch, memory=10 << 20, seclyzer_mode="python")["refused"] == [words.format(137)]
    known = {"addresses": {"store": ["10.0.0.1"]}}
    assert look(monkeypatch, "seclyzer_store", memory=10 << 20, **known)["refused"] == [words.format(32)]


def test_an_address_is_the_same_with_and_without_a_slash_at_its_end() -> None:
    assert needs_store(STATUS | {"store": f"{URL}/"}, {"url": URL}, False, False) == ""


def test_a_token_is_one_that_root_alone_could_have_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Any
) -> None:
    token = tmp_path / "token"
    monkeypatch.setattr(store_way, "TOKEN", token)
    layout = Layout(tmp_path / "base", tmp_path / "units")
    assert machine.describe(layout, [], [], [])["write_token"] is False
    token.write_text("secret\n")
    assert machine.describe(layout, [], [], [])["write_token"] is True
    token.unlink()
    token.symlink_to("/etc/hostname")
    assert machine.describe(layout, [], [], [])["write_token"] is False


def hosts(**of_host: dict[str, Any]) -> dict[str, Any]:
    names = list(of_host)
    groups = {"seclyzer_store": ["store"], "seclyzer_edge": [name for name in names if name != "store"]}
    return {
        "hostvars": of_host, "ansible_play_hosts_all": names, "ansible_play_hosts": names, "groups": groups,
    }  # fmt: skip


def seen(needs: str, **more: Any) -> dict[str, Any]:
    return {"__seclyzer_host": {"running": {}, "refused": [], "needs_store": needs, "nameless": ""} | more}


FULL = seen("it is a store", refused=["/opt/seclyzer has 3 MiB left"])


def test_the_edges_of_a_refused_store_go_on_when_they_have_a_token() -> None:
    fleet_of = hosts(edge1=seen(""), edge2=seen("it has no token yet"), edge3=seen(""), store=FULL)
    found = fleet._chosen(fleet_of, spare=True)
    assert (found["go"], found["edges"], found["stores"]) == (["edge1", "edge3"], ["edge1", "edge3"], [])
    assert found["refused"] == {
        "store": ["/opt/seclyzer has 3 MiB left"],
        "edge2": ["its store store was refused, so this host was not started: it has no token yet"],
    }
    assert found["general"] == [
        "store was refused, and these of its edges go on, which need nothing of it in this run: edge1, edge3"
    ]


def test_a_run_that_makes_secrets_anew_leaves_the_edges_of_a_refused_store_alone() -> None:
    found = fleet._chosen(hosts(edge1=seen(""), store=FULL))
    assert (found["go"], found["general"]) == ([], [])
    assert found["refused"]["edge1"] == ["its store store was refused, so this host was not started"]


def test_an_edge_that_is_refused_itself_or_away_goes_on_by_no_token() -> None:
    full = seen("", refused=["/opt/seclyzer has 3 MiB left"])
    found = fleet._chosen(hosts(edge1=full, edge2={"__seclyzer_host": {"unreachable": True}}, store=FULL), spare=True)
    assert found["go"] == found["general"] == []


def test_edges_that_cannot_reach_a_store_on_its_own_loopback_end_the_run_at_its_first_look(tmp_path: Path) -> None:
    groups = {"seclyzer_edge": {"hosts": {"edge1": None}}, "seclyzer_store": {"hosts": {"its-store": None}}}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": {"influxdb_tls": False}, "children": groups}}))
    program = str(Path(sys.executable).parent / "ansible-playbook")
    command = [program, "-i", str(inventory), "site.yml", "--check", "-e", "mode=rust"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "influxdb_tls is false, so the gateway of its-store answers on its own loopback only" in done.stdout
    assert "Read what the host is and runs" not in done.stdout, "no host is asked"


def test_the_report_names_the_hosts_on_which_the_store_has_no_address() -> None:
    away = seen("", nameless="store")
    found = fleet._chosen(hosts(edge1=away, edge2=seen(""), edge3=away, store=seen("it is a store")), spare=True)
    assert found["general"] == [
        "the store's name store has no address on edge1, edge3: each goes on with its token and keeps its points"
    ]


@pytest.mark.parametrize(
    ("known", "away"),
    [
        ({}, False),
        ({"__influxdb_access": {"token_state": "kept"}}, True),
        ({"__influxdb_access": {"token_state": "good"}}, False),
        ({"__influxdb_access": {"skipped": True}}, False),
        ({"__seclyzer_host": {"nameless": "store"}}, True),
        ({"__seclyzer_host": {"nameless": ""}}, False),
        ({"__seclyzer_host": {"nameless": "store"}, "__influxdb_access": {"token_state": "good"}}, False),
    ],
)
def test_programs_may_miss_a_store_only_when_it_was_away_and_the_host_keeps_its_token(
    known: dict[str, Any], away: bool
) -> None:
    plays = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text())
    stages = next(play for play in plays if play.get("name", "").startswith("Stage the deployment"))
    text = trust_as_template(stages["vars"]["__seclyzer_store_away"])
    variables = {"__seclyzer_host": {}} | known
    assert Templar(DataLoader(), variables=variables).template(text) is away


def test_a_refused_store_issues_no_token(tmp_path: Path) -> None:
    role = {"name": str(ROOT / "roles" / "influxdb"), "tasks_from": "issue"}
    known = {
        "__influxdb_store_refused": True,
        "__influxdb_access": {"token_state": "missing", "host": "edge1"},
        "influxdb_store_host": "its-store",
    }
    task = {"ansible.builtin.import_role": role, "vars": known}
    path = tmp_path / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "its-store,", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    words = (
        "this host needs another token (the one it has is missing), and its store its-store, which would issue it, was"
    )
    assert done.returncode != 0 and words in done.stdout + done.stderr
    assert "Create the token on the store" not in done.stdout
