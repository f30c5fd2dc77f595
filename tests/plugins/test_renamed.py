"""Old names of options work for one release: with a warning, with their old values, and never beside the new name."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils import renamed, variables
from plugins.module_utils.renamed import RENAMED

ROOT = Path(__file__).resolve().parents[2]
KNOWN = variables.options(yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
OLD_VALUES: dict[str, Any] = {"int": 96, "bool": True, "str": "each_host"}
NEW_VALUES = {
    "redis_data_memory_max": "96M",
    "redis_memory_max": "96M",
    "redis_output_buffer_memory_max": "96M",
    "redis_cpu_quota": "96%",
    "influxdb_memory_max": "96M",
    "influxdb_rotate": True,
    "influxdb_gateway_memory_max": "96M",
    "influxdb_gateway_series_memory_max": "96M",
    "seclyzer_release_return": "each_host",
}


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_the_new_option_with_its_value_and_warns(old: str) -> None:
    new = RENAMED[old]
    values = {old: OLD_VALUES[new.kind]}
    assert renamed.converted(values) == {new.name: NEW_VALUES[new.name]}
    assert renamed.warnings(values) == [f"{old} is called {new.name} now; the next release does not accept {old}"]
    assert variables.fault(new.name, NEW_VALUES[new.name], KNOWN[new.name]) == ""


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_no_option_any_more_and_is_known(old: str) -> None:
    assert old not in KNOWN
    assert variables.unknown([old], KNOWN | renamed.options()) == []
    assert variables.unknown([f"{old}s"], KNOWN | renamed.options()) != []


def test_both_names_of_an_option_are_refused() -> None:
    assert renamed.conflicts({"redis_memory_max_mb": 256, "redis_memory_max": "256M"}) == [
        "redis_memory_max_mb is the old name of redis_memory_max, and both are set; leave redis_memory_max_mb out"
    ]


def test_options_of_one_kind_have_names_of_one_style() -> None:
    other = re.compile(r"_(mb|kb|gb|percent|cpus?|secs?|timeout|rotate_\w+|memory|quota(?<!cpu_quota))$")
    assert [name for name in KNOWN if other.search(name)] == []
    sizes = {name for name in KNOWN if name.endswith("_memory_max")}
    assert {KNOWN[name]["type"] for name in sizes} <= {"str", "dict"}
    assert {KNOWN[name]["type"] for name in KNOWN if name.endswith("_cpu_quota")} == {"str"}


@pytest.mark.parametrize("document", ["CHANGELOG.md", "docs/migration.md"])
def test_the_table_is_in_the_documents(document: str) -> None:
    text = (ROOT / document).read_text()
    assert [(old, new.name) for old, new in RENAMED.items() if f"| `{old}` | `{new.name}` |" not in text] == []


def test_a_playbook_takes_all_old_names_and_warns_of_each(tmp_path: Path) -> None:
    """By Ansible itself, with the tasks that site.yml and rollback.yml begin with."""
    (tmp_path / "play.yml").write_text(
        f"""
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.import_tasks: {ROOT}/playbooks/tasks/renamed.yml
    - ansible.builtin.copy:
        content: "{{{{ dict({list(NEW_VALUES)} | zip({list(NEW_VALUES)} | map('extract', vars))) | to_json }}}}"
        dest: {tmp_path}/found.json
"""
    )
    (tmp_path / "old.json").write_text(json.dumps({old: OLD_VALUES[new.kind] for old, new in RENAMED.items()}))
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", str(tmp_path / "play.yml"), "-e", f"@{tmp_path}/old.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "found.json").read_text()) == NEW_VALUES
    reported = " ".join((done.stdout + done.stderr).split())
    assert [old for old, new in RENAMED.items() if f"{old} is called {new.name} now" not in reported] == []
