"""What roles and modules say of themselves is what they do."""

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from plugins.module_utils import variables

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
NAMES = [role.name for role in ROLES]
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
FAIL_MSG = re.compile(r"fail_msg: .*?\n    quiet", re.DOTALL)
TRUTH = re.compile(r'( \| default\(\w+\))? \| bool| ?\}\}"?$')
"""After a switch: converted to a truth value, or handed to a module that converts it."""


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def options(role: Path) -> dict[str, dict[str, Any]]:
    """Of all entry points, which agree about an option that several have."""
    return variables.options([read(role / "meta" / "argument_specs.yml")])


def texts(role: Path) -> list[str]:
    files = [path for part in ("tasks", "templates", "vars", "handlers") for path in (role / part).glob("*")]
    return [path.read_text() for path in files]


def test_all_roles_are_looked_at() -> None:
    assert NAMES == [
        "influxdb",
        "influxdb_gateway",
        "redis",
        "seclyzer_agent",
        "seclyzer_extractors",
        "seclyzer_release",
    ]


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_default_is_an_option_and_says_the_same(role: Path) -> None:
    defaults, reported = read(role / "defaults" / "main.yml"), options(role)
    assert [name for name in defaults if name not in reported] == []
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert {name: reported[name].get("default") for name in plain} == plain
    assert [name for name in reported if "default" in reported[name] and name not in defaults] == []


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_option_is_described_and_used(role: Path) -> None:
    reported = options(role)
    assert [name for name in reported if not reported[name].get("description") or not reported[name].get("type")] == []
    everywhere = "".join(text for one in ROLES for text in texts(one))
    if (
        role.name == "seclyzer_extractors"
    ):  # its templates go by the schema: test_schema holds each setting against an option
        settings = json.loads((ROOT / "extractors" / "schema" / "settings.json").read_text())["settings"]
        everywhere += "".join(f"seclyzer_extractors_{setting['key']} " for setting in settings)
    actions = "".join(path.read_text() for path in (ROOT / "plugins" / "action").glob("*.py"))
    playbooks = "".join((ROOT / "playbooks" / name).read_text() for name in ("site.yml", "rollback.yml"))
    assert [name for name in reported if name not in everywhere + actions + playbooks] == []


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_yes_or_no_given_by_e_is_no_text(role: Path) -> None:
    """`-e option=false` is the text `false`, which Jinja takes for true unless it is converted."""
    switches = [name for name, option in options(role).items() if option["type"] == "bool"]
    for text in (text for one in ROLES for text in texts(one)):
        for name in switches:
            uses = re.findall(rf"\b{name}\b(?!:)([^\n]*)", FAIL_MSG.sub("", text))
            assert [use for use in uses if not TRUTH.match(use)] == []


def fragments(names: list[str]) -> dict[str, Any]:
    """The options of documentation fragments, by their names in `extends_documentation_fragment`."""
    found: dict[str, Any] = {}
    for name in names:
        _, _, stem, *section = name.split(".")
        reported = getattr(
            importlib.import_module(f"plugins.doc_fragments.{stem}").ModuleDocFragment,
            *map(str.upper, section or ["documentation"]),
        )
        found |= yaml.safe_load(reported)["options"]
    return found


class Asked(Exception):
    """Raised in the place of running a module, with what it accepts."""


@pytest.mark.parametrize("path", MODULES, ids=[path.stem for path in MODULES])
def test_every_module_tells_its_options_with_their_defaults(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"plugins.modules.{path.stem}")
    reported = yaml.safe_load(module.DOCUMENTATION)
    assert reported["module"] == path.stem
    assert reported["short_description"] and module.EXAMPLES.strip() and module.RETURN.strip()
    says = fragments(reported.get("extends_documentation_fragment", [])) | reported.get("options", {})
    assert plain(says) == plain(accepted(module, path.stem, monkeypatch))


def plain(options: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, Any]]:
    return {name: (one["type"], one.get("default")) for name, one in options.items()}


def accepted(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The argument specification of a module; that of the action of its name when the action does all the work."""
    if not hasattr(module, "AnsibleModule"):
        options: dict[str, Any] = importlib.import_module(f"plugins.action.{name}").ActionModule.OPTIONS
        return options

    def ask(argument_spec: dict[str, Any], **_: object) -> None:
        raise Asked(argument_spec)

    monkeypatch.setattr(module, "AnsibleModule", ask)
    with pytest.raises(Asked) as asked:
        module.main()
    found: dict[str, Any] = asked.value.args[0]
    return found
