"""The connections to Redis and InfluxDB, against servers that close, restart, speak nonsense or say too much."""

from __future__ import annotations

import asyncio
import socket
from asyncio import selector_events, sslproto
from collections.abc import Callable
from typing import Any

import pytest
from agent_world import RedisServer, with_redis

from seclyzer_agent import small_buffers
from seclyzer_agent.http_client import LONGEST, Answer, BrokenOff, CannotConnect, HttpClient
from seclyzer_agent.model import Refused, Unreadable
from seclyzer_agent.redis_client import Info, Redis
from seclyzer_agent.store_address import parse_influx_url

Reply = Callable[[int], bytes]
"""The bytes of the n-th answer, beginning with 1; the connection is closed after one that ends with CLOSE."""
CLOSE = b"#close"


async def serving(reply: Reply, use: Callable[[int], Any]) -> tuple[Any, int]:
    """What comes of using a server on the port, and how many connections it got."""
    asked, connections = 0, 0

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked, connections
        connections += 1
        while await reader.read(65536):
            asked += 1
            data = reply(asked)
            writer.write(data.removesuffix(CLOSE))
            if data.endswith(CLOSE):
                break
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        return await use(server.sockets[0].getsockname()[1]), connections
    finally:
        server.close()


def ask(reply: Reply, times: int = 1, pause: float = 0.0) -> tuple[list[Answer], int]:
    async def use(port: int) -> list[Answer]:
        client = HttpClient(parse_influx_url(f"http://127.0.0.1:{port}/below"), "", None, "test")
        answers = []
        for _ in range(times):
            answers.append(await client.get("/health"))
            await asyncio.sleep(pause)
        client.close()
        return answers

    return asyncio.run(serving(reply, use))


def whole(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def test_a_connection_is_kept_and_made_anew_when_the_server_has_closed_it() -> None:
    answers, connections = ask(lambda n: whole(b"%d" % n), times=3)
    assert ([answer.body for answer in answers], connections) == ([b"1", b"2", b"3"], 1)
    answers, connections = ask(lambda n: whole(b"%d" % n) + CLOSE, times=3, pause=0.05)
    assert ([answer.body for answer in answers], connections) == ([b"1", b"2", b"3"], 3)
    answers, connections = ask(lambda n: whole(b"%d" % n, "Connection: close"), times=2)
    assert ([answer.body for answer in answers], connections) == ([b"1", b"2"], 2)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", Answer(200, b"abc")),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end" + CLOSE, Answer(200, b"until the end")),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + whole(b"x"), Answer(200, b"x")),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Answer(304, b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, b"")),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n", Answer(301, b"")),
    ],
)
def test_answers_of_every_form_are_read(data: bytes, expected: Answer) -> None:
    assert ask(lambda _: data)[0] == [expected]


def test_a_body_without_an_end_is_not_kept() -> None:
    (answer,), _ = ask(lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000)
    assert answer.status == 200 and LONGEST < len(answer.body) < 10 * LONGEST


@pytest.mark.parametrize("data", [CLOSE, b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\0" * 99])
def test_what_is_no_answer_is_broken_off(data: bytes) -> None:
    with pytest.raises(BrokenOff):
        ask(lambda _: data)


def test_who_is_not_there_cannot_be_connected_to() -> None:
    client = HttpClient(parse_influx_url("http://127.0.0.1:9"), "", None, "test")
    with pytest.raises(CannotConnect, match="Connect call failed"):
        asyncio.run(client.get("/health"))


def test_one_who_gives_up_leaves_no_answer_for_the_next_to_take() -> None:
    async def use(port: int) -> list[bytes]:
        client = HttpClient(parse_influx_url(f"http://127.0.0.1:{port}"), "", None, "test")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.get("/health")
        return [(await client.get("/health")).body]

    answers, connections = asyncio.run(serving(lambda n: b"" if n == 1 else whole(b"%d" % n), use))
    assert (answers, connections) == ([b"2"], 2)


def test_redis_that_was_restarted_is_asked_over_a_new_connection(redis_server: RedisServer) -> None:
    async def use(client: Any) -> list[Any]:
        first = await client.call("PING")
        await asyncio.to_thread(redis_server.admin.execute_command, "CLIENT", "KILL", "USER", "agent", "SKIPME", "yes")
        return [first, await client.call("PING")]

    assert with_redis(redis_server, use) == ["PONG", "PONG"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (CLOSE, "Redis cannot be reached: the connection was closed"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak RESP"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "Redis is still loading"),
        (b"-ERR max number of clients reached\r\n", "Redis takes no more connections"),
        (b"-MISCONF secret words\r\n", r"Redis answers with an error \(MISCONF\)$"),
        (b"", "Redis does not answer"),
    ],
)
def test_what_is_wrong_with_redis_is_reported_in_words(data: bytes, words: str) -> None:
    async def use(port: int) -> None:
        await Redis(f"redis://127.0.0.1:{port}", None, None, 0.3).call("PING")

    with pytest.raises(Unreadable, match=words):
        asyncio.run(serving(lambda _: data, use))


def test_a_login_that_is_refused_is_tried_again_and_nothing_is_asked_before(redis_server: RedisServer) -> None:
    async def main() -> None:
        client = Redis(f"unix://{redis_server.socket}", "agent", "wrong", 1.0)
        for _ in range(2):
            with pytest.raises(Refused, match="Redis refuses the agent's user or password"):
                await client.call("PING")
        await client.aclose()

    asyncio.run(main())
    assert "cmdstat_ping" not in redis_server.admin.info("commandstats")


def test_answers_are_those_of_the_commands_also_after_one_was_cancelled(redis_server: RedisServer) -> None:
    async def use(client: Any) -> list[Any]:
        asking = asyncio.create_task(client.call("INFO"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        return await asyncio.gather(*(client.call("PING") for _ in range(3)))

    assert with_redis(redis_server, use) == ["PONG"] * 3


def test_info_is_read_as_numbers_mappings_and_texts() -> None:
    lines = ["# Memory", "used_memory:12", "used_memory_human:1.5M", "errorstat_OOM:count=3", "db0:keys=1,expires=x"]
    text = "\r\n".join([*lines, "", "bad"])
    assert Info(text) == {
        "used_memory": 12,
        "used_memory_human": "1.5M",
        "errorstat_OOM": {"count": 3},
        "db0": {"keys": 1, "expires": "x"},
    }


def test_what_comes_is_taken_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (selector_events._SelectorTransport, sslproto.SSLProtocol):  # type: ignore[attr-defined]
        monkeypatch.setattr(kind, "max_size", kind.max_size)  # as it was, after this test
    small_buffers.use()
    taken: list[int] = []

    class Takes(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            taken.append(len(data))

    async def main() -> None:
        here, there = socket.socketpair()
        with there:
            there.sendall(bytes(100_000))
            transport, _ = await asyncio.get_running_loop().create_connection(Takes, sock=here)
            while sum(taken) < 100_000:
                await asyncio.sleep(0.001)
            transport.close()

    asyncio.run(main())
    assert max(taken) == small_buffers.PIECE
    assert sslproto.SSLProtocol.max_size == small_buffers.PIECE
