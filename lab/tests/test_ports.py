"""A port for a server that may be stopped and started again while others make connections."""

import random
import socket

import pytest

from lab.ports import RANGE, free_port


def test_it_is_free_and_no_connection_going_out_gets_it() -> None:
    outgoing = int(RANGE.read_text().split()[0])
    ports = [free_port() for _ in range(50)]
    assert [port for port in ports if port >= outgoing] == []
    for port in ports:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))


def test_one_that_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        drawn = [taken.getsockname()[1], free_port()]
        left = iter(drawn)
        monkeypatch.setattr(random.SystemRandom, "randrange", lambda *_: next(left))
        assert free_port() == drawn[1]
