"""The running programs against a real Redis: what goes in comes out once, and tells nothing that it should not."""

import json
import os
import re
import time
from pathlib import Path

from running import comes_to, heard_by, listed, listening, now, running, stats, type_keys
from servers import InfluxStub
from support import SECOND, key, move

from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until

STATS = """
implementation version pid started_at events malformed future ancient late behind dropped sessions windows windows_short
last_id last_event_ts last_window_ts points_written points_spooled points_rejected points_dropped spool_bytes
redis_reconnects influx_errors gaps streams_reset entries_trimmed outputs_dropped output_errors state_skipped
redis_read_fault redis_read_reason redis_read_advice redis_read_since redis_read_until
redis_write_fault redis_write_reason redis_write_advice redis_write_since redis_write_until
influxdb_fault influxdb_reason influxdb_advice influxdb_since influxdb_until influxdb_answered_at
window_publish_delay store_write spool_oldest_ts
spool_fault spool_reason spool_advice spool_since spool_until
"""


def test_events_by_stream_and_pubsub_come_out_equal_to_a_replay(redis_server: RedisServer, influx: InfluxStub) -> None:
    client = redis_server.start()
    heard = listening(client)
    with running("keystroke", redis_server, INFLUX_URL=influx.url) as program:
        until(lambda: stats(client, "keystroke"))
        sent = type_keys(client, 3.0, lambda i: "stream" if i % 3 else "publish")
        windows = comes_to(client, sent)
        assert len(windows) >= 3
        assert heard_by(heard) == windows
        status, log, seconds = program.stop()
    assert (status, seconds < 5) == (0, True), log
    assert [int(line.rsplit(" ", 1)[1]) for line in influx.accepted] == [window["ts"] for window in windows]
    series, fields, _ = influx.accepted[0].split(" ")
    assert series == "keystroke_features,user_id=default,device_id=keyboard_0,host=here"
    assert fields.startswith(f"dwell_mean={windows[0]['dwell_mean']!r},dwell_std=")
    reported = stats(client, "keystroke")
    assert reported["events"] == str(len(sent))
    assert reported["windows"] == reported["points_written"] == str(len(windows))
    cursor = client.hgetall("seclyzer:cursor:keystroke")
    through = str(windows[-1]["ts"]).encode()
    assert cursor == {b"published": through, b"stored": through, b"version": b"1"}


def test_the_stats_hash_holds_every_field_and_expires(redis_server: RedisServer) -> None:
    client = redis_server.start()
    client.xadd("seclyzer:stream:mouse", {"e": move(now()).strip()}, id="5-7")
    client.xadd("seclyzer:stream:mouse", {"wrong": "field"}, id="5-8")
    with running("mouse", redis_server) as program:
        reported = until(lambda: stats(client, "mouse"))
        assert set(reported) == set(STATS.split())
        assert (reported["implementation"], reported["pid"]) == ("python", str(program.process.pid))
        assert abs(int(reported["started_at"]) - now()) < 20 * SECOND
        assert 20 < client.ttl("seclyzer:stats:mouse") <= 30
        reported = until(lambda: (made := stats(client, "mouse"))["malformed"] == "1" and made)
        assert (reported["events"], reported["last_id"]) == ("1", "5-8")
        until(lambda: client.xlen("seclyzer:stream:mouse") == 0)  # older than 120 s: trimmed, though nothing came


def test_entries_are_trimmed_by_age_to_the_millisecond(redis_server: RedisServer) -> None:
    client = redis_server.start()
    ms = time.time_ns() // 1_000_000
    for age in (200_000, 130_000, 121_000, 100_000, 0):
        client.xadd("seclyzer:stream:keystroke", {"e": "{}"}, id=f"{ms - age}-0")
    with running("keystroke", redis_server):
        until(lambda: client.xlen("seclyzer:stream:keystroke") == 2)


def test_no_log_line_and_no_output_holds_a_key(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server, "--log-level", "debug") as program:
        until(lambda: stats(client, "keystroke"))
        for i in range(40):
            client.xadd("seclyzer:stream:keystroke", {"e": key(now(), "KeySecret", "release" if i % 2 else "press")})
            client.xadd("seclyzer:stream:keystroke", {"e": b'{"type":"keystroke","key":"KeySecret"'})
            client.publish("seclyzer:events", b'["KeySecret"]')
        until(lambda: stats(client, "keystroke")["windows"] != "0")
        reported = stats(client, "keystroke")
        windows = listed(client, "keystroke")
        _, log, _ = program.stop()
    assert windows and "Secret" not in log + json.dumps(windows) + json.dumps(reported)
    reported_skips = re.findall(r"messages that break the contract were skipped\S* count=(\d+)", log)
    assert sum(map(int, reported_skips)) == 80  # once in a while, and the rest at the end
    assert len(reported_skips) < 10


def test_it_stays_small_and_idles(redis_server: RedisServer) -> None:
    client = redis_server.start()
    with running("keystroke", redis_server) as program:
        until(lambda: stats(client, "keystroke"))
        proc = Path(f"/proc/{program.process.pid}")

        def status(name: str) -> int:
            text = (proc / "status").read_text(encoding="ascii")
            return int(next(line for line in text.splitlines() if line.startswith(name)).split()[1])

        time.sleep(1.0)
        switches = status("voluntary_ctxt_switches")
        time.sleep(5.0)
        assert status("voluntary_ctxt_switches") - switches <= 15
        assert status("VmRSS") < 35 * 1024
        assert len(os.listdir(proc / "task")) == 2
