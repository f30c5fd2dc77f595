"""Whatever comes as an answer of InfluxDB: an answer in time, or a reason why there is none; never more memory."""

import gzip
import random
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import GOOD, RawServer, Serve, asked, keeps_answering, says, whole

from seclyzer_extractors import config
from seclyzer_extractors.influx import MAX_ANSWER, Answer, InfluxAway, InfluxDB


@pytest.fixture
def server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


def write(server: RawServer, *serve: Serve, timeout_s: float = 0.5, lines: bytes = b"m f=1 1") -> Answer:
    server.serve = list(serve)
    client = InfluxDB(config.settings("app", influx_url=server.url))
    try:
        return client.write(lines, timeout_s)
    finally:
        client.close()


def trouble(server: RawServer, *serve: Serve, **more: float) -> str:
    """Why there is no answer, which is known in time."""
    begun = time.monotonic()
    with pytest.raises(InfluxAway) as raised:
        write(server, *serve, **more)  # type: ignore[arg-type]
    assert time.monotonic() - begun < 5
    where, _, what = str(raised.value).partition(": ")
    assert where == f"127.0.0.1:{server.url.rpartition(':')[2]}"
    return what


@pytest.mark.parametrize("status", [200, 204, 400, 401, 403, 404, 408, 413, 422, 429, 500, 503])
def test_a_whole_answer_is_its_status_and_message(server: RawServer, status: int) -> None:
    body = b'{"code":"x","message":"in words \xc3\xa4"}'
    answer = write(server, says(whole(status, b"" if status == 204 else body, b"Retry-After: 7")))
    assert answer == Answer(status, "" if status == 204 else "in words ä", 7.0)


def test_the_body_is_what_was_handed_over_and_long_ones_are_compressed(server: RawServer) -> None:
    bodies: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while True:
            bodies.append(asked(connection))
            connection.sendall(GOOD)

    server.serve = [serve]
    client = InfluxDB(config.settings("app", influx_url=server.url))
    for lines in (b"", b"short", b"long" * 100_000):
        assert client.write(lines, 5).status == 204
    client.close()
    assert (bodies[:2], gzip.decompress(bodies[2])) == ([b"", b"short"], b"long" * 100_000)
    assert server.served == 1


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_an_interim_response_is_no_answer(server: RawServer, status: int) -> None:
    early = b"HTTP/1.1 %d Early\r\nLink: x\r\n\r\n" % status
    assert write(server, says(early + early + whole(503, b"", b"Retry-After: 2"))) == Answer(503, "", 2.0)
    assert trouble(server, says(early)) == "closed the connection"


def test_who_accepts_and_is_silent_does_not_answer_in_time(server: RawServer) -> None:
    assert trouble(server, says(stay_s=3)) == "no answer in time"
    assert server.served == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 204 No", b"HTTP/1.1 204 No Content\r\nDate: x\r\n", b"", b"HTTP"])
def test_half_of_an_answer_is_none(server: RawServer, answer: bytes) -> None:
    assert trouble(server, says(answer)) == "closed the connection"
    assert trouble(server, says(answer, stay_s=3)) == "no answer in time"


