"""The agent as a process: its answers while things break, systemd, and its end."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from agent_world import STATS, Agent, Host, RedisServer
from fake_systemd import CALLS

from seclyzer_agent import __version__, registry
from tests.helpers.waiting import until

Start = Callable[..., Agent]
QUICK = 0.1  # s; an answer takes a few milliseconds, and a busy machine may hold up a few of them


def waited(agent: Agent) -> float:
    """Seconds for which this process and the agent's were ready and had no processor: the machine was busy."""
    stats = (Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8") for pid in ("self", agent.process.pid))
    return sum(int(stat.split()[1]) for stat in stats) / 1e9


def test_a_host_whose_parts_all_work_is_warned_of_a_store_that_is_away_while_the_spool_keeps_all(
    host: Host, start: Start, redis_server: RedisServer
) -> None:
    agent = start()
    answer = agent.get("/healthz?exclude=influxdb&verbose")
    assert (answer.status, answer.json["status"]) == (200, "pass"), answer.json["output"]
    assert answer.json["checks"]["keystroke:heartbeat"][0]["observedValue"] == f"rust {__version__}"
    assert answer.headers["content-type"].startswith("application/health+json")
    away = "InfluxDB cannot be reached: Connection refused; "
    answer = agent.get("/healthz")
    assert (answer.status, answer.json["status"]) == (200, "warn")
    assert agent.output("influxdb") == away + "no point is lost: nothing had to be spooled yet"
    redis_server.write_stats("keystroke", STATS | {"points_spooled": 9, "spool_bytes": 5120})
    until(lambda: agent.output("influxdb") == away + "no point is lost: 5.0 KiB of points are in the spool")
    assert agent.get("/healthz").status == 200
    redis_server.write_stats("keystroke", STATS | {"points_dropped": 1, "spool_bytes": 5120})
    until(lambda: agent.status("influxdb") == "fail")
    lost = "influxdb: cannot be reached: Connection refused; points are lost; 5.0 KiB of points are in the spool"
    assert agent.output("influxdb") == lost
    assert agent.get("/healthz").status == 503


def test_a_store_fails_when_its_own_influxdb_is_away(host: Host, start: Start) -> None:
    host.config["roles"] = ["edge", "store"]
    agent = start()
    assert (agent.status("influxdb"), agent.get("/healthz").status) == ("fail", 503)
    assert agent.output("influxdb") == "influxdb: cannot be reached: Connection refused"


@pytest.mark.parametrize("broken", ["influxdb", "redis", "units"])
def test_a_dependency_that_hangs_fails_its_check_and_never_holds_up_an_answer(
    host: Host, start: Start, hanging_port: int, broken: str
) -> None:
    output = "no answer within 0.3 s"
    if broken == "influxdb":
        host.config["roles"] = ["edge", "store"]
        output = "does not answer"
        host.config["influx_url"] = f"http://127.0.0.1:{hanging_port}"
    elif broken == "redis":
        host.config["redis_url"] = f"redis://127.0.0.1:{hanging_port}"
    else:
        host.systemd.silent = CALLS
    agent = start(ready=False)
    times: list[float] = []
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        for path in ("/livez", "/readyz", "/healthz", "/metrics", "/"):
            before = waited(agent)
            times.append(agent.get(path).seconds - (waited(agent) - before))
    assert sorted(times)[len(times) * 9 // 10] < QUICK and max(times) < 3 * QUICK
    assert agent.get("/readyz").status == 200
    assert agent.status(broken) == "fail"
    assert output in agent.output(broken)
    assert agent.get("/healthz").status == 503
    metrics = agent.get("/metrics").body
    assert f'seclyzer_check_status{{check="{broken}"}} 2.0' in metrics
    assert ("seclyzer_unit_state{" in metrics) is (broken != "units")
    assert ("seclyzer_redis_up 1.0" in metrics) is (broken != "redis")


def test_not_ready_before_every_check_has_ended_once(host: Host, start: Start) -> None:
    host.systemd.silent = CALLS
    host.config["checks"]["units"] |= {"deadline_seconds": 1.5, "interval_seconds": 2}
    agent = start(ready=False)
    assert agent.get("/livez").status == 200
    for path in ("/readyz", "/startupz"):
        answer = agent.get(path)
        assert answer.status == 503 and "units" in answer.body
    assert agent.get("/healthz").status == 503
    until(lambda: agent.get("/readyz").status == 200)


def test_a_redis_that_stops_and_comes_back_is_seen_each_time(
    host: Host, start: Start, redis_server: RedisServer
) -> None:
    agent = start()
    assert agent.status("redis") == "pass"
    redis_server.signal(signal.SIGSTOP)
    until(lambda: agent.status("redis") == "fail" and agent.status("keystroke") == "fail")
    assert agent.get("/livez").status == 200
    redis_server.signal(signal.SIGCONT)
    until(lambda: agent.status("redis") == "pass" and agent.status("keystroke") == "pass")
    code, log = agent.stop()
    changes = re.findall(r"check=redis was=(\w+) now=(\w+)", log)
    assert (code, changes) == (0, [("pass", "fail"), ("fail", "pass")])


def test_one_odd_reading_is_damped_and_shown_in_verbose_only(host: Host, start: Start) -> None:
    host.config["checks"]["units"] |= {"fall": 30, "rise": 1}
    agent = start()
    host.units(keystroke={"active": "failed", "sub": "failed", "result": "oom-kill", "pid": 0})
    until(lambda: '"lastResult": "fail"' in agent.get("/healthz?verbose").body)
    assert agent.status("units") == "pass"
    assert agent.get("/healthz?exclude=influxdb&exclude=keystroke").status == 200


def test_a_unit_that_fails_is_reported_with_its_reason_and_so_is_the_heartbeat_without_it(
    host: Host, start: Start
) -> None:
    agent = start()
    host.units(keystroke={"active": "failed", "sub": "failed", "result": "oom-kill", "pid": 0})
    until(lambda: agent.status("units") == "fail" and agent.status("keystroke") == "fail")
    assert agent.output("units") == "seclyzer-keystroke.service is failed (Result=oom-kill)"
    assert "the main process of seclyzer-keystroke.service is none" in agent.output("keystroke")
    state = 'seclyzer_unit_state{name="seclyzer-keystroke.service",state="failed"} 1.0'
    assert state in agent.get("/metrics").body


def test_a_restarted_unit_is_a_warning(host: Host, start: Start) -> None:
    agent = start()
    host.units(keystroke={"restarts": 1})
    until(lambda: agent.status("units") == "warn")
    assert "was restarted once in the last 300 s" in agent.output("units")


def test_the_wrong_implementation_fails(host: Host, start: Start, redis_server: RedisServer) -> None:
    agent = start()
    redis_server.admin.hset("seclyzer:stats:keystroke", "implementation", "python")
    until(lambda: agent.status("keystroke") == "fail")
    assert "the python implementation runs, not the rust one" in agent.output("keystroke")


def test_a_store_has_no_redis_and_needs_no_password(host: Host, start: Start) -> None:
    host.config["roles"] = ["store"]
    host.config["units"] = {"influxdb": "influxdb.service"}
    host.units()
    del host.config["redis_password_file"]
    agent = start()
    names = {key.split(":")[0] for key in agent.get("/healthz").json["checks"]}
    on_stores = {name for spec in registry.specs() if "store" in spec.roles for name in spec.names}
    on_stores -= {"points", "certificate", "limits", "web"}  # no watch, no TLS, no cgroup and no way in here
    assert names == on_stores >= {"units", "memory", "deployment", "integrity", "influxdb"}
    assert "seclyzer_redis_up" not in agent.get("/metrics").body


def test_only_get_and_head_and_only_for_the_loopbacks_names(host: Host, start: Start) -> None:
    agent = start()
    head = agent.get("/healthz", "HEAD")
    assert head.status == 200 and head.body == "" and int(head.headers["content-length"]) > 100
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        refused = agent.get("/healthz", method)
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD"), method
    paths = ("/", "/overview", "/healthz", "/metrics", "/livez", "/readyz", "/startupz")
    for path in paths:
        whole, head = agent.get(path), agent.get(path, "HEAD")
        assert (head.status, head.body) == (whole.status, "") and head.headers.keys() == whole.headers.keys(), path
    nothing = agent.get("/nothing")
    assert (nothing.status, nothing.body) == (404, f"there is nothing here; there is {', '.join(paths)}\n")
    names = ("localhost", "127.0.0.1:9484", "[::1]:9484", "LOCALHOST:1")
    assert [agent.get("/livez", Host=name).status for name in names] == [200] * 4
    for name in ("rebound.example", "127.0.0.1.example", "10.0.0.1", "[fe80::1]"):
        assert agent.get("/", Host=name).status == 421
    page = agent.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


def test_nothing_secret_and_no_event_reaches_answers_or_log(
    host: Host, start: Start, redis_server: RedisServer
) -> None:
    event = '{"type": "keystroke", "ts": 1, "key": "KeyQ7", "event": "press"}'
    redis_server.admin.xadd("seclyzer:stream:keystroke", {"e": event})
    redis_server.admin.hset("seclyzer:stats:keystroke", "version", "KeyQ7 <b>")
    agent = start()
    time.sleep(0.8)
    output = "".join(agent.get(path).body for path in ("/healthz?verbose", "/metrics", "/"))
    output += agent.stop()[1]
    assert "KeyQ7" not in output and "agent-password\n" not in output and "<b>" not in output


class Systemd:
    """A socket in systemd's place."""

    def __init__(self, place: Path) -> None:
        self.address = str(place / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(5)

    def until(self, word: str) -> list[str]:
        """All lines up to the message with this word in it, within 20 s."""
        lines: list[str] = []
        end = time.monotonic() + 20
        while not any(word in line for line in lines):
            assert time.monotonic() < end, lines
            lines += self._socket.recv(4096).decode().split("\n")
        return lines


def test_systemd_receives_ready_status_watchdog_and_stopping(
    host: Host, start: Start, redis_server: RedisServer, tmp_path: Path
) -> None:
    systemd = Systemd(tmp_path)
    agent = start(NOTIFY_SOCKET=systemd.address, WATCHDOG_USEC="400000")
    first = systemd.until("READY=1")
    assert first[0] == "READY=1"
    systemd.until("STATUS=warn: InfluxDB cannot be reached: Connection refused; no point is lost")
    began = time.monotonic()
    for _ in range(5):
        systemd.until("WATCHDOG=1")
    assert 0.6 < time.monotonic() - began < 2.0
    redis_server.signal(signal.SIGSTOP)
    systemd.until("redis: ")
    systemd.until("WATCHDOG=1")  # what is away is no reason to be killed
    agent.process.send_signal(signal.SIGTERM)
    systemd.until("STOPPING=1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_with_0_also_while_things_hang_and_clients_linger(
    host: Host, start: Start, hanging_port: int, number: signal.Signals
) -> None:
    host.config["influx_url"] = f"http://127.0.0.1:{hanging_port}"
    host.systemd.silent = CALLS
    agent = start(ready=False)
    lingering = socket.create_connection(("127.0.0.1", agent.port))
    lingering.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200" in lingering.recv(100)
    time.sleep(0.1)
    began = time.monotonic()
    agent.process.send_signal(number)
    assert agent.process.wait(timeout=5) == 0
    assert time.monotonic() - began < 2
    lingering.close()


def test_the_log_is_logfmt_with_one_line_for_each_change(host: Host, start: Start) -> None:
    agent = start()
    time.sleep(1.0)
    code, log = agent.stop()
    lines = log.splitlines()
    value = r'("(\\.|[^"\\])*"|[^ "=]+)'
    pattern = rf"ts=\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z level=\w+ msg={value}( \w+={value})*"
    assert code == 0 and all(re.fullmatch(pattern, line) for line in lines), log
    assert "msg=listening" in lines[0] and lines[-1].endswith("msg=stopped")
    assert len([line for line in lines if "check=influxdb" in line]) == 1
