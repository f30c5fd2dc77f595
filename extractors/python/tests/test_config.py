"""Where settings come from, what they may be, and how what is wrong is reported."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support import cases, run
from support import environment as process_environment

from seclyzer_extractors import config
from seclyzer_extractors.config import ConfigError
from seclyzer_extractors.config.address import masked, parse_influx_url

HOSTS = Path(__file__).parents[3] / "tests" / "loopback"
LOOPBACK = (HOSTS / "loopback.txt").read_text().splitlines()
OTHERS = (HOSTS / "others.txt").read_text().splitlines()


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def load(text: str | None = None, env: dict[str, str] | None = None, kind: str = "keystroke", **flags: Any) -> Any:
        file = None
        if text is not None:
            file = str(tmp_path / "config.yaml")
            Path(file).write_text(text, encoding="utf-8")
        return config.load(kind, flags, env or {}, file)

    return load


def test_defaults_are_those_of_the_contract() -> None:
    made = {kind: config.settings(kind) for kind in ("keystroke", "mouse", "app")}
    assert [made[kind].min_events for kind in made] == [10, 50, 1]
    assert [made[kind].buffer_events for kind in made] == [10_000, 50_000, 10_000]
    assert [made[kind].device_id for kind in made] == ["keyboard_0", "mouse_0", ""]
    timing = made["mouse"].timing
    assert (timing.interval, timing.window, timing.lateness) == (5_000_000, 30_000_000, 250_000)
    assert timing.idle_timeout == 2_000_000
    assert (made["app"].influx_org, made["app"].influx_bucket) == ("seclyzer", "behavioral_data")
    assert str(made["app"].redis) == "127.0.0.1:6379"
    app = made["app"]
    assert (app.influx_timeout_seconds, app.influx_retry_seconds, app.spool_bytes) == (10, 60, 67_108_864)
    assert app.stream_bytes == 25_165_824


def test_flags_beat_environment_beats_file_beats_defaults(load: Any) -> None:
    file, env = (
        "user_id: file\nhost: file\ndevice_id: file\n",
        {"SECLYZER_USER_ID": "env", "SECLYZER_HOST": "env"},
    )
    made = load(file, env, user_id="flag")
    assert (made.user_id, made.host, made.device_id, made.log_level) == ("flag", "env", "file", "info")


def test_every_key_has_its_variable(load: Any) -> None:
    env = {
        "REDIS_HOST": "r", "REDIS_PORT": "7", "REDIS_USERNAME": "u", "REDIS_PASSWORD": "p",
        "INFLUX_URL": "https://i:1/", "INFLUX_ORG": "o", "INFLUX_BUCKET": "b", "INFLUX_TOKEN": "t",
        "INFLUX_SOCKET": "/i.sock", "INFLUX_CA_FILE": "/ca", "WINDOW_SECONDS": "12.5", "UPDATE_INTERVAL": "0.25",
        "SECLYZER_LATENESS_MS": "0", "SECLYZER_IDLE_TIMEOUT_MS": "70",
        "SECLYZER_MIN_EVENTS": "3", "SECLYZER_BUFFER_EVENTS": "9", "SECLYZER_DEV_MODE": "YES",
        "SECLYZER_USER_ID": "me", "SECLYZER_DEVICE_ID": "d", "SECLYZER_HOST": "h",
        "SECLYZER_LOG_LEVEL": "ERROR",
        "SECLYZER_LOG_FORMAT": "json", "SECLYZER_STATE_DIR": "/s",
        "SECLYZER_INFLUX_TIMEOUT_SECONDS": "2.5", "SECLYZER_INFLUX_RETRY_SECONDS": "3", "SECLYZER_SPOOL_BYTES": "0",
    }  # fmt: skip
    made = load(env=env)
    assert (made.redis.host, made.redis.port, made.redis.username, made.redis.password) == ("r", 7, "u", "p")
    assert (made.influx_url, made.influx_org, made.influx_bucket) == ("https://i:1", "o", "b")
    assert (made.influx_token, made.influx_ca_file, made.influx_socket) == ("t", "/ca", "/i.sock")
    assert (made.timing.window, made.timing.interval, made.timing.lateness) == (12_500_000, 250_000, 0)
    assert made.timing.idle_timeout == 70_000
    assert (made.min_events, made.buffer_events, made.dev_mode) == (3, 9, True)
    assert (made.user_id, made.device_id, made.host, made.state_dir) == ("me", "d", "h", "/s")
    assert (made.log_level, made.log_format) == ("error", "json")
    assert (made.influx_timeout_seconds, made.influx_retry_seconds, made.spool_bytes) == (2.5, 3, 0)


def test_an_empty_variable_and_an_empty_value_are_none(load: Any) -> None:
    made = load("redis_password:\nuser_id:\n", {"REDIS_PASSWORD": "", "SECLYZER_HOST": "", "REDIS_URL": ""})
    assert (made.redis.password, made.user_id) == ("", "default")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", ("", "host", 6379, False, 0, "", "")),
        ("redis://host:7/3", ("", "host", 7, False, 3, "", "")),
        ("rediss://u:p%40%3A@[::1]:7", ("", "::1", 7, True, 0, "u", "p@:")),
        ("redis://:secret@host", ("", "host", 6379, False, 0, "", "secret")),
        ("unix:///run/redis.sock", ("/run/redis.sock", "", 0, False, 0, "", "")),
        ("unix://u:p@/run/r%20s?db=2", ("/run/r s", "", 0, False, 2, "u", "p")),
    ],
)
def test_redis_urls(load: Any, url: str, address: tuple[Any, ...]) -> None:
    made = load(env={"REDIS_URL": url, "REDIS_HOST": "other", "REDIS_PORT": "1"}).redis
    assert (made.path, made.host, made.port, made.tls, made.database, made.username, made.password) == address


def test_a_value_that_is_replaced_need_not_be_right_but_its_key_must_be_known(load: Any) -> None:
    made = load(
        "update_interval: 0\ninflux_token: 'a b'\n", {"UPDATE_INTERVAL": "-1", "INFLUX_TOKEN": "t"}, update_interval="3"
    )
    assert (made.update_interval, made.influx_token) == (3, "t")
    with pytest.raises(ConfigError, match='unknown key "colour"'):
        load("colour: red", {"UPDATE_INTERVAL": "3"})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://h", ("h", 80, False, "")),
        ("https://store/influx//", ("store", 443, True, "/influx")),
        ("http://[::1]:0086/a/b", ("::1", 86, False, "/a/b")),
    ],
)
def test_influx_urls(url: str, address: tuple[str, int, bool, str]) -> None:
    made = parse_influx_url(url)
    assert (made.host, made.port, made.tls, made.prefix) == address


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_token_goes_to_the_loopback_without_tls(load: Any, host: str) -> None:
    assert load(f"influx_url: http://{host}/x\ninflux_token: t\n").influx_url == f"http://{host}/x"


@pytest.mark.parametrize("host", [*OTHERS, "store", "10.0.0.1:8086", "[fd00::2]:8086"])
def test_a_token_goes_nowhere_else_without_tls(load: Any, host: str) -> None:
    for env in ({"INFLUX_TOKEN": "hidden"}, {"INFLUX_TOKEN": "hidden", "INFLUX_SOCKET": "/run/seclyzer/influx.sock"}):
        with pytest.raises(ConfigError, match=r"^influx_url is ") as refused:
            load(None, env | {"INFLUX_URL": f"http://{host}"})
        assert "hidden" not in str(refused.value)


def test_why_is_reported_and_without_a_token_or_with_tls_there_is_no_reason(load: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        load("influx_url: http://store:8086/\n", {"INFLUX_TOKEN": "hidden"})
    assert str(refused.value) == (
        'influx_url is "http://store:8086/" (file): allowed is https://host[:port], or http:// to the loopback '
        "(127.x.x.x, [::1], localhost): over http influx_token can be read on the way"
    )
    assert load("influx_url: http://store:8086\n").influx_token == ""
    assert load("influx_url: https://store:8086\ninflux_token: t\n").influx_token == "t"


def test_what_a_redis_url_does_not_say_of_user_and_password_is_taken_from_their_keys(load: Any) -> None:
    made = load("redis_url: unix:///r.sock\nredis_username: me\nredis_password: 100%41\n").redis
    assert (made.username, made.password) == ("me", "100%41")


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("colour: red", ['unknown key "colour"', "--help lists the keys"]),
        ("redis_port: 0", ['redis_port is "0" (file)', "from 1 to 65535"]),
        ("redis_port: '12x'", ['redis_port is "12x"', "a whole number"]),
        ("redis_port: true", ['redis_port is "true"']),
        ("redis_url: http://x", ['redis_url is "http://x"', "unix://"]),
        ("redis_url: unix://relative/path", ["redis_url"]),
        ("redis_url: redis://h/db", ["redis_url"]),
        ("redis_url: Redis://h", ["redis_url"]),
        ("redis_url: redis://h:1//", ["redis_url"]),
        ("redis_url: redis://h:+5", ["redis_url"]),
        ("redis_url: redis://h:65536", ["redis_url"]),
        ("redis_url: redis://u%zz@h", ["redis_url"]),
        ("redis_url: redis://h:1/3#f", ["redis_url"]),
        ("redis_url: rediss://h?db=1", ["redis_url"]),
        ("redis_url: 'redis://[::1'", ["redis_url"]),
        ("influx_url: HTTP://h", ["influx_url"]),
        ("influx_url: http://h:0", ["influx_url"]),
        ("influx_url: http://u@h", ["influx_url"]),
        ("influx_url: http://:80", ["influx_url"]),
        ("redis_url: redis://h/-1", ["redis_url"]),
        ("redis_url: redis://h:x", ["redis_url"]),
        ("influx_url: ''", ['influx_url is ""', "http://host[:port]"]),
        ("influx_url: ftp://x", ["influx_url"]),
        ("influx_url: http://x/?a=1", ["influx_url"]),
        ("influx_socket: i.sock", ["allowed is a unix socket's path from /, of at most 107 bytes, or empty"]),
        ('influx_socket: "/a\\0"', ['influx_socket is "/a']),
        (f"influx_socket: /{'ü' * 53}s", ["at most 107 bytes"]),
        ("window_seconds: 0", ['window_seconds is "0"', "whole milliseconds"]),
        ("window_seconds: 1.0005", ['window_seconds is "1.0005"']),
        ("window_seconds: .nan", ["window_seconds"]),
        ("window_seconds: true", ['window_seconds is "true"']),
        ("window_seconds: 4", ["update_interval is 5", "at most window_seconds (4)"]),
        ("lateness_ms: -1", ['lateness_ms is "-1"']),
        ("lateness_ms: 0.5", ['lateness_ms is "0.5"']),
        ("idle_timeout_ms: -1", ['idle_timeout_ms is "-1" (file)', "from 0 to 3600000"]),
        ("idle_timeout_ms: 3600001", ["idle_timeout_ms"]),
        ("min_events: 0", ['min_events is "0"']),
        ("dev_mode: maybe", ['dev_mode is "maybe"', "true or false"]),
        ("influx_timeout_seconds: 0", ['influx_timeout_seconds is "0"', "whole milliseconds"]),
        ("influx_retry_seconds: 86401", ['influx_retry_seconds is "86401"']),
        ("spool_bytes: 1048575", ["(file): allowed is 0 (no spool), or a whole number from 1048576 to 1099511627776"]),
        ("stream_bytes: 1048575", ["(file): allowed is a whole number from 1048576 to 1073741824"]),
        ("spool_bytes: 64M", ['spool_bytes is "64M"', "0 (no spool)"]),
        ("user_id: [7]", ["no flat YAML", "line 1"]),
        ("host: a\nhost: b", ["host is given twice"]),
        ("influx_url: http://h/ü", ["influx_url"]),
        ("redis_url: redis://h?password=x", ['redis_url is "********"']),
        ("user_id: ''", ['user_id is ""', "1 to 256"]),
        ("device_id: ''", ['device_id is ""']),
        ("log_level: loud", ['log_level is "loud"', "one of debug, info, warning, error"]),
        ("dev_mode: 2", ['dev_mode is "2"']),
        ("log_format: xml", ['log_format is "xml"', "one of logfmt, json"]),
        ("influx_token: 'a b'", ['influx_token is "********"']),
        ("- a", ["key: value"]),
        ("a: [", ["no flat YAML", "line"]),
        ("redis_password_file: /nowhere", ["cannot read /nowhere, which redis_password_file names", "No such file"]),
    ],
)
def test_what_is_wrong_is_reported_in_one_line_with_what_is_allowed(load: Any, text: str, reported: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        load(text)
    assert "\n" not in str(raised.value)
    for words in reported:
        assert words in str(raised.value)


def test_what_is_no_utf8_is_reported(load: Any) -> None:
    for variable in ("SECLYZER_HOST", "WINDOW_SECONDS", "REDIS_PASSWORD", "INFLUX_TOKEN_FILE"):
        with pytest.raises(ConfigError, match=f"^{variable} is not UTF-8$"):
            load(env={variable: "a\udcff"})
    done = run("mouse", b"--host=\xff")  # type: ignore[arg-type]
    assert (done.returncode, done.stderr) == (78, b"mouse_extractor: configuration: the command line is not UTF-8\n")


def test_one_line_is_one_line_whatever_it_quotes(load: Any) -> None:
    for text in ('"a\\nb": 1', '"a\\nb": 1\n"a\\nb": 1', 'redis_password_file: "/a\\nb"', 'host: "\\0"'):
        with pytest.raises(ConfigError) as raised:
            load(text)
        assert "\n" not in str(raised.value)
    assert "/a_b" in str(_error_of("/a\nb\x7f"))


def _error_of(path: str) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        config.load("app", {}, {}, path)
    return raised.value


def test_a_file_that_is_not_there_is_reported(load: Any) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration file /nowhere\.yaml: No such file"):
        config.load("app", {}, {}, "/nowhere.yaml")


def test_secrets_come_from_files_and_credentials(load: Any, tmp_path: Path) -> None:
    (tmp_path / "redis_password").write_text("from-credentials\n", encoding="utf-8")
    (tmp_path / "influx_token").write_text("token\r\n", encoding="utf-8")
    (tmp_path / "named").write_text("named\n", encoding="utf-8")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    made = load(env=credentials)
    assert (made.redis.password, made.influx_token) == ("from-credentials", "token")
    assert load(env={**credentials, "REDIS_PASSWORD": "own"}).redis.password == "own"
    assert load(f"redis_password_file: {tmp_path}/named\n", credentials).redis.password == "named"
    assert load(env={**credentials, "REDIS_PASSWORD_FILE": f"{tmp_path}/named"}).redis.password == "named"
    both = {"REDIS_PASSWORD": "own", "REDIS_PASSWORD_FILE": "/nowhere"}
    assert load(env=both).redis.password == "own"
    assert load("redis_password_file: /nowhere", {"REDIS_PASSWORD": "own"}).redis.password == "own"


@pytest.mark.parametrize("case", cases("store_addresses"), ids=lambda case: repr(case["url"]))
def test_an_address_of_the_store_is_taken_or_refused(case: dict[str, Any]) -> None:
    """The cases that every parser of the store's address is held to."""
    if case["normal"] is None:
        with pytest.raises(ValueError, match=r"^no "):
            parse_influx_url(case["url"])
    else:
        found = parse_influx_url(case["url"])
        assert (found.url, found.private) == (case["normal"], case["private"])


