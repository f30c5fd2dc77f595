"""Configuration: what is refused, and in which words; precedence; secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from agent_world import cases

from seclyzer_agent.config import KEYS, ConfigError, load, printed
from seclyzer_agent.credentials import reader_password, secret
from seclyzer_agent.kinds import KINDS


def configured(tmp_path: Path, content: dict[str, Any] | str = "", **environment: str) -> Any:
    file = tmp_path / "agent.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load(file, environment)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"listen": "0.0.0.0:9484"}, "the agent listens on the loopback only"),
        ({"listen": "[::]:9484"}, "the agent listens on the loopback only"),
        ({"listen": "10.89.0.11:9484"}, "the agent listens on the loopback only"),
        ({"listen": "127.0.0.1"}, "must be an address and a port"),
        ({"listen": "127.0.0.1:70000"}, "must be an address and a port"),
        ({"listen": "edge1:9484"}, "must be an address and a port"),
        ({"listen": 9484}, "must be an address and a port"),
        ({"roles": []}, "must be a list of edge, store, at least one"),
        ({"roles": ["edge", "controller"]}, "must be a list of edge, store, at least one"),
        ({"extractors": ["keyboard"]}, f"must be a list of {', '.join(KINDS)}, any or none"),
        ({"redis_url": "http://127.0.0.1"}, "must be unix:///PATH or redis://HOST:PORT"),
        ({"redis_url": "unix://run/redis.sock"}, "must be unix:///PATH or redis://HOST:PORT"),
        ({"influx_url": "store:8086"}, "must be https://HOST:PORT, or http://127.0.0.1:PORT"),
        ({"influx_ca_file": "ca.crt"}, "must be a path that begins with /"),
        ({"influx_socket": "influx.sock"}, "must be a path that begins with /"),
        ({"influx_socket": f"/{'s' * 107}"}, "must be a unix socket's path of at most 107 bytes, or empty"),
        ({"units": ["seclyzer-app.service"]}, "must be a mapping of short names to systemd units"),
        ({"units": {"app": "--help"}}, "must map short lower-case names to units"),
        ({"redis_legacy_clients": "maybe"}, "must be true or false"),
        ({"memory_warn_percent": 0}, "must be a number from 1 to 100"),
        ({"memory_warn_percent": True}, "must be a number from 1 to 100"),
        (
            {"memory_warn_percent": 96},
            "memory_warn_percent is 96, but must not be above memory_fail_percent, 95",
        ),
        ({"lag_warn_seconds": float("nan")}, "must be a number from 1 to 3600"),
        ({"checks": {"no_such": {}}}, "'no_such' is none"),
        (
            {"checks": {"redis": {"interval": 5}}},
            "interval_seconds, deadline_seconds, rise and fall, not 'interval'",
        ),
        ({"checks": {"redis": {"rise": 1.5}}}, "must be a whole number from 1 to 100"),
        ({"checks": {"redis": {"interval_seconds": 0}}}, "must be a number from 0.05 to 3600"),
        ({"log_level": "loud"}, "must be one of debug, info, warning, error"),
        ({"port": 9484}, "'port' (FILE) is not a key of the agent; its keys: listen, unix_listen"),
        ({"redis_password": "hunter2"}, "secrets come from files only: redis_password_file"),
        ("- listen", "FILE must hold a YAML mapping of keys to values"),
        ("listen: x\nunits: [", "FILE is not YAML in line 2"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line_that_says_what_is_allowed(
    tmp_path: Path, content: dict[str, Any] | str, words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        configured(tmp_path, content)
    message = str(error.value).replace(str(tmp_path / "agent.yaml"), "FILE")
    assert words in message
    assert "\n" not in message and "hunter2" not in message


@pytest.mark.parametrize("url", ["redis://agent:hunter2@127.0.0.1", "http://me:hunter2@store:8086"])
@pytest.mark.parametrize("key", ["redis_url", "influx_url"])
def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path, key: str, url: str) -> None:
    with pytest.raises(ConfigError) as error:
        configured(tmp_path, {key: url})
    assert "hunter2" not in str(error.value) and "without user or password" in str(error.value)


def test_environment_beats_file_beats_default(tmp_path: Path) -> None:
    content = {"slow_milliseconds": 70, "lag_warn_seconds": 20}
    settings = configured(
        tmp_path,
        content,
        SECLYZER_AGENT_SLOW_MILLISECONDS="80",
        SECLYZER_AGENT_ROLES="store,edge",
        SECLYZER_AGENT_CHECKS="{redis: {fall: 4}}",
    )
    assert (settings.slow_milliseconds, settings.own["lag_warn_seconds"], settings.own["lag_fail_seconds"]) == (
        80,
        20,
        90,
    )
    assert settings.roles == ("edge", "store")
    assert (settings.checks["redis"].fall, settings.checks["redis"].interval) == (4, 5)


def test_an_unknown_variable_with_the_agents_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'lissten' \(SECLYZER_AGENT_LISSTEN\) is not a key"):
        configured(tmp_path, SECLYZER_AGENT_LISSTEN="127.0.0.1:1")


def test_units_follow_the_roles_unless_they_are_given(tmp_path: Path) -> None:
    assert set(configured(tmp_path, {"roles": ["store"]}).units) == {"influxdb", "gateway", "agent"}
    assert set(configured(tmp_path, {"roles": ["edge"]}).units) == {*KINDS, "redis", "agent"}
    assert configured(tmp_path, {"units": {"app": "a.service"}}).units == {"app": "a.service"}


def test_extractors_are_those_with_a_unit_unless_they_are_given(tmp_path: Path) -> None:
    assert configured(tmp_path).extractors == KINDS
    assert configured(tmp_path, {"units": {"mouse": "m.service"}}).extractors == ("mouse",)
    assert configured(tmp_path, {"units": {}, "extractors": ["app", "mouse"]}).extractors == ("mouse", "app")
    assert configured(tmp_path, {"extractors": []}).extractors == ()


def test_what_is_printed_can_be_read_again_and_is_the_same(tmp_path: Path) -> None:
    settings = configured(tmp_path, {"listen": "[::1]:9485", "host": "édge", "checks": {"app": {"rise": 7}}})
    assert configured(tmp_path, printed(settings)) == settings
    assert set(yaml.safe_load(printed(settings))) == set(KEYS)


def test_the_password_comes_from_its_file_or_the_systemd_credential(tmp_path: Path) -> None:
    (tmp_path / "redis_password").write_text("from-systemd\n")
    (tmp_path / "pw").write_text("from-file\n")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert secret(configured(tmp_path), credentials) == "from-systemd"
    assert secret(configured(tmp_path, {"redis_password_file": str(tmp_path / "pw")}), credentials) == "from-file"
    assert secret(configured(tmp_path, {"redis_username": ""}), credentials) is None
    assert secret(configured(tmp_path, {"roles": ["store"]}), {}) is None
    with pytest.raises(ConfigError, match="there is no password: set redis_password_file"):
        secret(configured(tmp_path), {})
    with pytest.raises(ConfigError, match="cannot be read from /nowhere: No such file"):
        secret(configured(tmp_path, {"redis_password_file": "/nowhere"}), {})


@pytest.mark.parametrize("case", cases("secret_files"), ids=lambda case: case["name"])
def test_a_password_file_holds_the_password_and_nothing_else(tmp_path: Path, case: dict[str, str]) -> None:
    """The cases that every reader of such a file is held to."""
    path = tmp_path / "file"
    path.write_bytes(bytes.fromhex(case["hex"]))
    loaded = configured(tmp_path, {"redis_password_file": str(path), "reader_password_file": str(path)})
    for read, whose in ((secret, "Redis' password"), (reader_password, "the readers' password")):
        if "fault" not in case and read is secret:
            assert read(loaded, {}) == case["secret"]
            continue
        with pytest.raises(ConfigError) as refused:
            read(loaded, {})
        if "fault" in case:
            allowed = "allowed is one line of printable ASCII without blanks"
            assert str(refused.value) == f"{path}, which holds {whose}, {case['fault']}: {allowed}"


def test_the_readme_names_every_key() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    assert [key for key in KEYS if f"`{key}`" not in readme] == []
