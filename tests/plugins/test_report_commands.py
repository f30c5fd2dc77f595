"""The command that the report has for a host that needs an operator: the same run, on the hosts that are left."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible import context

from plugins.action import seclyzer_removal as removal
from plugins.action import seclyzer_report as report
from plugins.module_utils.fleet_entry import Entry
from plugins.module_utils.history import RETRY
from plugins.module_utils.lease import WENT_ON, Lease
from tests.helpers import ROOT

AGAIN = "with the same content again, -e retry=true beside it"
LOST = Entry("edge1", "edge", "lost")
BEGIN = "when it is back: ansible-playbook -i inventories/lab "


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`ansible-playbook -i inventories/lab` with more options, as Ansible has read them."""

    def call(*extra_vars: str, **more: Any) -> None:
        given = {"inventory": ("inventories/lab",), "tags": ("all",), "skip_tags": (), "extra_vars": extra_vars}
        monkeypatch.setattr(context, "CLIARGS", given | more)

    return call


@pytest.mark.parametrize(
    ("cause", "more"),
    [
        ("the host returned by itself; the same content is refused there, unless " + RETRY, f"; {AGAIN}"),
        ("No space left on device", ""),
    ],
)
def test_what_failed_on_a_host_is_reported_with_how_to_try_the_same_again(called: Any, cause: str, more: str) -> None:
    called("mode=rust")
    one = Entry("edge1", "edge", "failed", at="the switch", cause=[cause])
    words = "mend that, then ansible-playbook -i inventories/lab site.yml -e mode=rust -e only=failed"
    assert report.command(one, "site.yml", {}) == words + more


JSON = '{"seclyzer_release_batches": [1, "100%"], "note": "it is mine"}'


@pytest.mark.parametrize(
    ("typed", "repeated"),
    [
        (["seclyzer_bundle=/srv/new", "note=x"], ["seclyzer_bundle=/srv/new", "note=x"]),
        (["mode=rust seclyzer_bundle='/srv/r 2'"], ["mode=rust seclyzer_bundle='/srv/r 2'"]),
        ([JSON, "{mode: rust}"], [JSON, "{mode: rust}"]),
        (["@release.yml", "@/srv/its own.yml"], ["@release.yml", "@/srv/its own.yml"]),
        ([f"@{Path.cwd()}/release.yml"], ["@release.yml"]),
        (["mode=hybrid", "@release.yml", "mode=rust"], ["mode=hybrid", "@release.yml", "mode=rust"]),
        (["retry=true", "only=failed", "report_file=r.json"], []),
        (["only=failed mode=rust report_file=r.json note='a b'"], ["mode=rust note='a b'"]),
        (['{"retry": true, "mode": "rust", "report_file": "r"}', '{"only": "failed"}'], ['{"mode": "rust"}']),
    ],
)
def test_hosts_that_are_left_over_are_given_every_variable_of_the_run_as_it_was_typed(
    called: Any, typed: list[str], repeated: list[str]
) -> None:
    called(*typed)
    variables = [word for text in [*repeated, "only=failed"] for word in ("-e", text)]
    assert report.command(LOST, "site.yml", {}) == BEGIN + shlex.join(["site.yml", *variables])


def test_what_was_for_one_run_is_named_and_not_repeated(called: Any) -> None:
    called("seclyzer_release_take_over=true mode=rust", '{"redis_rotate": true}')
    words = " (without seclyzer_release_take_over, redis_rotate, for one run alone)"
    assert report.command(LOST, "site.yml", {}) == BEGIN + "site.yml -e mode=rust -e only=failed" + words


def test_tags_and_the_limit_of_the_run_are_repeated_so_that_no_other_host_is_reached(called: Any) -> None:
    called("mode=rust", tags=("extractors", "agent"), skip_tags=("redis",), subset="edge1:!edge 2")
    words = "site.yml --tags agent,extractors --skip-tags redis -e mode=rust -e only=failed --limit 'edge1:!edge 2'"
    assert report.command(LOST, "site.yml", {}) == BEGIN + words


def test_how_hosts_are_reached_and_vaults_are_opened_is_repeated(called: Any) -> None:
    reach = {
        "vault_ids": ("prod@prompt",),
        "vault_password_files": ("/srv/vault",),
        "remote_user": "ann",
        "connection": "ssh",
        "become": True,
        "become_method": "sudo",
        "become_ask_pass": True,
        "ssh_common_args": "-J bastion",
    }
    called(**reach)
    words = "--vault-id prod@prompt --vault-password-file /srv/vault -u ann '--ssh-common-args=-J bastion' -b -K"
    assert report.command(LOST, "site.yml", {}) == BEGIN + f"{words} site.yml -e only=failed"
    returned = Entry("edge1", "edge", "failed", at="the switch", before={"deployment": 1}, running={"deployment": 2})
    back = f"ansible-playbook -i inventories/lab {words} rollback.yml --limit edge1"
    assert report.command(returned, "site.yml", {}) == back