@pytest.mark.parametrize("key", ["influx_token_file", "redis_password_file"])
@pytest.mark.parametrize("case", cases("secret_files"), ids=lambda case: case["name"])
def test_a_secret_file_holds_the_secret_and_nothing_else(
    load: Any, tmp_path: Path, case: dict[str, str], key: str
) -> None:
    """The cases that every reader of such a file is held to."""
    path = tmp_path / "file"
    path.write_bytes(bytes.fromhex(case["hex"]))
    if "secret" in case:
        made = load(f"{key}: {path}\n")
        assert made.influx_token + made.redis.password == case["secret"]
    else:
        with pytest.raises(ConfigError) as refused:
            load(f"{key}: {path}\n")
        assert str(refused.value) == (
            f"{path}, which {key} names, {case['fault']}: allowed is one line of printable ASCII without blanks"
        )


def test_systemds_state_directory_beats_the_others_but_a_flag(load: Any) -> None:
    env = {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "SECLYZER_STATE_DIR": "/env"}
    assert load("state_dir: /file", env).state_dir == "/var/lib/a"
    assert load("state_dir: /file", env, state_dir="/flag").state_dir == "/flag"


def test_print_config_is_yaml_of_what_is_in_force_with_secrets_masked() -> None:
    env = process_environment(
        REDIS_PASSWORD="hidden-1",
        INFLUX_TOKEN="hidden-2",
        REDIS_URL="redis://me:hidden-3@h:1",
        SECLYZER_USER_ID="ä: b",
    )
    done = run("mouse", "--print-config", "--window", "60", env=env)
    shown = yaml.safe_load(done.stdout)
    assert b"hidden" not in done.stdout + done.stderr
    assert (shown["redis_password"], shown["influx_token"]) == ("********", "********")
    assert shown["redis_url"] == "redis://me:********@h:1"
    assert (shown["user_id"], shown["window_seconds"], shown["min_events"]) == ("ä: b", 60, 50)
    assert list(shown) == [option.key for option in config.SETTINGS]
    assert yaml.safe_load(run("mouse", "--print-config").stdout)["redis_password"] == ""


def test_a_secret_in_an_unusable_url_is_not_shown(load: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        load(env={"REDIS_URL": "redis://me:hidden@h:port"})
    assert "hidden" not in str(raised.value)


def test_no_password_is_no_secret() -> None:
    """What is printed is read back as the same settings."""
    assert masked("redis://me:secret@h:1") == "redis://me:********@h:1"
    assert masked("redis://me:@h:1") == "redis://me:@h:1"
