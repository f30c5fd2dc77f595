"""What operators run into on the controller: certificates beside the hosts, a checkout that all may write to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plugins.action import seclyzer_preflight as preflight

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
INVENTORY = "inventories/example"


def ansible(program: str, *words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / program), *words]
    return subprocess.run(
        command, cwd=cwd, env=CLEAN | {"PWD": str(cwd)}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", ["ca.crt", "ca.pem", "store.key"])
def test_a_certificate_beside_the_hosts_of_the_example_is_no_inventory(tmp_path: Path, name: str) -> None:
    copied = tmp_path / "fleet"
    shutil.copytree(ROOT / INVENTORY, copied)
    (copied / name).write_text("-----BEGIN CERTIFICATE-----\n")
    listed = ansible("ansible-inventory", "-i", str(copied), "--list")
    assert listed.returncode == 0, listed.stderr
    assert "store.example.com" in listed.stdout


def test_the_advice_of_the_example_names_the_file_beside_its_hosts(tmp_path: Path) -> None:
    copied = tmp_path / "fleet"
    shutil.copytree(ROOT / INVENTORY, copied)
    (copied / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    variables = copied / "group_vars" / "all.yml"
    variables.write_text(variables.read_text().replace("#   influxdb_ca_file:", "influxdb_ca_file:"))
    words = ["store.example.com", "-i", str(copied), "-c", "local", "-m", "ansible.builtin.debug"]
    reported = ansible("ansible", *words, "-a", "var=influxdb_ca_file")
    assert reported.returncode == 0, reported.stderr
    assert f"influxdb_ca_file: {copied}/ca.crt" in reported.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as Ansible reads."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("ansible.cfg", "site.yml", "rollback.yml"):
        shutil.copy(ROOT / name, folder)
    for name in ("playbooks", "roles", "plugins", "meta", "inventories/example"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "collections/ansible_collections/seclyzer").mkdir(parents=True)
    (folder / "collections/ansible_collections/seclyzer/edge").symlink_to("../../..")
    return folder


@pytest.mark.parametrize("playbook", ["site.yml", "rollback.yml"])
def test_a_checkout_that_everybody_may_write_to_ends_in_what_to_do(checkout: Path, playbook: str) -> None:
    checkout.chmod(0o777)
    ended = ansible("ansible-playbook", "-i", INVENTORY, playbook, cwd=checkout)
    assert ended.returncode == 4  # refused while it is loaded
    assert f"chmod o-w {checkout}" in " ".join(ended.stderr.split())
    checkout.chmod(0o755)
    listed = ansible("ansible-playbook", "-i", INVENTORY, playbook, "--list-tasks", cwd=checkout)
    assert listed.returncode == 0, listed.stderr
    assert "seclyzer_release : " in listed.stdout


@pytest.mark.parametrize("where", ["module_stderr", "msg"])
def test_a_sudo_that_wants_a_terminal_is_a_sentence(where: str) -> None:
    result: dict[str, Any] = {"failed": True, where: "sudo: sorry, you must have a tty to run sudo\n"}
    assert "requiretty" in preflight._no_terminal(result)["msg"]
    assert "ansible_pipelining: false" in preflight._no_terminal(result)["msg"]
    assert preflight._no_terminal({"failed": True, "msg": "another"}) == {}
