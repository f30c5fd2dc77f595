"""The command that the report has for a host that needs an operator."""

import shlex

import pytest
from ansible import context

from plugins.action import seclyzer_report as report
from plugins.module_utils.fleet_entry import Entry
from plugins.module_utils.history import RETRY
from plugins.module_utils.lease import Lease

AGAIN = "with the same content again, -e retry=true beside it"


@pytest.mark.parametrize(
    ("cause", "more"),
    [
        ("the host returned by itself; the same content is refused there, unless " + RETRY, f"; {AGAIN}"),
        ("No space left on device", ""),
    ],
)
def test_what_failed_on_a_host_is_reported_with_how_to_try_the_same_again(
    cause: str, more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = {"inventory": ["inventories/lab"], "extra_vars": ["mode=rust", "other=x"]}
    monkeypatch.setattr(context, "CLIARGS", typed)
    one = Entry("edge1", "edge", "failed", at="the switch", cause=[cause])
    words = "mend that, then ansible-playbook -i inventories/lab site.yml -e mode=rust -e only=failed"
    assert report.command(one, "site.yml", ["mode"], {}) == words + more


@pytest.mark.parametrize(
    ("typed", "repeated"),
    [
        (["seclyzer_bundle=/srv/new"], ["-e", "seclyzer_bundle=/srv/new"]),
        (['{"seclyzer_release_batches": [1, "100%"]}'], ["-e", '{"seclyzer_release_batches": [1, "100%"]}']),
        (['{"seclyzer_release_batches": [1], "note": "x"}'], []),
        (["seclyzer_release_take_over=true", "note=x", "mode=rust note=x", "@vars.yml", "{not json"], []),
    ],
)
def test_hosts_that_are_left_over_are_given_the_release_and_the_options_of_the_run(
    typed: list[str], repeated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"inventory": ["inventories/lab"], "extra_vars": typed})
    words = report.command(Entry("edge1", "edge", "lost"), "site.yml", ["mode", "seclyzer_release_batches"], {})
    before = ["ansible-playbook", "-i", "inventories/lab", "site.yml"]
    assert words == "when it is back: " + shlex.join([*before, *repeated, "-e", "only=failed"])


@pytest.mark.parametrize("state", ["refused", "failed"])
def test_a_host_that_another_run_has_is_to_be_tried_when_that_run_has_ended(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"inventory": ["inventories/lab"], "extra_vars": []})
    taken = Lease(run="r1", by="anna@vm", since=0.0, deadline=900.0).sentence()
    one = Entry("edge1", "edge", state, at="the switch", cause=[f"a run goes on with all its hosts: {taken}"])
    words = report.command(one, "site.yml", ["mode"], {})
    assert words == "when that run has ended: ansible-playbook -i inventories/lab site.yml -e only=failed"
