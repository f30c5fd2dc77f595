"""What a role needs is an option of it: it reads no variable of another role, of preflight or of the inventory."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils import variables

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
NAMES = [role.name for role in ROLES]
PREFIX = re.compile(r"(?<![\w./:'-])_*(?:redis|influxdb|seclyzer)_\w+")
COMMENT = re.compile(r"^\s*#.*$|\{#.*?#\}", re.MULTILINE)
RESULTS = {"__seclyzer_staged", "__seclyzer_switched", "__seclyzer_health"}
"""What the role seclyzer_release leaves for the report, and for its own next entry point."""
INPUTS = re.compile(r"\b(group_names|groups\[|hostvars)")
STORE = "seclyzer_store"  # the group, in the sentence that names it
EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|^\s*(?:when|that): .*$", re.MULTILINE | re.DOTALL)


def texts(role: Path) -> dict[str, str]:
    files = [
        path for part in ("tasks", "templates", "vars", "handlers", "defaults") for path in (role / part).rglob("*")
    ]
    return {str(path.relative_to(role)): COMMENT.sub("", path.read_text()) for path in files}


def own(role: Path) -> set[str]:
    """All names that belong to a role: its options, and what its files define."""
    names = set(variables.options([yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())]))
    for text in texts(role).values():
        names |= set(re.findall(r"^\s*(?:- )?(_*\w+):", text, re.MULTILINE))
        names |= set(re.findall(r"register: (\w+)", text))
    return names


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_role_reads_its_own_variables_only(role: Path) -> None:
    mine = own(role)
    foreign = {
        (name, word)
        for name, text in texts(role).items()
        for expression in EXPRESSION.findall(text)
        for word in PREFIX.findall(expression)
        if word not in mine and word not in RESULTS and word != STORE and not word.endswith("_")
    }
    assert foreign == set()


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_role_asks_the_inventory_for_nothing_but_the_stores_name(role: Path) -> None:
    found = {(name, word) for name, text in texts(role).items() for word in INPUTS.findall(text)}
    assert found <= {("defaults/main.yml", "groups[")}
    assert not found or role.name == "influxdb"


def described(option: dict[str, Any]) -> str:
    description = option["description"]
    return " ".join(" ".join([description] if isinstance(description, str) else description).split())


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_what_the_playbook_sets_is_required_of_it_and_described(role: Path) -> None:
    """A required option is an input, which preflight refuses in an inventory; any other may be left out."""
    options = variables.options([yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())])
    required = {name for name, option in options.items() if option.get("required")}
    assert required == {name for name, option in options.items() if described(option).endswith("The playbook sets it.")}
