"""Names and types of what inventories and command lines say."""

import pytest

from plugins.module_utils.variables import fault, inputs, options, unknown

KNOWN = options(
    [
        {"argument_specs": {"main": {"options": {"redis_port": {"type": "int"}, "redis_maxclients": {"type": "int"}}}}},
        {"argument_specs": {"edge_token": {"options": {"influxdb_org": {"type": "str"}}}, "bare": {}}},
        {},
    ]
)


def test_options_of_all_entry_points_are_known() -> None:
    assert set(KNOWN) == {"redis_port", "redis_maxclients", "influxdb_org"}


def test_an_unknown_name_with_a_roles_prefix_is_reported_with_its_neighbour() -> None:
    assert unknown(["redis_maxclient", "seclyzer_frobnicate"], KNOWN) == [
        "there is no option redis_maxclient; is redis_maxclients meant?",
        "there is no option seclyzer_frobnicate",
    ]


def test_names_of_others_and_internal_ones_pass() -> None:
    assert unknown(["ansible_host", "mode", "__redis_acl", "redis_port", "my_redis_port"], KNOWN) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("64", "int"),
        (64, "int"),
        (-1, "int"),
        ("yes", "bool"),
        (False, "bool"),
        ("text", "str"),
        (1.3, "str"),
        ({"a": 1}, "dict"),
        ([], "list"),
        ([1], "raw"),
    ],
)
def test_what_fits_is_taken(value: object, kind: str) -> None:
    assert fault("redis_port", value, {"type": kind}) == ""


@pytest.mark.parametrize(
    ("value", "kind", "reported"),
    [
        ("many", "int", "redis_port is 'many'; it has to be a whole number"),
        (1.5, "int", "redis_port is 1.5; it has to be a whole number"),
        (True, "int", "redis_port is True; it has to be a whole number"),
        ([1], "int", "redis_port is a list; it has to be a whole number"),
        ({"a": 1}, "str", "redis_port is a mapping; it has to be text"),
        ("perhaps", "bool", "redis_port is 'perhaps'; it has to be true or false"),
        (2, "bool", "redis_port is 2; it has to be true or false"),
        (True, "str", "redis_port is True; it has to be text"),
        (
            "10.0.0.0/8",
            "list",
            "redis_port is '10.0.0.0/8'; it has to be a list; with -e it is written as JSON: -e '{\"redis_port\": …}'",
        ),
        (["a"], "dict", "redis_port is a list; it has to be a mapping"),
    ],
)
def test_what_does_not_is_reported_with_what_would(value: object, kind: str, reported: str) -> None:
    assert fault("redis_port", value, {"type": kind}) == reported


def test_a_choice_is_one_of_those_that_there_are() -> None:
    option = {"type": "str", "choices": ["1.2", "1.3"]}
    assert fault("tls", 1.3, option) == ""
    assert fault("tls", "1.1", option) == "tls is '1.1'; it has to be one of 1.2, 1.3"


def test_each_entry_of_a_list_is_a_choice() -> None:
    option = {"type": "list", "choices": ["edge", "store"]}
    assert fault("seclyzer_agent_roles", ["edge", "store"], option) == ""
    assert fault("seclyzer_agent_roles", ["edge", "shop"], option).endswith("one of edge, store")


def test_a_mapping_with_known_entries_has_no_others() -> None:
    option = {"type": "dict", "options": {"mouse": {"type": "int"}, "keystroke": {"type": "int"}}}
    assert fault("least", {"mouse": 3}, option) == ""
    assert fault("least", {"app": 3}, option) == "least has no app; it may have mouse, keystroke"
    assert fault("least", {"mouse": "x"}, option) == "least.mouse is 'x'; it has to be a whole number"


def test_what_the_playbook_sets_is_refused_elsewhere() -> None:
    known = {"redis_port": {"type": "int", "default": 0}, "seclyzer_agent_release": {"type": "str", "required": True}}
    assert inputs(["redis_port", "seclyzer_agent_release"], known) == [
        "seclyzer_agent_release is set by the playbook, which takes no other value; leave it out"
    ]
