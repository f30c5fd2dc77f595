"""What a role's README says of its options is what they are, and its example works."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils import variables
from plugins.module_utils.sandbox import BASE

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
NAMES = [role.name for role in ROLES]
ROW = re.compile(r"^\| (`(?:redis|influxdb|seclyzer)_[^|]*) \| ([^|]*) \|", re.MULTILINE)
EXAMPLE = re.compile(r"^```yaml\n(- hosts: .*?)^```", re.MULTILINE | re.DOTALL)
NO_HOST = {
    "seclyzer_extractors": ("__seclyzer_extractors_part", "seclyzer-keystroke.service", "keystroke.yaml"),
    "seclyzer_agent": ("__seclyzer_agent_part", "seclyzer-agent.service", "agent.yaml"),
}
"""Roles that only render, with what they leave."""
CHECKED = {
    "redis": "Start and enable Redis",
    "influxdb_gateway": "Update the gateway's credentials and check that it answers",
}
"""Roles whose example runs in check mode here, up to the task that needs systemd or the store's certificate."""
TASK = re.compile(r"^TASK \[\w+ : (.*)\] \*+$", re.MULTILINE)


def options(role: Path) -> dict[str, dict[str, Any]]:
    return variables.options([yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())])


def rows(role: Path) -> list[tuple[str, str]]:
    """Name and default of each row of the README's tables; `_suffix` stands for the first name's beginning with it."""
    found: list[tuple[str, str]] = []
    for names, defaults in ROW.findall((role / "README.md").read_text()):
        full: list[str] = []
        for name in re.findall(r"`(\w+)`", names):
            full.append(name if not name.startswith("_") else _whole(full[0], name, options(role)))
        values = (
            [value.strip().strip("`") for value in defaults.split(",")]
            if len(full) > 1
            else [defaults.strip().strip("`")]
        )
        found += zip(full, values if len(values) > 1 else values * len(full), strict=True)
    return found


def _whole(first: str, suffix: str, known: dict[str, Any]) -> str:
    """The option that begins like `first` and ends with `suffix`."""
    parts = first.split("_")
    tried = ["_".join(parts[:n]) + suffix for n in range(len(parts) - 1, 0, -1)]
    return next((name for name in tried if name in known), first + suffix)


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_table_of_options_names_those_that_there_are_with_their_defaults(role: Path) -> None:
    known = options(role)
    assert [name for name, _ in rows(role) if name not in known] == []
    wrong = {
        name: (says, known[name]["default"])
        for name, says in rows(role)
        if "default" in known[name] and says.lower() != str(known[name]["default"]).lower()
    }
    assert wrong == {}


def test_tables_are_read() -> None:
    counts = {role.name: len(rows(role)) for role in ROLES}
    assert counts["seclyzer_extractors"] > 15 and counts["seclyzer_release"] > 7 and counts["redis"] > 4


def example(role: Path) -> str:
    found = EXAMPLE.search((role / "README.md").read_text())
    assert found, f"{role.name} has no example"
    return found[1]


def run(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(text)
    (folder / "hosts").write_text("[seclyzer_edge]\nhere ansible_connection=local\n[seclyzer_store]\nhere\n")
    command = ["ansible-playbook", "-i", str(folder / "hosts"), str(folder / "play.yml"), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def ansible(folder: Path, text: str, *words: str) -> str:
    done = run(folder, text, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_the_example_names_all_that_the_role_requires(role: Path, tmp_path: Path) -> None:
    """Of the entry points that it uses; Ansible takes its syntax."""
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    plays = yaml.safe_load(example(role))
    uses = [(task["ansible.builtin.import_role"], task.get("vars", {})) for play in plays for task in play["tasks"]]
    for use, sets in uses:
        known = specs[use.get("tasks_from", "main")]["options"]
        assert [name for name, option in known.items() if option.get("required") and name not in sets] == []
        assert {
            name: variables.fault(name, sets[name], known[name]) for name in sets if "{{" not in str(sets[name])
        } == {name: "" for name in sets if "{{" not in str(sets[name])}
    assert role.name in {use["name"] for use, _ in uses}
    ansible(tmp_path, example(role), "--syntax-check")


@pytest.mark.parametrize("name", NO_HOST)
def test_a_role_that_renders_does_so_alone(name: str, tmp_path: Path) -> None:
    result, unit, config = NO_HOST[name]
    plays = yaml.safe_load(example(ROOT / "roles" / name))
    plays[0]["tasks"].append(
        {"ansible.builtin.copy": {"content": f"{{{{ {result} | to_json }}}}", "dest": f"{tmp_path}/part.json"}}
    )
    ansible(tmp_path, json.dumps(plays))
    part = json.loads((tmp_path / "part.json").read_text())
    assert [
        f"{key}={value}" for _, of in BASE for key, value in of if f"{key}={value}\n" not in part["units"][unit]
    ] == []
    assert yaml.safe_load(part["config"][config])["influx_url"] == "https://store.example.com:8086"


@pytest.mark.parametrize("name", CHECKED)
def test_a_role_that_installs_does_so_alone_as_far_as_check_mode_shows(name: str, tmp_path: Path) -> None:
    done = run(tmp_path, example(ROOT / "roles" / name), "--check")
    tasks = TASK.findall(done.stdout)
    assert CHECKED[name] in tasks, done.stdout + done.stderr
    assert done.returncode == 0 or tasks[-1] == CHECKED[name], done.stdout + done.stderr
