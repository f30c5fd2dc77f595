"""What a person types and reads is the same with both implementations: help, settings in force, mistakes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.parity.implementations import PYTHON, RUST
from tests.parity.settings import PROGRAMS

ENVIRONMENTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "all kinds of values": {
        "REDIS_HOST": "edge",
        "REDIS_PORT": "007",
        "REDIS_USERNAME": "me",
        "INFLUX_URL": "https://store/influx/",
        "INFLUX_SOCKET": "/run/seclyzer/influx.sock",
        "INFLUX_TOKEN": "hidden",
        "WINDOW_SECONDS": "7.50",
        "UPDATE_INTERVAL": "0.3",
        "SECLYZER_DEV_MODE": "On",
        "SECLYZER_USER_ID": 'ä "b": #c',
        "SECLYZER_LOG_LEVEL": "ERROR",
        "STATE_DIRECTORY": "/a:/b",
    },
    "a secret beats its file": {"REDIS_PASSWORD": "hidden", "REDIS_PASSWORD_FILE": "/nowhere"},
    "user and password in the URL": {"REDIS_URL": "redis://me:hidden@h:1/3", "REDIS_USERNAME": "other"},
    "a database of a socket": {"REDIS_URL": "unix:///r.sock?db=2"},
}
MISTAKES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "an unknown flag": (("--redis-password=hidden",), {}),
    "a word": (("extra",), {}),
    "a flag without its value": (("--window",), {}),
    "a value too many": (("--stats=yes",), {}),
    "seconds that are none": (("--shadow", "-1"), {}),
    "more seconds than there are": (("--shadow=1234567890",), {}),
    "a shadow without its seconds": (("--shadow",), {}),
    "no such file": (("--config", "/nowhere"), {}),
    "a flag out of bounds": (("--lateness", "-1"), {}),
    "a variable out of bounds": ((), {"WINDOW_SECONDS": "1e1"}),
    "fractions of a ms": (("--interval", "0.0005"), {}),
    "a longer interval than window": (("--interval", "31"), {"WINDOW_SECONDS": "7.5"}),
    "no port": ((), {"REDIS_PORT": "+5"}),
    "a port that is not used": ((), {"REDIS_PORT": "x", "REDIS_URL": "redis://h"}),
    "a password in what is no URL": (("--redis-url", "me:hidden@h"), {}),
    "a password as an option": (("--redis-url", "redis://h?password=hidden"), {}),
    "no InfluxDB": ((), {"INFLUX_URL": "store:8086"}),
    "no ASCII": ((), {"INFLUX_URL": "http://h/ü"}),
    "no path from the root": (("--influx-socket", "influx.sock"), {}),
    "a path too long": ((), {"INFLUX_SOCKET": "/" + "ä" * 54}),
    "a token in the clear": (("--check",), {"INFLUX_URL": "http://store:8086/", "INFLUX_TOKEN": "hidden"}),
    "a token in the clear, by a flag": (("--influx-url", "http://127.0.0.1.evil.com"), {"INFLUX_TOKEN": "hidden"}),
    "no token": ((), {"INFLUX_TOKEN": "hidden hidden"}),
    "no secret": ((), {"INFLUX_TOKEN_FILE": "/nowhere"}),
    "an empty name": (("--host", ""), {}),
    "a long name": ((), {"SECLYZER_USER_ID": "x" * 257}),
    "maybe": ((), {"SECLYZER_DEV_MODE": "maybe"}),
    "no level": (("--log-level", "loud"), {}),
    "no CA": (("--check",), {"INFLUX_URL": "https://h", "INFLUX_CA_FILE": "/nowhere"}),
    "no directory": (("--state-dir", "/nowhere"), {}),
}
FILES = {
    "an unknown key": "windw_seconds: 3\n",
    "a list": "- a\n",
    "nested": "host:\n  a: b\n",
    "twice": "host: a\nhost: b\n",
    "a bad value": "min_events: 0\n",
    "a word": "word\n",
}
# Readers of YAML do not agree about control characters, line separators, a BOM inside the text and no characters.
STRANGE = [*range(0x0A), 0x0B, 0x0C, 0x0E, 0x1B, 0x1F, 0x7F, 0x80, 0x85, 0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF]
PLAIN = [0x20, 0x7E, 0xA0, 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x10FFFF]


def run(directory: Path, program: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    done = subprocess.run(
        [directory / program, *arguments],
        env={"LANG": "C.UTF-8", "SECLYZER_HOST": "here", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("program", PROGRAMS.values())
def test_the_help_is_the_same(program: str) -> None:
    reported = run(PYTHON, program, "--help")
    assert reported == run(RUST, program, "--help")
    assert reported[0] == 0 and "--replay FILE|-" in reported[1]


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
@pytest.mark.parametrize("program", PROGRAMS.values())
def test_the_same_is_in_force(program: str, environment: dict[str, str]) -> None:
    reported = run(PYTHON, program, "--print-config", **environment)
    assert reported == run(RUST, program, "--print-config", **environment)
    assert reported[0] == 0 and "hidden" not in reported[1]


@pytest.mark.parametrize(("arguments", "environment"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported_in_the_same_words(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    reported = run(PYTHON, "mouse_extractor", *arguments, **environment)
    assert reported == run(RUST, "mouse_extractor", *arguments, **environment)
    assert reported[:2] == (78, "") and reported[2].count("\n") == 1 and "hidden" not in reported[2]


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_mistake_in_the_file_is_reported_in_the_same_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    reported = run(PYTHON, "mouse_extractor", "--config", str(tmp_path / "x.yaml"))
    assert reported == run(RUST, "mouse_extractor", "--config", str(tmp_path / "x.yaml"))
    assert reported[:2] == (78, "") and reported[2].count("\n") == 1


@pytest.mark.parametrize(
    "form", ["host: x\nuser_id: '{}'\n", "host: x\r\nuser_id: a{}b\r\n", "host: x\n# {}\nuser_id: y\n"]
)
def test_a_character_is_taken_by_both_or_refused_with_its_line(form: str, tmp_path: Path) -> None:
    for number in STRANGE + PLAIN:
        (tmp_path / "x.yaml").write_text(form.format(chr(number)), encoding="utf-8", newline="")
        reported = run(PYTHON, "mouse_extractor", "--config", str(tmp_path / "x.yaml"), "--print-config")
        assert reported == run(RUST, "mouse_extractor", "--config", str(tmp_path / "x.yaml"), "--print-config"), number
        assert reported[0] == (78 if number in STRANGE else 0), hex(number)
        assert number not in STRANGE or "(line 2)" in reported[2]


def test_a_byte_order_mark_before_the_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("\ufeffuser_id: y\n", encoding="utf-8")
    reported = run(PYTHON, "mouse_extractor", "--config", str(tmp_path / "x.yaml"), "--print-config")
    assert reported == run(RUST, "mouse_extractor", "--config", str(tmp_path / "x.yaml"), "--print-config")
    assert reported[0] == 0 and 'user_id: "y"' in reported[1]


def test_a_replay_that_cannot_be_read_is_no_mistake_of_the_configuration(tmp_path: Path) -> None:
    for path, words in (("/nowhere", "No such file or directory"), (str(tmp_path), "Is a directory")):
        reported = run(PYTHON, "app_tracker", "--replay", path, "--stats")
        assert reported == run(RUST, "app_tracker", "--replay", path, "--stats")
        assert reported == (1, "", f"app_tracker: {path}: {words}\n")
