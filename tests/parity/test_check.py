"""`--check` reports the same with both implementations: what is right, what is wrong, and what to do about it."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.redis_server import RedisServer
from tests.live.extractor import BIN
from tests.parity.journal import Store
from tests.parity.test_command_line import run

ANSWERS = [
    (204, ""),
    (400, "no"),
    (401, "no"),
    (403, "no"),
    (404, "no"),
    (429, "later"),
    (500, "x"),
    (503, "x"),
    (302, ""),
]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        server = RedisServer(Path(folder))
        yield server
        server.kill()


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.close()


def both(**environment: str) -> tuple[int, str, str]:
    """What both report; asserts that it is the same."""
    python, rust = (run(BIN[one], "keystroke_extractor", "--check", **environment) for one in ("python", "rust"))
    assert python == rust
    return python


def test_influxdb(store: Store) -> None:
    away = both(REDIS_PORT="9", INFLUX_URL=f"http://127.0.0.1:{store.port}")
    assert away[0] == 1 and away[1].count("Connection refused; does it run, and listen there? check ") == 2
    store.open()
    for token in ("", "known"):
        for store.answer in ANSWERS:
            status, out, err = both(
                REDIS_PORT="9",
                INFLUX_URL=f"http://127.0.0.1:{store.port}",
                **({"INFLUX_TOKEN": token} if token else {}),
            )
            assert (status, err) == (1, "")  # Redis is away
            where = f"influxdb: {'good' if store.answer[0] == 204 else 'bad'}: 127.0.0.1:{store.port}"
            assert out.splitlines()[1].startswith(where)
    assert len(store.agents) == 1


def test_redis(redis: RedisServer, store: Store) -> None:
    store.open()
    influx = {"INFLUX_URL": f"http://127.0.0.1:{store.port}"}
    assert both(REDIS_URL=redis.url, **influx)[1].startswith(f"redis: bad: {redis.url}: No such file or directory; ")
    redis.start("--requirepass", "right")
    assert ": refused HELLO: NOAUTH " in both(REDIS_URL=redis.url, **influx)[1]
    assert ": refused HELLO: WRONGPASS " in both(REDIS_URL=redis.url, REDIS_PASSWORD="wrong", **influx)[1]
    good = both(REDIS_URL=redis.url, REDIS_PASSWORD="right", **influx)
    assert good[0] == 0 and good[1].startswith(f"redis: good: {redis.url} answers user default\n")
    assert "does not speak RESP; check redis_url" in both(REDIS_PORT=str(store.port), **influx)[1]
    assert ": the host name cannot be resolved; " in both(REDIS_HOST="no.such.host.invalid", **influx)[1]


def test_what_is_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"SSH-2.0-OpenSSH_9\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        where = f"127.0.0.1:{server.getsockname()[1]}"
        out = both(REDIS_PORT="9", INFLUX_URL=f"http://{where}")[1]
        assert f"{where}: does not speak HTTP; check influx_ca_file, the server's certificate and influx_url" in out
        server.shutdown(socket.SHUT_RDWR)
