"""InfluxDB is away while programs run, are ended and killed: what it did not answer is on disk, and comes back."""

import os
import signal
import time
from pathlib import Path

import pytest
from running import comes_to, expected, focuses, listed, running, stats, type_keys
from servers import InfluxStub

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until

SOON = {"SECLYZER_INFLUX_TIMEOUT_SECONDS": "0.5", "SECLYZER_INFLUX_RETRY_SECONDS": "0.3"}


def times(lines: list[bytes] | list[str]) -> list[int]:
    """Of points."""
    return [int(line.split()[-1]) for line in lines]


def on_disk(state_dir: Path) -> list[bytes]:
    return [line for path in sorted((state_dir / "spool").glob("*.lp")) for line in path.read_bytes().splitlines()]


def test_points_go_to_disk_outlive_a_kill_and_are_sent_in_order(
    redis_server: RedisServer, influx: InfluxStub, tmp_path: Path
) -> None:
    client = redis_server.start()
    influx.answer = lambda lines: None
    env = {**SOON, "STATE_DIRECTORY": str(tmp_path), "INFLUX_URL": influx.url}
    with running("keystroke", redis_server, **env) as program:
        sent = type_keys(client, 2.5, lambda i: "stream")
        windows = comes_to(client, sent)
        until(lambda: stats(client, "keystroke").get("points_spooled") == str(len(windows)))
        reported = stats(client, "keystroke")
        assert int(reported["spool_bytes"]) == sum(len(line) + 1 for line in on_disk(tmp_path)) > 0
        stored = client.hget("seclyzer:cursor:keystroke", "stored")
        assert stored == str(windows[-1]["ts"]).encode()  # in the spool is stored
        log = program.stop(signal.SIGKILL)[1]
    assert log.count("InfluxDB is away: points go to the disk buffer") == 1
    assert times(on_disk(tmp_path)) == [window["ts"] for window in windows]
    influx.answer = lambda lines: (204, {}, b"")
    with running("keystroke", redis_server, **env) as program:
        until(lambda: len(influx.accepted) >= len(windows))
        until(lambda: on_disk(tmp_path) == [])
        until(lambda: stats(client, "keystroke")["points_written"] == str(len(windows)))
        reported = stats(client, "keystroke")
        assert (reported["spool_bytes"], reported["points_spooled"], reported["points_dropped"]) == ("0", "0", "0")
        log = program.stop()[1]
    assert log.count(f'"the disk buffer was sent" points={len(windows)}') == 1
    assert times(influx.accepted) == [window["ts"] for window in windows]
    assert os.listdir(tmp_path / "spool") == []


@pytest.mark.parametrize("how", ["closes", "is silent"])
def test_at_sigterm_the_rest_goes_to_disk_and_the_cursor_with_it(
    redis_server: RedisServer, influx: InfluxStub, tmp_path: Path, how: str
) -> None:
    client = redis_server.start()
    influx.answer = lambda lines: None if how == "closes" else time.sleep(30)
    with running("keystroke", redis_server, STATE_DIRECTORY=str(tmp_path), INFLUX_URL=influx.url) as program:
        sent = type_keys(client, 1.5, lambda i: "stream")
        windows = comes_to(client, sent)
        until(lambda: influx.requests)
        status, _, seconds = program.stop()
    assert (status, seconds < 5.0) == (0, True)
    assert times(on_disk(tmp_path)) == [window["ts"] for window in windows]
    assert client.hget("seclyzer:cursor:keystroke", "stored") == str(windows[-1]["ts"]).encode()
    reported = stats(client, "keystroke")
    assert reported["points_spooled"] == str(len(windows))


def test_points_of_applications_on_disk_are_no_matter_of_the_state_any_more(
    redis_server: RedisServer, influx: InfluxStub, tmp_path: Path
) -> None:
    client = redis_server.start()
    env = {**SOON, "STATE_DIRECTORY": str(tmp_path)}
    with running("app", redis_server, **env) as program:
        sent = focuses(client, "abcab")
        until(lambda: len(listed(client, "app")) == 4)
        until(lambda: stats(client, "app")["points_spooled"] == "4")
        program.stop()
    assert b'"unstored":[]' in (client.get("seclyzer:app:state") or b"")
    with running("app", redis_server, **env, INFLUX_URL=influx.url):
        until(lambda: len(influx.accepted) == 4)
    assert times(influx.accepted) == [one["ts"] for one in expected(sent, "app")[:-1]]


def test_a_disk_that_takes_nothing_is_logged_and_memory_holds_the_points(
    redis_server: RedisServer, influx: InfluxStub, tmp_path: Path
) -> None:
    client = redis_server.start()
    (tmp_path / "spool").write_bytes(b"no folder")
    influx.answer = lambda lines: None
    with running("keystroke", redis_server, **SOON, STATE_DIRECTORY=str(tmp_path), INFLUX_URL=influx.url) as program:
        windows = comes_to(client, type_keys(client, 1.0, lambda i: "stream"))
        until(lambda: "the disk buffer cannot be written" in program.log())
        influx.answer = lambda lines: (204, {}, b"")
        until(lambda: len(influx.accepted) == len(windows))
        log = program.stop()[1]
    assert log.count("the disk buffer cannot be written") == 1 and 'reason="Not a directory"' in log
