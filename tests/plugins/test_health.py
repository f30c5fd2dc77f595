"""Health asks the parts themselves, and says what is wrong in a sentence."""

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lab import pki
from plugins.module_utils import health, store_way, systemd
from plugins.module_utils.health import Target
from plugins.module_utils.resp import Redis as Client
from plugins.module_utils.resp import RedisError
from tests.plugins.hosts import Systemd

UNIT = "seclyzer-keystroke.service"
GOOD = {"implementation": "rust", "version": "0.1.0", "pid": "42"}


class Redis(socketserver.ThreadingUnixStreamServer):
    """Answers AUTH, PING and HGETALL of one hash."""

    daemon_threads = True
    stats: dict[str, str]
    password = "secret"

    class Handler(socketserver.StreamRequestHandler):
        server: "Redis"

        def handle(self) -> None:
            while header := self.rfile.readline():
                words = [self._word() for _ in range(int(header[1:]))]
                self.wfile.write(self._answer(words))

        def _word(self) -> str:
            size = int(self.rfile.readline()[1:])
            return self.rfile.read(size + 2)[:-2].decode()

        def _answer(self, words: list[str]) -> bytes:
            if words[0] == "AUTH":
                good = words[1:] == ["agent", self.server.password]
                return b"+OK\r\n" if good else b"-WRONGPASS invalid username-password pair\r\n"
            if words[0] == "HGETALL":
                flat = [word for pair in self.server.stats.items() for word in pair]
                parts = [f"${len(word)}\r\n{word}\r\n" for word in flat]
                return f"*{len(flat)}\r\n{''.join(parts)}".encode()
            return b"+PONG\r\n"


