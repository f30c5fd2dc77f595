"""What a rotation is asked for, and what is reported of it."""

from typing import Any

import pytest

from plugins.action import seclyzer_rotation as action
from plugins.module_utils import rotation
from plugins.module_utils.layout import Refused
from plugins.module_utils.rotation import Seen


@pytest.mark.parametrize(
    ("wish", "subjects"),
    [
        ("redis", {"redis"}),
        ("redis, store", {"redis", "store"}),
        (["store", "certificates"], {"store", "certificates"}),
        ("all", {"redis", "store", "certificates"}),
        ("finish", {"finish"}),
    ],
)
def test_what_is_rotated_is_named_by_one_variable(wish: object, subjects: set[str]) -> None:
    assert {name for name, is_chosen in rotation.chosen(wish).items() if is_chosen} == subjects


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("", "nothing to rotate: rotate names what to rotate, some of redis, store and certificates, or all"),
        (None, "nothing to rotate"),
        ("redis,influx", "rotate is influx: rotate names"),
        ("redis,finish", "run it by itself, once everybody has what is new"),
        ("all,finish", "run it by itself"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_what_is_allowed(wish: object, why: str) -> None:
    with pytest.raises(Refused, match=why):
        rotation.chosen(wish)


def test_the_report_names_what_was_done_and_what_is_left_to_do() -> None:
    open_ = {"collector": {"since": 0, "older": 2}, "consumer": {"since": 60, "older": 0}}
    acl = {"users_changed": ["collector", "keystroke"]}
    ended = {"overlapping": open_, "finished": ["keystroke"], "closed": 0}
    edge = Seen("edge1", acl=acl, ended=ended, units={"restarted": ["keystroke", "agent"]}, token=True)
    store = Seen("store", gateway={"done": ["a token made"], "reader_overlaps": True}, notes=["it expires"])
    assert rotation.lines([edge, store], False) == [
        "2 hosts: 0 hosts with trouble",
        "Redis: new passwords of collector, keystroke: edge1",
        "Redis: former passwords of keystroke ended: edge1",
        "store: a new token of the edge, the former one ended: edge1",
        "restarted one after the other: keystroke, agent: edge1",
        "store: a token made: store",
        "it expires: store",
        "to do  hand out /etc/seclyzer/credentials/redis-collector of edge1 to who logs in as collector; beside it the "
        "one from before 1970-01-01 00:00Z is valid. Connections that have not logged in since: edge1 (2)",
        "to do  hand out /etc/seclyzer/credentials/redis-consumer of edge1 to who logs in as consumer; beside it the "
        "one from before 1970-01-01 00:01Z is valid",
        "to do  hand out /etc/seclyzer/credentials/influx-read-token of store to who queries; the former one is valid "
        "beside it",
        "to do  then end the former ones: ansible-playbook playbooks/rotate.yml -e rotate=finish",
    ]


def test_a_host_in_trouble_is_named_with_its_cause_and_the_same_command_goes_on() -> None:
    hosts = [
        Seen("a", failed="passwords and tokens: keystroke is not well"),
        Seen("b", refused=["it is another's"]),
        Seen("c", lost=True),
        Seen("d"),
    ]
    assert rotation.lines(hosts, False) == [
        "4 hosts: 3 hosts with trouble",
        "a  NOT ROTATED: passwords and tokens: keystroke is not well",
        "b  NOT ROTATED: it is another's",
        "c  NOT REACHED: it was not reached",
        "nothing to do: d",
        "to do  mend that and run the same again: it goes on where this ended, and former credentials stay valid",
    ]


@pytest.mark.parametrize("later", [{"skipped": True, "changed": False}, {"restarted": ["app", "agent"]}])
def test_what_was_restarted_for_the_ca_and_for_secrets_is_reported_once_each(later: dict[str, Any]) -> None:
    of_host = {"__seclyzer_by_ca": {"restarted": ["agent"]}, "__seclyzer_credentials": later}
    seen = action._seen("edge1", {"hostvars": {"edge1": of_host}, "ansible_play_hosts": ["edge1"]})
    words = ", ".join(dict.fromkeys(["agent", *later.get("restarted", [])]))
    assert rotation.lines([seen], check=False)[1:] == [f"restarted one after the other: {words}: edge1"]
