"""Names and types of what inventories and command lines say."""

import pytest

from plugins.module_utils.variables import options, shape, unknown

KNOWN = options(
    [
        {"argument_specs": {"main": {"options": {"redis_port": {"type": "int"}, "redis_maxclients": {"type": "int"}}}}},
        {"argument_specs": {"edge_token": {"options": {"influxdb_org": {"type": "str"}}}, "bare": {}}},
        {},
    ]
)


def test_options_of_all_entry_points_are_known() -> None:
    assert set(KNOWN) == {"redis_port", "redis_maxclients", "influxdb_org"}


def test_an_unknown_name_with_a_roles_prefix_is_said_with_its_neighbour() -> None:
    assert unknown(["redis_maxclient", "seclyzer_frobnicate"], KNOWN) == [
        "there is no option redis_maxclient; is redis_maxclients meant?",
        "there is no option seclyzer_frobnicate",
    ]


def test_names_of_others_and_internal_ones_pass() -> None:
    assert unknown(["ansible_host", "mode", "__redis_acl", "redis_port", "my_redis_port"], KNOWN) == []


@pytest.mark.parametrize(
    ("value", "kind", "wrong"),
    [
        ({"a": 1}, "str", True),
        ([1], "int", True),
        (True, "int", True),
        ("64", "int", False),
        (64, "int", False),
        ("yes", "bool", False),
        ({"a": 1}, "dict", False),
        ([1], "raw", False),
    ],
)
def test_a_mapping_is_no_text_and_a_yes_is_no_number(value: object, kind: str, wrong: bool) -> None:
    assert bool(shape("redis_port", value, {"type": kind})) is wrong