class Agent(BaseHTTPRequestHandler):
    """Answers what `Agent.report` says, with 503 when that is fail."""

    report: dict[str, object]

    def do_GET(self) -> None:
        body = json.dumps(self.report).encode()
        self.send_response(503 if self.report["status"] == "fail" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    (tmp_path / "password").write_text("secret\n")
    monkeypatch.setattr(health, "PASSWORD", tmp_path / "password")
    with Redis(str(tmp_path / "redis.sock"), Redis.Handler) as server:
        server.stats = dict(GOOD)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def agent() -> Iterator[str]:
    Agent.report = {"status": "pass", "checks": {}}
    with HTTPServer(("127.0.0.1", 0), Agent) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def target(redis: Redis, agent: str, fake: Systemd) -> Target:
    """A host on which all is well."""
    fake.active[UNIT] = 0
    probes = {"redis_socket": str(redis.server_address), "agent": agent, "influx_url": f"http://{agent}"}
    return Target("0.1.0", {"keystroke": "rust"}, {UNIT: ""}, probes)


def test_all_well_is_one_line(target: Target) -> None:
    found = health.look(target)
    assert found.faults == []
    assert found.summary() == "keystroke=rust, agent pass, InfluxDB answers"


def test_a_unit_that_is_not_active_is_reported_with_its_journal(
    target: Target, fake: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "journal", lambda unit: ["out of memory"])
    fake.active.clear()
    found = health.look(target)
    assert found.faults[0].startswith(f"{UNIT} is inactive/")
    assert found.journals[UNIT] == ["out of memory"]


@pytest.mark.parametrize(
    ("change", "output"),
    [
        ({"pid": "41"}, "keystroke: the heartbeat is of process 41, the unit's is 42"),
        ({"implementation": "python"}, "keystroke: python runs where rust should"),
        ({"version": "0.0.9"}, "keystroke: version 0.0.9 runs where 0.1.0 should"),
    ],
)
def test_a_heartbeat_of_another_is_a_fault(target: Target, redis: Redis, change: dict[str, str], output: str) -> None:
    redis.stats |= change
    assert health.look(target).faults == [output]


def test_no_heartbeat_is_a_fault(target: Target, redis: Redis) -> None:
    redis.stats = {}
    assert health.look(target).faults == ["keystroke: writes no heartbeat (seclyzer:stats is empty)"]


def test_a_redis_that_refuses_or_is_away_is_reported(target: Target, redis: Redis) -> None:
    redis.password = "another"
    assert health.look(target).faults[0].startswith("Redis does not answer: WRONGPASS")
    Path(str(redis.server_address)).unlink()
    assert "No such file or directory" in health.look(target).faults[0]


def test_what_the_agent_says_is_the_fault(target: Target) -> None:
    Agent.report = {
        "status": "fail",
        "checks": {
            "keystroke:losses": [{"status": "fail", "output": "keystroke: 3 events"}],
            "redis:memory": [{"status": "fail", "output": "redis: memory is full"}],
        },
    }
    reported = "keystroke:losses: keystroke: 3 events; redis:memory: redis: memory is full"
    assert health.look(target).faults[:1] == [f"the agent says fail: {reported}"]


def test_what_producers_have_filled_is_no_fault_of_a_deployment(target: Target) -> None:
    Agent.report = {
        "status": "fail",
        "checks": {"redis:memory": [{"status": "fail", "output": "redis: memory is full"}]},
    }
    found = health.look(target)
    assert not any("the agent says" in fault for fault in found.faults)
    reported = "agent fail (redis:memory: redis: memory is full), which is none of this deployment's doing"
    assert reported in found.summary()


def test_an_agent_that_fails_without_saying_why_is_a_fault(target: Target) -> None:
    Agent.report = {"status": "fail", "checks": {}, "output": "it does not know"}
    assert health.look(target).faults[:1] == ["the agent says fail: it does not know"]


def test_a_warning_is_no_fault(target: Target) -> None:
    Agent.report = {"status": "warn", "checks": {"a:b": [{"status": "warn", "output": "slow"}]}}
    found = health.look(target)
    assert found.faults == [] and found.warns
    assert "agent warn (a:b: slow)" in found.summary()


def test_an_agent_that_does_not_answer_is_reported(target: Target) -> None:
    away = Target(target.version, {}, {UNIT: ""}, {"agent": "127.0.0.1:1"})
    assert "the agent does not answer on 127.0.0.1:1" in health.look(away).faults[0]


def test_an_influxdb_that_does_not_answer_is_reported(target: Target) -> None:
    away = Target(target.version, {}, {UNIT: ""}, {"influx_url": "http://127.0.0.1:1"})
    assert "InfluxDB does not answer at http://127.0.0.1:1" in health.look(away).faults[0]


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A CA, and a certificate for `store` alone."""
    pki.request(tmp_path / "ca.key", tmp_path / "ca.crt", "CA", pki.CA_EXTENSIONS, "2")
    signed = ("-CA", str(tmp_path / "ca.crt"), "-CAkey", str(tmp_path / "ca.key"))
    extensions = (*pki.LEAF_EXTENSIONS, "subjectAltName=DNS:store")
    pki.request(tmp_path / "leaf.key", tmp_path / "leaf.crt", "store", extensions, "2", signed)
    return tmp_path


class BySocket(HTTPServer):
    """Answers at a unix socket, over TLS."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "store", 8086


def test_influxdb_is_asked_through_the_socket_in_its_own_name(
    certificates: Path, fake: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ca = str(certificates / "influx.sock"), str(certificates / "ca.crt")
    monkeypatch.setattr(systemd, "journal", lambda unit: [f"journal of {unit}"])
    fake.active[UNIT] = 0
    Agent.report = {"status": "pass"}

    def looked(url: str, by: str = path, **more: str) -> health.Health:
        probes = {"influx_url": url, "influx_socket": by, "influx_ca_file": ca, **more}
        return health.look(Target("0.1.0", {}, {UNIT: ""}, probes))

    with BySocket(path, Agent) as server:  # type: ignore[arg-type]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / "leaf.crt", certificates / "leaf.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        assert looked("https://store:8086").running == ["InfluxDB answers"]
        Agent.report = {"status": "fail"}
        assert looked("https://store:8086").faults == [
            f"InfluxDB does not answer at https://store:8086 by {path}: status 503"
        ]
        assert looked("https://store:8086", influx_other="yes").faults != []
        Agent.report = {"status": "pass", "name": "another"}
        assert "as no InfluxDB 2 does" in looked("https://store:8086").faults[0]
        assert looked("https://store:8086", influx_other="yes").running == ["InfluxDB answers"]
        (fault,) = looked("https://elsewhere:8086").faults
        assert "certificate" in fault
        server.shutdown()
    found = looked("https://store:8086", f"{path}.none")
    assert "No such file or directory" in found.faults[0]
    assert found.journals == {"seclyzer-store.service": ["journal of seclyzer-store.service"]}


def unread(check: str, status: str = "fail") -> dict[str, object]:
    """A check of the agent that could not be read."""
    return {check: [{"status": status, "output": f"{check} had no answer", "unread": True}]}


def test_what_the_agent_could_not_read_is_unknown_in_a_trial_and_a_fault_elsewhere(target: Target) -> None:
    late = unread("limits:cpu") | unread("memory:used")
    Agent.report = {"status": "fail", "checks": late}
    probes = {"agent": target.probes["agent"]}
    found = health.look(Target(target.version, {}, {UNIT: ""}, probes, trial=True))
    assert found.faults == []
    assert found.unknown == [
        "the agent could not read limits:cpu: limits:cpu had no answer; memory:used: memory:used had no answer"
    ]
    Agent.report = {"status": "fail", "checks": late | {"web:config": [{"status": "fail", "output": "it is wrong"}]}}
    found = health.look(Target(target.version, {}, {UNIT: ""}, probes, trial=True))
    assert found.faults == ["the agent says fail: web:config: it is wrong"]
    Agent.report = {"status": "fail", "checks": late}
    found = health.look(Target(target.version, {}, {UNIT: ""}, probes))
    assert found.unknown == [] and len(found.faults) == 1


@pytest.mark.parametrize(("takes", "outside", "faults"), [(False, True, 0), (True, True, 1), (False, False, 1)])
def test_a_token_that_the_store_refuses_the_host_as_well_is_not_the_deployments_fault(
    target: Target, monkeypatch: pytest.MonkeyPatch, takes: bool, outside: bool, faults: int
) -> None:
    monkeypatch.setattr(store_way, "takes_writes", lambda way: takes)
    Agent.report = {"status": "fail", "checks": {"keystroke:store": [{"status": "fail", "output": "status 401"}]}}
    probes, way = {"agent": target.probes["agent"]}, store_way.Way("https://store:8086", "/run/x.sock", "")
    found = health.look(Target(target.version, {}, {UNIT: ""}, probes, trial=True, outside=outside, way=way))
    assert (len(found.faults), found.takes) == (faults, takes)
    assert not health.look(Target(target.version, {}, {UNIT: ""}, probes, way=way), narrow=True).takes


def test_a_check_of_which_one_row_was_read_is_not_unknown(target: Target) -> None:
    (rows,) = unread("memory:used").values()
    Agent.report = {"status": "fail", "checks": {"memory:used": [*rows, {"status": "fail", "output": "x uses 99 %"}]}}  # type: ignore[misc]
    found = health.look(Target(target.version, {}, {UNIT: ""}, {"agent": target.probes["agent"]}, trial=True))
    assert found.unknown == [] and "x uses 99 %" in found.faults[0]


def test_waiting_ends_with_the_first_good_look(target: Target, redis: Redis) -> None:
    redis.stats = {}
    threading.Timer(0.2, redis.stats.update, [GOOD]).start()
    assert health.wait(target, 5, pause=0.05).faults == []


def test_in_a_trial_waiting_goes_on_until_all_could_be_read_and_what_could_not_is_no_fault(target: Target) -> None:
    probes = {"agent": target.probes["agent"]}
    on_trial = Target(target.version, {}, {UNIT: ""}, probes, trial=True)
    Agent.report = {"status": "fail", "checks": unread("memory:used")}
    found = health.wait(on_trial, 0.2, pause=0.05)
    assert (found.faults, len(found.unknown)) == ([], 1)
    threading.Timer(0.2, Agent.report.update, [{"status": "pass", "checks": {}}]).start()
    assert health.wait(on_trial, 5, pause=0.05).unknown == []


def test_waiting_gives_up_and_says_what_was_wrong_last(target: Target, redis: Redis) -> None:
    redis.stats = {}
    assert health.wait(target, 0.2, pause=0.05).faults != []


def test_a_warning_right_after_a_switch_is_looked_at_again(target: Target) -> None:
    Agent.report = {"status": "warn", "checks": {}}
    threading.Timer(0.2, Agent.report.update, [{"status": "pass"}]).start()
    assert health.wait(target, 5, grace=2, pause=0.05).warns is False


def test_a_reply_of_redis_is_read_whole(redis: Redis) -> None:
    with Client(str(redis.server_address), "agent", "secret") as connection:
        assert connection.call("PING") == "PONG"
        assert connection.pairs("HGETALL", "any") == GOOD
    with pytest.raises(RedisError, match="WRONGPASS"):
        Client(str(redis.server_address), "agent", "wrong")


@pytest.mark.parametrize(
    ("going_back", "status", "running", "faults"),
    [
        (True, "warn", "InfluxDB is away, points are kept", 0),
        (True, "fail", "", 2),
        (True, "pass", "", 1),
        (False, "warn", "", 1),
    ],
)
def test_a_host_may_do_without_a_store_while_the_agent_says_that_points_are_kept(
    target: Target, going_back: bool, status: str, running: str, faults: int
) -> None:
    Agent.report = {"status": status, "checks": {"influxdb:responseTime": [{"status": status, "output": "away"}]}}
    probes = {"agent": target.probes["agent"], "influx_url": "http://127.0.0.1:1"}
    found = health.look(Target(target.version, {}, {UNIT: ""}, probes, going_back))
    assert (running in found.running) is bool(running)
    assert len(found.faults) == faults
