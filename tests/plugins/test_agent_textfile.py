"""With seclyzer_agent_textfile the agent has a folder for node_exporter and writes there; without it, neither."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import ROOT
from tests.plugins.test_role_readme import ansible, example

FILE = "/run/seclyzer-agent-metrics/seclyzer.prom"


def rendered(folder: Path, **options: Any) -> tuple[str, dict[str, Any]]:
    """The agent's unit and its configuration, by the example of the role and these options."""
    plays = yaml.safe_load(example(ROOT / "roles" / "seclyzer_agent"))
    plays[0]["tasks"][0]["vars"] |= options
    dump = {"content": "{{ __seclyzer_agent_part | to_json }}", "dest": f"{folder}/part.json"}
    plays[0]["tasks"].append({"ansible.builtin.copy": dump})
    ansible(folder, json.dumps(plays))
    part = json.loads((folder / "part.json").read_text())
    return part["units"]["seclyzer-agent.service"], yaml.safe_load(part["config"]["agent.yaml"])


def test_the_unit_makes_the_folder_that_the_file_is_in(tmp_path: Path) -> None:
    unit, config = rendered(tmp_path, seclyzer_agent_textfile=True)
    assert config["metrics_file"] == FILE
    assert "RuntimeDirectory=seclyzer-agent-metrics\nRuntimeDirectoryMode=0755\n" in unit
    verified = tmp_path / "seclyzer-agent.service"
    verified.write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", str(verified)], capture_output=True, text=True, check=False)
    assert "RuntimeDirectory" not in done.stderr


@pytest.mark.parametrize("given", [{}, {"seclyzer_agent_textfile": False}, {"seclyzer_agent_textfile": "no"}])
def test_without_it_an_agent_of_before_can_read_its_configuration(tmp_path: Path, given: dict[str, Any]) -> None:
    unit, config = rendered(tmp_path, **given)
    assert "metrics_file" not in config
    assert "RuntimeDirectory" not in unit
