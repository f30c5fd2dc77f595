"""The checks of the roles' options, evaluated for many hosts at once, are the asserts of the roles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

from plugins.plugin_utils import option_checks
from plugins.plugin_utils.option_checks import CHECKS, DEPLOYS, Check, Roles

ROOT = Path(__file__).resolve().parents[2]
GROUPS = {"inventory_hostname": "edge1", "groups": {"seclyzer_edge": ["edge1"], "seclyzer_store": ["store"]}}
CERTIFICATE = {"influxdb_tls_cert": "/x.crt", "influxdb_tls_key": "/x.key"}


@pytest.fixture(scope="module", autouse=True)
def plugins_of_ansible() -> Iterator[None]:
    init_plugin_loader()
    yield


@pytest.fixture(scope="module")
def roles() -> Roles:
    return made(ROOT / "roles")


def made(folder: Path) -> Roles:
    loader = DataLoader()
    loader.set_basedir(str(ROOT / "playbooks"))  # as in a run of site.yml
    return Roles(folder, loader, Templar(loader=loader, variables={}))


def faults(roles: Roles, **host: Any) -> list[str]:
    return [words for check in CHECKS for words in roles.faults(check, GROUPS | CERTIFICATE | host)]


def test_every_file_of_checks_is_evaluated() -> None:
    files = {(path.parents[1].name, path.stem) for path in (ROOT / "roles").glob("*/tasks/check*.yml")}
    assert files - {("influxdb", "check_certificate")} == {(check.role, check.file) for check in CHECKS}


def test_defaults_break_no_check(roles: Roles) -> None:
    assert faults(roles) == []


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("redis_memory_max", "5M", "redis_memory_max is 5M; it has to be at least redis_data_memory_max (128M)"),
        ("redis_cpu_quota", "much", "redis_cpu_quota is much; it has to be a share such as 100%"),
        ("redis_rotate", ["x"], "redis_rotate is ['x']; it has to be true, false, or a list of some of collector"),
        ("influxdb_ca_file", "/none", "influxdb_ca_file names /none, and the controller has no such file"),
        ("influxdb_token_file", "/none", "influxdb_token_file names /none, and the controller has no such file"),
        ("influxdb_port", 8087, "influxdb_port and influxdb_backend_port are both 8087"),
        ("influxdb_tls_key", "", "influxdb_tls is true, so influxdb_tls_cert and influxdb_tls_key have to name"),
        ("influxdb_gateway_writes", 0, "influxdb_gateway_writes is 0; it has to be at least 1"),
        ("seclyzer_extractors_spool_bytes", 9, "seclyzer_extractors_spool_bytes is 9; it has to be"),
        (
            "seclyzer_agent_listen",
            "0.0.0.0:9484",
            "seclyzer_agent_listen is 0.0.0.0:9484; it has to be on the loopback",
        ),
        ("seclyzer_agent_web_listen", "host:9485", "seclyzer_agent_web_listen is host:9485; it has to be an address"),
        (
            "seclyzer_agent_web_listen",
            "0.0.0.0:9484",
            "seclyzer_agent_web_listen is 0.0.0.0:9484; it has to be an address",
        ),
        ("seclyzer_agent_web_listen", "0.0.0.0:9485", "seclyzer_agent_web_listen is 0.0.0.0:9485, which others than"),
        ("seclyzer_agent_web_users", {"ann": "x"}, "seclyzer_agent_web_users has for ann no hash of bcrypt of cost 4"),
        ("seclyzer_release_store_tasks_max", 3, "seclyzer_release_store_connections_max is 128 and"),
    ],
)
def test_a_value_out_of_its_limits_is_the_sentence_of_the_role(
    roles: Roles, option: str, value: Any, words: str
) -> None:
    assert any(found.startswith(words) for found in faults(roles, **{option: value})), faults(roles, **{option: value})


def test_a_token_file_without_a_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge would keep the token that it has, or run without one, and the report would call it healthy."""
    file = tmp_path / "token"
    for content, expected in (
        ("", [f"influxdb_token_file names {file}, which is empty; it has to contain the token"]),
        (" \n", [f"influxdb_token_file names {file}, which is empty; it has to contain the token"]),
        ("token\n", []),
    ):
        file.write_text(content)
        assert faults(made(ROOT / "roles"), influxdb_token_file=str(file)) == expected
    monkeypatch.chdir(tmp_path)  # a path is from where the operator is, as any program takes it
    assert faults(made(ROOT / "roles"), influxdb_token_file=file.name) == []


def test_an_address_for_a_prometheus_elsewhere_needs_tls_and_a_credential(roles: Roles) -> None:
    way = {"seclyzer_agent_web_listen": "[::]:9485", "seclyzer_agent_web_cert": "/c", "seclyzer_agent_web_key": "/k"}
    hashed = "$2y$10$" + "a" * 53
    assert len(faults(roles, **way)) == 1
    for credential in ({"seclyzer_agent_web_users": {"ann": hashed}}, {"seclyzer_agent_web_client_ca": "/ca"}):
        assert faults(roles, **way, **credential) == []
        assert len(faults(roles, **(way | {"seclyzer_agent_web_cert": ""}), **credential)) == 1
    mixed = {"ann": hashed, "bob": hashed.replace("$10$", "$15$")}
    (words,) = faults(roles, **way, seclyzer_agent_web_users=mixed)
    assert words.startswith("seclyzer_agent_web_users has for bob no hash") and hashed[7:] not in words


def test_hosts_alike_share_an_evaluation_and_others_do_not(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[str] = []
    evaluate = Roles._evaluate

    def counted(self: Roles, check: Check, values: Any) -> Any:
        evaluated.append(check.role)
        return evaluate(self, check, values)

    monkeypatch.setattr(Roles, "_evaluate", counted)
    fresh = made(ROOT / "roles")
    for host in ("edge1", "edge2", "edge3"):
        assert faults(fresh, inventory_hostname=host, seclyzer_extractors_user_id=f"the person of {host}") == []
    assert len(evaluated) == len(CHECKS)
    assert faults(fresh, redis_cpu_quota="x") != []
    assert evaluated[len(CHECKS) :] == ["redis"]


def test_a_task_that_is_no_assert_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    for name, content in (
        ("tasks/check", [{"name": "Ask the host", "ansible.builtin.command": "true"}]),
        ("vars/main", {}),
        ("defaults/main", {}),
        ("meta/argument_specs", {}),
    ):
        path = tmp_path / "redis" / f"{name}.yml"
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump(content))
    with pytest.raises(AnsibleError, match=r"has ansible\.builtin\.command"):
        made(tmp_path).faults(CHECKS[0], GROUPS)


@pytest.mark.parametrize(
    ("run", "skip", "redis", "deploys"),
    [
        (["all"], [], True, True),
        (["redis"], [], True, False),
        (["agent"], [], False, True),
        (["preflight"], [], True, True),
        (["all"], ["redis"], False, True),
        (["all"], ["agent"], True, False),
        (["nothing"], [], False, False),
    ],
)
def test_a_run_checks_what_its_tags_do(run: list[str], skip: list[str], redis: bool, deploys: bool) -> None:
    assert option_checks.selected({"redis"}, run, skip) is redis
    assert option_checks.selected(DEPLOYS, run, skip) is deploys