def test_half_of_a_body_changes_no_status(server: RawServer) -> None:
    answer = write(server, says(b"HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\nthe beginning"))
    assert (answer.status, answer.message) == (400, "the beginning")
    for framing in (b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", b"Content-Length: 9\r\n\r\nab"):
        answer = write(server, says(b"HTTP/1.1 400 Bad\r\n" + framing, stay_s=3), timeout_s=0.3)
        assert answer.status == 400


@pytest.mark.parametrize("part", [b"H", b"X-Header: y\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_answer_that_drips_has_one_deadline_for_all_of_it(server: RawServer, part: bytes) -> None:
    begin = b"" if part[:1] == b"H" else b"HTTP/1.1 204 No Content\r\n"
    begun = time.monotonic()
    assert trouble(server, says(begin, *[part] * 60, pause_s=0.1), timeout_s=0.6) == "no answer in time"
    assert 0.5 < time.monotonic() - begun < 3


def test_a_request_that_is_not_read_has_the_same_deadline(server: RawServer) -> None:
    junk = bytes(range(256)) * 100_000  # compresses badly enough

    def never_reads(connection: socket.socket) -> None:
        time.sleep(4)

    begun = time.monotonic()
    server.serve = [never_reads]
    client = InfluxDB(config.settings("app", influx_url=server.url))
    client._wire = client._connect(begun + 5)
    client._wire._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client._wire.deadline = begun + 0.5
    with pytest.raises(TimeoutError):
        client._wire.sendall(junk * 10)
    client.close()
    assert time.monotonic() - begun < 3


def test_an_absurdly_large_answer_is_read_to_its_beginning_only(server: RawServer) -> None:
    def floods(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    answer = write(server, floods, timeout_s=5)
    assert (answer.status, answer.message) == (400, "x" * 100)
    assert MAX_ANSWER == 65536


@pytest.mark.parametrize("line", [b"X-Long: " + b"y" * 200_000 + b"\r\n", b"X-Many: y\r\n" * 5000])
def test_an_absurdly_large_head_is_no_answer(server: RawServer, line: bytes) -> None:
    assert trouble(server, says(b"HTTP/1.1 204 No\r\n" + line + b"\r\n"), timeout_s=5) != "no answer in time"


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00" * 100 + b"\r\n\r\n",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/9.9\r\n\r\n",
        b"HTTP/1.1 x y\r\n\r\n",
        b"HTTP/1.1 -204 z\r\n\r\n",
        b"HTTP/1.1 99999 z\r\n\r\n",
        b"\xff\xfe\r\n\r\n",
        b"<html>\r\n\r\n",
        b"-ERR unknown\r\n",
    ],
)
def test_what_is_no_http_is_no_answer(server: RawServer, junk: bytes) -> None:
    assert trouble(server, says(junk)) in ("does not speak HTTP", "closed the connection")


def test_a_kept_connection_that_was_closed_is_made_anew_and_costs_nothing(server: RawServer) -> None:
    server.serve = [says(GOOD), says(GOOD), keeps_answering(GOOD)]
    client = InfluxDB(config.settings("app", influx_url=server.url))
    for _ in range(4):
        assert client.write(b"m f=1 1", 2).status == 204
        time.sleep(0.05)
    client.close()
    assert server.served == 3


def test_what_was_not_requested_is_no_answer_to_the_next_request(server: RawServer) -> None:
    server.serve = [says(GOOD, whole(503), pause_s=0.05, stay_s=3), keeps_answering(GOOD + whole(500))]
    client = InfluxDB(config.settings("app", influx_url=server.url))
    assert client.write(b"a", 2).status == 204
    time.sleep(0.2)
    assert client.write(b"b", 2).status == 204
    assert client.write(b"c", 2).status == 204
    client.close()


def test_an_answer_before_the_whole_request_was_read_counts(server: RawServer) -> None:
    def refuses(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(whole(413, b"", b"Connection: close"))
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.5)

    lines = random.Random(1).randbytes(20_000_000)
    assert write(server, refuses, timeout_s=30, lines=lines).status == 413


def test_tls_that_is_none_is_no_answer(server: RawServer) -> None:
    server.serve = [says(GOOD)]
    client = InfluxDB(config.settings("app", influx_url=server.url.replace("http", "https")))
    with pytest.raises(InfluxAway):
        client.write(b"a", 1)

    def silent(connection: socket.socket) -> None:
        time.sleep(3)

    server.serve = [silent]
    begun = time.monotonic()
    with pytest.raises(InfluxAway) as raised:
        client.write(b"a", 0.4)
    assert time.monotonic() - begun < 2.5
    assert "time" in str(raised.value)


PARTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"HTTP/1.1 ",
            b"HTTP/1.0 ",
            b"204",
            b"400 Bad",
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Length: ",
            b"12",
            b"-1",
            b"0",
            b"Transfer-Encoding: chunked\r\n\r\n",
            b"ffffffffffff\r\n",
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"Connection: close\r\n",
            b'{"message":',
            b"Retry-After: 99999999999999999999\r\n",
            b"Retry-After: x\r\n",
            b"\x00",
            b":\r\n",
            b" x\r\n",
        ]
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, max_size=12))
def test_any_bytes_are_an_answer_or_a_reason(parts: list[bytes]) -> None:
    server = RawServer()
    try:
        try:
            answer = write(server, says(b"".join(parts)), timeout_s=2)
        except InfluxAway as error:
            assert str(error)
        else:
            assert 100 <= answer.status <= 999 and len(answer.message) <= MAX_ANSWER
            assert 0.0 <= answer.retry_after <= 3600.0
    finally:
        server.close()
