"""Who opens many connections, or speaks slowly, too much or nonsense, takes nothing from anybody else."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from agent_world import Agent, Host

from seclyzer_agent import guard
from seclyzer_agent.cache import MOMENT, MOST_QUERIES, Body, Cache, TooMany

Start = Callable[..., Agent]
MANY = 1100  # more than the descriptors that a service has by default
ASKS = 10
LIVELY = guard.HEAD_SECONDS / 2
"""An answer that had to wait for a place would wait for HEAD_SECONDS, until one that says nothing loses it."""
FEW_BYTES = 4096  # of log


pytestmark = pytest.mark.usefixtures("many_descriptors")


@pytest.fixture
def agent(host: Host, start: Start) -> Agent:
    """An agent with as many descriptors as a service has by default, whose checks need new ones at each reading."""
    started = start()
    resource.prlimit(started.process.pid, resource.RLIMIT_NOFILE, (1024, 1024))
    return started


def connect(agent: Agent) -> socket.socket:
    return socket.create_connection(("127.0.0.1", agent.port), timeout=5)


def say(connection: socket.socket, data: bytes) -> None:
    """Send what can be sent to a connection that the agent may have closed."""
    with contextlib.suppress(OSError):
        connection.sendall(data)


def slowest(agent: Agent) -> float:
    """The longest that /livez took."""
    answers = [agent.get("/livez") for _ in range(ASKS)]
    assert [answer.status for answer in answers] == [200] * ASKS
    return max(answer.seconds for answer in answers)


def descriptors(agent: Agent) -> int:
    return len(list(Path(f"/proc/{agent.process.pid}/fd").iterdir()))


def closed(connection: socket.socket, seconds: float) -> bool:
    """Whether the agent closes it in time."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def checks_pass_and_little_was_logged(agent: Agent) -> None:
    """Every check was read again meanwhile and found nothing wrong, but for InfluxDB, which the host has not."""
    time.sleep(1.0)
    checks = agent.inside("/healthz?verbose").json["checks"]
    bad = {name for name, entries in checks.items() for entry in entries if entry["status"] != "pass"}
    assert bad == {"influxdb:responseTime"}
    code, log = agent.stop()
    assert code == 0
    assert len(log) < FEW_BYTES, log[:2000]


def test_half_open_connections_hold_up_neither_answers_nor_checks_and_fill_no_journal(agent: Agent) -> None:
    with ExitStack() as held:
        for _ in range(MANY):
            held.enter_context(connect(agent))
        assert slowest(agent) < LIVELY
        assert descriptors(agent) < 400
        assert agent.inside("/livez").seconds < LIVELY
        checks_pass_and_little_was_logged(agent)


def test_connections_that_come_and_go_all_the_time_do_not_either(agent: Agent) -> None:
    end = threading.Event()

    def flood() -> None:
        held: list[socket.socket] = []
        while not end.is_set():
            with contextlib.suppress(OSError):
                held.append(connect(agent))
            if len(held) > 300:
                held.pop(0).close()
        for connection in held:
            connection.close()

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        time.sleep(0.5)
        assert slowest(agent) < LIVELY
    finally:
        end.set()
        thread.join()
    checks_pass_and_little_was_logged(agent)


def test_headers_that_come_slowly_end_in_time(agent: Agent) -> None:
    with ExitStack() as held:
        slow = [held.enter_context(connect(agent)) for _ in range(guard.MOST_CONNECTIONS - 10)]
        began = time.monotonic()
        for connection in slow:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        while time.monotonic() - began < guard.HEAD_SECONDS - 1:
            for connection in slow:
                say(connection, b"b")
            assert agent.get("/livez").seconds < LIVELY
            time.sleep(0.5)
        assert not closed(slow[-1], 0.1)
        assert all(closed(connection, guard.HEAD_SECONDS) for connection in slow)
        assert time.monotonic() - began < 2 * guard.HEAD_SECONDS
        checks_pass_and_little_was_logged(agent)


def test_idle_connections_are_kept_for_their_clients_but_never_too_many(agent: Agent) -> None:
    with ExitStack() as held:
        idle = [held.enter_context(connect(agent)) for _ in range(4 * guard.MOST_CONNECTIONS)]
        for connection in idle:
            say(connection, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert slowest(agent) < LIVELY
        assert descriptors(agent) < guard.MOST_CONNECTIONS + 100
        newest = idle[-1]
        assert newest.recv(1000).startswith(b"HTTP/1.1 200 ")
        say(newest, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert newest.recv(1000).startswith(b"HTTP/1.1 200 ")
        assert closed(idle[0], 1.0)
        checks_pass_and_little_was_logged(agent)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 100,
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20_000,
        b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 200_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
        b"GET /" + b"a" * 1_000_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + b"\0" * 500_000,
    ],
    ids=["tls", "pipelined", "body", "headers", "line", "chunks", "upgrade"],
)
def test_garbage_is_dropped_and_makes_a_line_in_ten_seconds(agent: Agent, garbage: bytes) -> None:
    for _ in range(50):
        with connect(agent) as connection:
            connection.settimeout(0.2)
            say(connection, garbage)
    assert slowest(agent) < LIVELY
    checks_pass_and_little_was_logged(agent)


def test_what_a_client_does_not_read_is_not_kept_for_it(agent: Agent) -> None:
    with ExitStack() as held:
        for _ in range(40):
            connection = held.enter_context(connect(agent))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            say(connection, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        assert slowest(agent) < LIVELY
        checks_pass_and_little_was_logged(agent)


def test_many_who_ask_the_same_cost_hardly_more_than_one_and_many_questions_are_bounded(agent: Agent) -> None:
    clock = [0.0]
    made: list[tuple[str, str]] = []
    recent = Cache(lambda: clock[0])

    def ask(page: str, query: str = "") -> Body:
        def make() -> Body:
            made.append((page, query))
            return Body(200, str(len(made)).encode(), "")

        return recent.get(page, query, make)

    assert [ask("healthz").data for _ in range(3)] == [b"1"] * 3
    assert ask("metrics").data == b"2"
    for n in range(MOST_QUERIES):
        ask("healthz", f"exclude={n}")
    with pytest.raises(TooMany):
        ask("healthz", "exclude=more")
    assert (ask("healthz").data, ask("healthz", "exclude=0").data) == (b"1", b"3")
    assert ask("page").status == 200
    clock[0] += MOMENT
    ask("healthz", "exclude=more")
    assert ask("healthz").data != b"1"
    answers = {agent.get(f"/healthz?exclude=a{n}").status for n in range(100)}
    assert answers == {200, 429}
    assert agent.get("/healthz").status == 200
    assert agent.inside("/healthz?exclude=inside").status == 200
