"""Molecule runs the playbooks under the settings of ansible.cfg, though it reads none of them from there."""

import configparser
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
# How much is shown, and what the scenario chooses itself, may differ.
FREE = {"inventory", "stdout_callback", "callback_result_format", "display_skipped_hosts", "display_ok_hosts", "nocows",
        "retry_files_enabled"}  # fmt: skip


def rows() -> list[tuple[str, str, str]]:
    """Every setting of ansible.cfg that a play depends on: section, name, value."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "ansible.cfg")
    return [
        (section, name, value)
        for section in ("defaults", "ssh_connection")
        for name, value in parser[section].items()
        if name not in FREE
    ]


@pytest.mark.parametrize(("section", "name", "value"), rows())
def test_molecule_says_what_ansible_cfg_says(section: str, name: str, value: str) -> None:
    settings: Any = yaml.safe_load((ROOT / ".config/molecule/config.yml").read_text())
    found = settings["ansible"]["cfg"][section][name]
    reported = str(found).removeprefix("${MOLECULE_PROJECT_DIRECTORY}/")
    assert reported.lower() == value.lower()


@pytest.mark.parametrize(
    ("name", "lab"), [("default", "molecule"), ("long", "molecule"), ("systems", "testing"), ("stores", "stores")]
)
def test_a_scenario_uses_the_inventory_of_its_own_hosts(name: str, lab: str) -> None:
    scenario: Any = yaml.safe_load((ROOT / f"molecule/{name}/molecule.yml").read_text())
    words = scenario["ansible"]["executor"]["args"]["ansible_playbook"]
    assert f"--inventory=${{MOLECULE_PROJECT_DIRECTORY}}/inventories/{lab}" in words
