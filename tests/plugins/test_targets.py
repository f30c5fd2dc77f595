"""playbooks/prometheus.yml writes where Prometheus finds the agents: all that it can reach, and names the others."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.lookup.targets import found
from tests.helpers import ROOT

LISTEN = "127.0.0.1:9484"
GROUPS = {"seclyzer_edge": ["edge2", "edge1"], "seclyzer_store": ["store", "edge1"], "others": ["mail"]}


def targets(hosts: dict[str, dict[str, Any]], runs_on: str = "") -> dict[str, tuple[str, str, str]]:
    """Scheme, address and role of each host that is reached."""
    names = {name for members in GROUPS.values() for name in members}
    made = found(GROUPS, {name: hosts.get(name, {}) for name in names}, runs_on, LISTEN)["targets"]
    labels = [one["labels"] for one in made]
    assert [label["instance"] for label in labels] == sorted(label["instance"] for label in labels)
    return {
        label["instance"]: (label["__scheme__"], one["targets"][0], label["role"])
        for label, one in zip(labels, made, strict=True)
    }


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"seclyzer_agent_web_listen": "192.0.2.7:9485"}, "192.0.2.7:9485"),
        ({"seclyzer_agent_web_listen": "0.0.0.0:9485"}, "edge1:9485"),
        ({"seclyzer_agent_web_listen": "0.0.0.0:9485", "ansible_host": "192.0.2.8"}, "192.0.2.8:9485"),
        ({"seclyzer_agent_web_listen": "[::]:9485", "ansible_host": "2001:db8::1"}, "[2001:db8::1]:9485"),
        ({"seclyzer_agent_web_listen": "[2001:db8::2]:9485"}, "[2001:db8::2]:9485"),
    ],
)
def test_an_agent_with_an_address_is_reached_there_by_tls(variables: dict[str, str], address: str) -> None:
    assert targets({"edge1": variables}) == {"edge1": ("https", address, "edge_store")}


def test_an_agent_on_the_loopback_is_reached_on_the_host_of_prometheus_only() -> None:
    assert targets({}) == {}
    assert targets({}, runs_on="store") == {"store": ("http", LISTEN, "store")}
    there = {"edge2": {"seclyzer_agent_listen": "127.0.0.1:19484"}}
    assert targets(there, runs_on="edge2") == {"edge2": ("http", "127.0.0.1:19484", "edge")}
    here = {"edge1": {"ansible_connection": "local"}}
    assert targets(here) == {"edge1": ("http", LISTEN, "edge_store")}
    assert targets(here, runs_on="store") == {"store": ("http", LISTEN, "store")}


def test_who_is_left_out_is_named_and_hosts_of_others_are_no_targets() -> None:
    made = found(
        GROUPS, {"edge1": {"seclyzer_agent_web_listen": "192.0.2.7:9485"}, "edge2": {}, "store": {}}, "", LISTEN
    )
    assert [one["labels"]["instance"] for one in made["targets"]] == ["edge1"]
    assert made["left_out"] == ["edge2", "store"]


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Three hosts that do not exist, one of them without an address for Prometheus."""
    web = {"seclyzer_agent_web_listen": "0.0.0.0:9485"}
    hosts = {"edge1": {"ansible_host": "192.0.2.1", **web}, "edge2": {"ansible_host": "192.0.2.2"}}
    every = {
        "seclyzer_edge": {"hosts": hosts},
        "seclyzer_store": {"hosts": {"store": {"ansible_host": "192.0.2.3", **web}}},
        "all": {"vars": {"ansible_become": True, "ansible_user": "no-such-user"}},
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(every))
    return tmp_path / "hosts.yml"


def play(inventory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        str(inventory),
        "playbooks/prometheus.yml",
        *more,
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return subprocess.run(words, cwd=ROOT, env=clean | {"PWD": str(ROOT)}, capture_output=True, text=True, check=False)


def test_the_file_is_written_once_and_a_check_writes_nothing(inventory: Path, tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    checked = play(inventory, "--check", "--diff", "-e", f"targets_file={file}")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert '+            "192.0.2.1:9485"' in checked.stdout and not file.exists()
    written = play(inventory, "-e", f"targets_file={file}")
    assert "changed=1" in written.stdout, written.stdout + written.stderr
    assert f"2 agents are in {file}; left out" in " ".join(written.stdout.split())
    assert "of their hosts only: edge2." in " ".join(written.stdout.split())
    assert [one["targets"] for one in json.loads(file.read_text())] == [["192.0.2.1:9485"], ["192.0.2.3:9485"]]
    assert file.stat().st_mode & 0o777 == 0o644
    assert "changed=0" in play(inventory, "-e", f"targets_file={file}").stdout


def test_a_file_of_some_hosts_is_refused(inventory: Path, tmp_path: Path) -> None:
    done = play(inventory, "-e", f"targets_file={tmp_path / 'targets.json'}", "--limit", "edge1")
    assert done.returncode != 0 and not (tmp_path / "targets.json").exists()
    assert "playbooks/prometheus.yml writes a file of all hosts: leave --limit out." in done.stderr


def test_a_file_without_a_target_is_refused_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"seclyzer_edge": {"hosts": {"edge1": None}}}))
    done = play(tmp_path / "hosts.yml", "-e", f"targets_file={tmp_path / 'targets.json'}")
    assert done.returncode != 0 and not (tmp_path / "targets.json").exists()
    assert "Set seclyzer_agent_web_listen" in done.stdout + done.stderr


def test_on_the_host_of_prometheus_itself_its_own_agent_is_asked_on_the_loopback(
    inventory: Path, tmp_path: Path
) -> None:
    every = yaml.safe_load(inventory.read_text())
    every["seclyzer_edge"]["hosts"]["edge2"] = {"ansible_connection": "local", "ansible_become": False}
    inventory.write_text(yaml.safe_dump(every))
    file = tmp_path / "targets.json"
    done = play(inventory, "-e", "targets_host=edge2", "-e", f"targets_file={file}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "edge2" in done.stdout.rpartition("RECAP")[2] and "left out" not in done.stdout
    found = {one["labels"]["instance"]: one for one in json.loads(file.read_text())}
    assert found["edge2"]["targets"] == ["127.0.0.1:9484"] and found["edge2"]["labels"]["__scheme__"] == "http"
    assert found["edge1"]["labels"]["__scheme__"] == found["store"]["labels"]["__scheme__"] == "https"
