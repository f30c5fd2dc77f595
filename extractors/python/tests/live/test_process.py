"""What systemd and a person at the terminal see of a program: its end, its notifications, `--check`."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from running import running, stats, type_keys
from servers import InfluxStub
from support import command, environment

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until


@pytest.mark.parametrize("sick", ["away", "hanging", "influx"])
def test_sigterm_ends_it_in_five_seconds_whatever_is_sick(
    redis_server: RedisServer, influx: InfluxStub, sick: str
) -> None:
    if sick == "influx":
        influx.answer = lambda lines: time.sleep(30)
    with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
        if sick != "away":
            client = redis_server.start()
            until(lambda: stats(client, "keystroke"))
            type_keys(client, 2.5, lambda i: "stream")
        if sick == "hanging":
            redis_server.signal(signal.SIGSTOP)
        until(lambda: "started" in program.log())
        time.sleep(0.5)
        status, log, seconds = program.stop()
        if sick == "hanging":
            redis_server.signal(signal.SIGCONT)
    assert (status, seconds < 5.0) == (0, True), log


def test_systemd_is_notified(redis_server: RedisServer, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        reported: list[str] = []

        def hears(message: str) -> None:
            while message not in reported:
                reported.append(systemd.recv(1000).decode())

        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        with running("mouse", redis_server, **env) as program:
            hears("READY=1")  # though Redis is away
            hears("WATCHDOG=1")
            while not any(one.startswith("STATUS=waiting for Redis: ") for one in reported):
                reported.append(systemd.recv(1000).decode())
            redis_server.start()
            hears("STATUS=reading events")
            reported.clear()
            begun = time.monotonic()
            for _ in range(5):
                reported.clear()
                hears("WATCHDOG=1")
            assert 1.0 < time.monotonic() - begun < 2.5  # about every 0.3 s
            program.process.send_signal(signal.SIGTERM)
            hears("STOPPING=1")
            hears("STATUS=stopping")


def test_check_says_what_is_right_and_what_is_wrong(redis_server: RedisServer, influx: InfluxStub) -> None:
    def check(**env: str) -> tuple[int, str]:
        done = subprocess.run(
            command("keystroke", "--check"),
            env=environment(REDIS_URL=redis_server.url, INFLUX_URL=influx.url, **env),
            capture_output=True, timeout=20,
        )  # fmt: skip
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    store = f"127.0.0.1:{influx.port}"
    good = f"influxdb: good: {store} takes points into seclyzer/behavioral_data\n"
    socket = f"unix://{redis_server.socket}"
    absent = f"redis: bad: {socket}: No such file or directory; does it run, and listen there? check redis_url\n"
    assert check() == (1, absent + good)
    redis_server.start("--requirepass", "right")
    assert check(REDIS_PASSWORD="right") == (0, f"redis: good: {socket} answers user default\n{good}")
    for password, words in (("wrong", "WRONGPASS"), ("", "NOAUTH")):
        status, output = check(REDIS_PASSWORD=password)
        assert status == 1 and output.startswith(f"redis: bad: {socket}: refused HELLO: {words}")
        assert output.endswith(f"; check redis_username and redis_password\n{good}")
    for answer, token, hint in (
        (401, "", "a token is required; set influx_token"),
        (401, "x", "the token is not known; check influx_token"),
        (403, "x", "the token may not write there; give it write permission, or check influx_bucket"),
        (404, "x", "no such organisation or bucket; check influx_org and influx_bucket"),
        (503, "x", "it is busy or starting; try again"),
        (500, "x", "is that InfluxDB 2? check influx_url"),
    ):
        influx.answer = lambda lines, answer=answer: (answer, {}, b"{}")  # type: ignore[misc]
        status, output = check(REDIS_PASSWORD="right", INFLUX_TOKEN=token)
        bad = f"influxdb: bad: {store}: status {answer} for seclyzer/behavioral_data; {hint}\n"
        assert (status, output.splitlines(keepends=True)[1]) == (1, bad)
    assert all(lines == [] for _, _, lines in influx.requests)
