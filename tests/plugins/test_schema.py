"""What roles and modules know of kinds and settings is what extractors/schema has."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils import kinds, layout, modes, state_versions, variables

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "extractors" / "schema"
ROLE = ROOT / "roles" / "seclyzer_extractors"
KINDS: list[dict[str, Any]] = json.loads((SCHEMA / "kinds.json").read_text())["kinds"]
SETTINGS: list[dict[str, Any]] = json.loads((SCHEMA / "settings.json").read_text())["settings"]

BY_ROLE = {
    "redis_url",
    "redis_username",
    "influx_url",
    "influx_socket",
    "influx_org",
    "influx_bucket",
    "influx_ca_file",
}
"""Settings that the role takes from its inputs."""
NO_OPTION = {"redis_host", "redis_port", "redis_password", "influx_token", "host", "state_dir"}
"""Settings that a unit has no use for: credentials and $STATE_DIRECTORY are systemd's to hand over."""
BY_KIND = {"min_events": "min_events", "buffer_events": "buffer_events", "device_id": "device_ids"}
"""Settings whose option is a mapping from the kind to the value."""
TYPES = {"whole": "int", "size_or_zero": "int", "seconds": "int", "flag": "bool"}

OPTIONS = variables.options([yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())])
PLAIN = [setting for setting in SETTINGS if setting["key"] not in BY_ROLE | NO_OPTION | BY_KIND.keys()]


def test_modules_know_the_kinds_of_the_schema() -> None:
    assert {kind["name"]: kind["program"] for kind in KINDS} == kinds.PROGRAMS
    assert tuple(f"{kind['unit']}.service" for kind in KINDS) == kinds.SERVICES
    features = json.loads((SCHEMA / "features.json").read_text())["kinds"]
    assert {kind["name"]: features[kind["name"]]["measurement"] for kind in KINDS} == kinds.MEASUREMENTS
    assert features.keys() == kinds.MEASUREMENTS.keys()
    assert set(kinds.SERVICES) < set(layout.UNITS)
    assert all(list(mode) == list(kinds.KINDS) for mode in modes.MODES.values())


@pytest.mark.parametrize("setting", PLAIN, ids=[setting["key"] for setting in PLAIN])
def test_a_setting_is_an_option_of_the_role_with_the_same_type_and_default(setting: dict[str, Any]) -> None:
    option = OPTIONS[f"seclyzer_extractors_{setting['key']}"]
    assert option["type"] == TYPES.get(setting["type"], "str")
    assert option["default"] == setting["default"]
    assert option.get("choices") == setting.get("choices")


@pytest.mark.parametrize("key", BY_KIND)
def test_a_setting_by_kind_is_a_mapping_from_kinds(key: str) -> None:
    option = OPTIONS[f"seclyzer_extractors_{BY_KIND[key]}"]
    assert (option["type"], option["default"]) == ("dict", {})
    assert set(option["options"]) <= set(kinds.KINDS)


def test_implementations_are_chosen_by_kind() -> None:
    release = yaml.safe_load((ROOT / "roles/seclyzer_release/meta/argument_specs.yml").read_text())
    chosen = [OPTIONS["seclyzer_extractors_implementations"], variables.options([release])["seclyzer_implementations"]]
    assert [list(option["options"]) for option in chosen] == [list(kinds.KINDS)] * 2


def test_the_files_of_a_host_are_of_the_version_of_the_spec() -> None:
    states = json.loads((SCHEMA / "state.json").read_text())["states"]
    assert {one["name"]: one["version"] for one in states}["host"] == state_versions.HOST
