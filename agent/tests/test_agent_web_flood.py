"""Who comes from elsewhere in numbers, slowly, or with guesses, takes nothing from those who are known."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from agent_world import Agent
from test_agent_flood import LIVELY, MANY, closed, descriptors, say
from web_access import PASSWORD, Start, Way, answered, basic

from seclyzer_agent import guard, passwords
from seclyzer_agent.passwords import MOST_WAITING
from tests.helpers.waiting import until

pytestmark = pytest.mark.usefixtures("many_descriptors")

DEAR = (
    "import ctypes, sys; c = ctypes.CDLL('libcrypt.so.1').crypt; c.restype = ctypes.c_char_p; "
    "print(c(sys.argv[1].encode(), b'$2b$10$abcdefghijklmnopqrstuu').decode())"
)


def _cpu(agent: Agent) -> float:
    fields = Path(f"/proc/{agent.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_handshakes_that_never_end_hold_up_neither_a_scrape_nor_a_check(way: Way, start: Start) -> None:
    agent = start()
    hello = ssl.MemoryBIO()
    client = way.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    first = hello.read()
    with ExitStack() as held:
        slow = []
        for n in range(MANY):
            slow.append(held.enter_context(socket.create_connection(("127.0.0.1", way.port), timeout=5)))
            say(slow[-1], first if n % 2 else first[:20])
        assert way.get("/metrics").status == 200  # once its turn has come, behind those that came before
        answers = [way.get("/metrics") for _ in range(10)]
        assert [answer.status for answer in answers] == [200] * 10
        assert sorted(answer.seconds for answer in answers)[5] < LIVELY
        assert descriptors(agent) < guard.MOST_CONNECTIONS + 100
        assert agent.get("/livez").seconds < LIVELY
        assert all(closed(connection, 2 * guard.HEAD_SECONDS) for connection in slow[-20:])
        code, log = agent.stop()
        assert code == 0 and len(log) < 4096, log[:2000]


def test_a_client_that_speaks_a_byte_a_second_is_closed_in_time(way: Way, start: Start) -> None:
    start()
    with socket.create_connection(("127.0.0.1", way.port), timeout=5) as connection:
        tls = way.context().wrap_socket(connection, server_hostname="127.0.0.1")
        began = time.monotonic()
        with pytest.raises((ConnectionError, ssl.SSLError)):
            for byte in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-A: bbbbbbbbbbbbbbbbbbbbbbbbb":
                tls.sendall(bytes([byte]))
                time.sleep(0.2)
        assert time.monotonic() - began < 2 * guard.HEAD_SECONDS


def test_guesses_take_little_of_the_processor_and_nothing_from_who_is_known(way: Way, start: Start) -> None:
    dear = subprocess.run(
        [sys.executable, "-c", DEAR, PASSWORD], capture_output=True, text=True, check=True
    ).stdout.strip()
    way.write(basic_auth_users={"prometheus": dear})
    agent = start()
    assert way.get("/metrics").status == 200
    end, seen = threading.Event(), list[int]()

    def guess(name: int) -> None:
        tries = 0
        while not end.is_set():
            tries += 1
            seen.append(answered(way, basic("prometheus", f"{name} {tries}")).status)

    before = _cpu(agent)
    began = time.monotonic()
    threads = [threading.Thread(target=guess, args=(n,)) for n in range(MOST_WAITING + 4)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: 429 in seen and 401 in seen)
        answers = [way.get("/metrics") for _ in range(20)]
    finally:
        end.set()
        for thread in threads:
            thread.join()
    took, hashed = time.monotonic() - began, seen.count(401)
    assert [answer.status for answer in answers] == [200] * 20
    assert set(seen) <= {401, 429, 0}
    assert hashed * 0.9 <= 1 + took / (passwords.REST * 0.01), (hashed, took)  # cost 10 takes 50 ms, never under 10
    assert _cpu(agent) - before < took