@pytest.mark.parametrize(
    ("typed", "repeated", "hidden"),
    [
        ("ansible_become_password=hunter2", "", "-e ansible_become_password"),
        ("mode=rust ansible_ssh_pass='hunter2 x'", "-e mode=rust ", "-e ansible_ssh_pass"),
        ('{"api_token": "hunter2", "mode": "rust"}', '-e \'{"mode": "rust"}\' ', "-e api_token"),
        ("{site: {keys: [{password: hunter2}]}}", "", "-e site"),
        ('{"seclyzer_agent_web_users": {"ann": "hunter2"}}', "", "-e seclyzer_agent_web_users"),
        ("proxy=http://ann:hunter2@proxy:3128", "", "-e proxy"),
    ],
)
def test_a_secret_is_not_printed_but_named(called: Any, typed: str, repeated: str, hidden: str) -> None:
    called(typed)
    words = f"site.yml {repeated}-e only=failed (with {hidden} as you typed it, which is not shown here)"
    assert report.command(LOST, "site.yml", {}) == BEGIN + words


def test_a_secret_in_options_of_ssh_is_not_printed_but_named(called: Any) -> None:
    called(ssh_extra_args="-o ProxyCommand='sshpass -p hunter2 ssh bastion'")
    words = "site.yml -e only=failed (with --ssh-extra-args as you typed it, which is not shown here)"
    assert report.command(LOST, "site.yml", {}) == BEGIN + words


def test_the_file_of_a_secret_is_repeated(called: Any) -> None:
    called("influxdb_token_file=/srv/token")
    assert "-e influxdb_token_file=/srv/token " in report.command(LOST, "site.yml", {})


@pytest.mark.parametrize("state", ["refused", "failed"])
def test_a_host_that_another_run_has_is_to_be_tried_when_that_run_has_ended(called: Any, state: str) -> None:
    called()
    taken = Lease(run="r1", by="anna@vm", since=0.0, deadline=900.0).sentence()
    one = Entry("edge1", "edge", state, at="the switch", cause=[f"a run goes on with all its hosts: {taken}"])
    again = "when that run has ended: ansible-playbook -i inventories/lab site.yml -e only=failed"
    assert report.command(one, "site.yml", {}) == again
    one.cause = [f"anna@vm began the run r1 {WENT_ON}, so the host is left alone"]
    assert report.command(one, "site.yml", {}) == again


def test_after_a_check_the_check_is_named_whose_hosts_no_last_report_has(called: Any) -> None:
    called("mode=rust", check=True, diff=True, subset="edge1")
    words = "site.yml --check --diff -e mode=rust --limit edge1"
    assert report.command(LOST, "site.yml", {}, check=True) == BEGIN + words


def test_a_rollback_is_repeated_as_the_same_rollback_on_the_host(called: Any) -> None:
    called("seclyzer_release_without_unreachable=true seclyzer_release_soak_seconds=0", subset="edge1,edge2")
    words = "rollback.yml -e seclyzer_release_soak_seconds=0 -e undo=r1 --limit edge1"
    left_out = " (without seclyzer_release_without_unreachable, for one run alone)"
    assert report.command(LOST, "rollback.yml", {"undo": "r1", "to": ""}) == BEGIN + words + left_out
    called("to=before")
    assert report.command(LOST, "rollback.yml", {"to": "before"}) == BEGIN + "rollback.yml -e to=before --limit edge1"
    called("seclyzer_release_return=each_host")
    words = "rollback.yml -e seclyzer_release_return=each_host --limit edge1"
    assert report.command(LOST, "rollback.yml", {"undo": "", "to": ""}) == BEGIN + words


def test_going_back_from_a_rollout_takes_none_of_its_settings(called: Any) -> None:
    called("mode=rust ansible_user=ann", tags=("extractors",), subset="seclyzer_edge")
    one = Entry("edge1", "edge", "failed", at="the switch", before={"deployment": 1}, running={"deployment": 2})
    words = "ansible-playbook -i inventories/lab rollback.yml -e ansible_user=ann --limit edge1"
    assert report.command(one, "site.yml", {}) == words


def test_a_removal_that_is_not_complete_is_repeated_with_its_options_and_without_secrets(called: Any) -> None:
    called('{"remove_data": true}', "remove_confirmed=true ansible_become_password=hunter2", subset="edge1,edge2")
    (one,) = [removal._outcome("edge1", {"hostvars": {"edge1": {}}})]
    words = ["playbooks/remove.yml", "-e", '{"remove_data": true}', "-e", "remove_confirmed=true", "--limit", "edge1"]
    hidden = " (with -e ansible_become_password as you typed it, which is not shown here)"
    assert one.command == "ansible-playbook -i inventories/lab " + shlex.join(words) + hidden


def test_a_run_of_ansible_names_itself(tmp_path: Path) -> None:
    """A host that is not reached: the report has the command with what was typed, as Ansible's own parser read it."""
    (tmp_path / "hosts").write_text(
        "[seclyzer_edge]\nedge1 ansible_host=127.0.0.1 ansible_port=9\n"
        "[all:vars]\ninfluxdb_token_file=token\ninfluxdb_url=https://store.example.com:8086\n"
    )
    (tmp_path / "release.yml").write_text("note: x\n")
    typed = ["--tags", "redis", "--limit", "edge1", "-e", f"@{tmp_path}/release.yml", "-e", "mode=rust note='a b'"]
    words = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", f"{tmp_path}/hosts", "site.yml", *typed]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    own = {"PWD": str(ROOT), "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(words, cwd=ROOT, env=clean | own, capture_output=True, text=True, check=False)
    again = shlex.join(["site.yml", "--tags", "redis", *typed[4:], "-e", "only=failed", "--limit", "edge1"])
    assert f"ansible-playbook -i {tmp_path}/hosts {again}\n" in done.stdout, done.stdout + done.stderr
