"""The agent's command line: what it prints, and with which status it ends."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from agent_world import Host, RedisServer

from seclyzer_agent import __version__


def test_version_help_and_printed_configuration(host: Host) -> None:
    assert host.run("--version").stdout == f"seclyzer_agent {__version__} (python)\n"
    assert "/healthz" in host.run("--help").stdout
    printed = host.run("--print-config")
    assert printed.returncode == 0
    assert "redis_username: agent\n" in printed.stdout
    assert f"redis_password_file: {host.config['redis_password_file']}\n" in printed.stdout


def test_a_configuration_error_exits_78_with_one_line(host: Host) -> None:
    host.config["listen"] = "0.0.0.0:9484"
    ended = host.run()
    assert ended.returncode == 78
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("seclyzer_agent: configuration: listen is '0.0.0.0:9484'")
    assert "loopback only" in ended.stderr


def test_a_flag_that_is_not_known_is_one_line_and_78(host: Host) -> None:
    ended = host.run("--colour")
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1)
    assert ended.stderr.startswith("seclyzer_agent: configuration: ") and "--colour" in ended.stderr


@pytest.mark.parametrize("key", ["redis_password_file", "influx_ca_file"])
def test_an_unreadable_secret_or_ca_exits_78(host: Host, key: str) -> None:
    host.config[key] = "/nowhere/file"
    ended = host.run()
    assert ended.returncode == 78 and ended.stderr.count("\n") == 1
    assert "/nowhere/file" in ended.stderr and "No such file" in ended.stderr


def test_check_tells_what_is_away_and_exits_1(host: Host) -> None:
    ended = host.run("--check")
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("ok   redis: Redis answered PING in")
    assert lines[1] == "FAIL influxdb: cannot be reached: Connection refused"
    assert lines[2] == "ok   redis rights (keystroke): stats, stream and list may be read"


def test_what_producers_have_filled_is_nothing_that_check_finds_wrong(host: Host, redis_server: RedisServer) -> None:
    redis_server.admin.config_set("maxmemory", "1mb")
    ended = host.run("--check")
    assert ended.stdout.splitlines()[0].startswith("ok   redis: Redis answered PING in")


def test_a_taken_address_exits_1_with_one_line(host: Host) -> None:
    address, _, port = host.config["listen"].rpartition(":")
    with socket.create_server((address, int(port))):
        ended = host.run()
    assert ended.returncode == 1
    assert ended.stderr == f"seclyzer_agent: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_the_environment_beats_the_file(host: Host) -> None:
    ended = host.run("--print-config", SECLYZER_AGENT_HOST="another")
    assert "\nhost: another\n" in ended.stdout


def test_help_does_not_load_what_it_does_not_need() -> None:
    code = "import sys, seclyzer_agent.cli; print([m for m in ('httptools', 'redis', 'aiohttp') if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"


def test_an_agent_that_runs_has_not_loaded_what_a_few_lines_of_its_own_do() -> None:
    """Each takes memory for as long as the agent runs, argparse alone 0.8 MiB."""
    avoided = {"_strptime", "argparse", "calendar", "http", "pkgutil", "random", "shutil", "seclyzer_agent.page"}
    code = "import sys, seclyzer_agent.cli as cli; cli.main(['--print-config']); import seclyzer_agent.service; "
    found = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(found.stdout.splitlines()[-1].split())
    assert "seclyzer_agent.server" in loaded
    assert loaded & avoided == set()
