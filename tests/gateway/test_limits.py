"""Sizes, numbers and times that the gateway bounds."""

import gzip
import http.client
import json
import secrets
import socket
import threading
import time
import zlib
from pathlib import Path

import pytest

from tests.helpers.waiting import until

from .asking import QUERY, WRITE, line, raw, statuses
from .conftest import Site, build

MIB = 1 << 20
HEAD = f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {{}}\r\n"
PACKED, UNPACKED = 4 * MIB, 32 * MIB


def gone(connection: socket.socket) -> bool:
    """Whether the other side closes it, and says nothing before."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def lines_of(size: int) -> bytes:
    """One point, often enough to be of so many bytes altogether."""
    one = line() + b"\n"
    return one * (size // len(one)) + b"\n" * (size % len(one))


def test_a_write_of_4_mib_is_taken_and_one_byte_more_is_not(site: Site) -> None:
    body = lines_of(PACKED)
    assert len(body) == PACKED
    assert site.ask("POST", WRITE, body).status == 204
    reported = site.ask("POST", WRITE, body + b"\n")
    assert (reported.status, reported.body["code"]) == (413, "request too large")


def test_a_write_of_32_mib_unpacked_is_taken_and_one_byte_more_is_not(site: Site) -> None:
    body = b"\n" * (UNPACKED - len(line(at=3))) + line(at=3)
    before = site.points()
    assert site.ask("POST", WRITE, gzip.compress(body), Content_Encoding="gzip").status == 204
    assert len(site.points()) == len(before) + 4
    reported = site.ask("POST", WRITE, gzip.compress(b"\n" + body), Content_Encoding="gzip")
    assert (reported.status, reported.body["code"]) == (413, "request too large")


def test_a_bomb_is_noticed_while_it_is_small(untouched: Site) -> None:
    """4 MiB that unpack to 4 GiB: 413, soon, and the gateway has taken no memory for it."""
    (worker,) = untouched.gateway.workers()
    pack = zlib.compressobj(9, wbits=31)
    bomb = b"".join(pack.compress(b"\n" * (64 * MIB)) for _ in range(16)) + pack.flush()
    assert len(bomb) < PACKED
    start = time.monotonic()
    assert untouched.ask("POST", WRITE, bomb, Content_Encoding="gzip").status == 413
    assert time.monotonic() - start < 5
    status = Path(f"/proc/{worker}/status").read_text()
    peak = next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM"))
    assert peak < 300 * 1024, f"the worker took {peak} kB"


@pytest.mark.parametrize("length", [PACKED + 1, 10**15])
def test_who_announces_too_much_is_refused_before_it_comes(untouched: Site, length: int) -> None:
    head = HEAD.format(untouched.edge1) + f"Content-Length: {length}\r\n\r\n"
    assert statuses(raw(untouched.gateway.port, head.encode())) == [413]


def test_a_write_has_a_number_of_lines(untouched: Site) -> None:
    """A million short lines would keep the gateway busy for seconds, and others waiting."""
    body = gzip.compress(b"app_transitions,host=edge1 a=x\n" * 50_001)
    start = time.monotonic()
    assert untouched.ask("POST", WRITE, body, Content_Encoding="gzip").status == 413
    assert time.monotonic() - start < 3


def test_others_get_their_turn_while_a_large_write_is_read(site: Site) -> None:
    body = gzip.compress(b"app_transitions,host=edge1 a=x\n" * 50_000)
    slow = threading.Thread(target=site.ask, args=("POST", WRITE, body), kwargs={"Content_Encoding": "gzip"})
    took = []
    slow.start()
    while slow.is_alive():
        start = time.monotonic()
        assert site.ask("POST", WRITE, b"", site.edge2).status == 204
        took.append(time.monotonic() - start)
    assert len(took) > 3, took


def test_chunks_count_as_well(untouched: Site) -> None:
    head = HEAD.format(untouched.edge1) + "Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b"\n" * MIB + b"\r\n"
    assert statuses(raw(untouched.gateway.port, head.encode() + chunk * 5 + b"0\r\n\r\n")) == [413]


def test_an_edge_has_a_number_of_series_a_day(site: Site) -> None:
    """20,000 series in one write, then one by one: the bound holds, and the series that were there go on."""
    token = secrets.token_hex(16)
    site.gateway.edge("edge9", "edge9", token)
    flood = b"\n".join(b"keystroke_features,host=edge9,user_id=u%d a=1 1" % n for n in range(20_000))
    until(lambda: site.ask("POST", WRITE, b"", token).status == 204, "the credential is known", 5)
    reported = site.ask("POST", WRITE, flood, token)
    assert reported.status == 403
    assert "5000" in reported.body["message"]
    assert not [row for row in site.points() if row[1] == "edge9"]
    taken = [
        site.ask("POST", WRITE, b"\n".join(b"keystroke_features,host=edge9,user_id=v%d a=1 1" % n for n in part), token)
        for part in (range(0, 2500), range(2500, 5000), range(5000, 5001), range(0, 2500))
    ]
    assert [reported.status for reported in taken] == [204, 204, 403, 204]
    assert site.ask("POST", WRITE, line("edge2"), site.edge2).status == 204, "another edge has its own"


def test_a_revoked_credential_is_refused_at_once_on_connections_that_are_open(site: Site) -> None:
    token = secrets.token_hex(16)
    site.gateway.edge("edge8", "edge8", token)
    mine = line("edge8", at=5)
    until(lambda: site.ask("POST", WRITE, b"", token).status == 204, "the credential is known", 5)
    open_one = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=5)
    open_one.request("POST", WRITE, mine, {"Authorization": f"Token {token}"})
    answer = open_one.getresponse()
    answer.read()
    assert answer.status == 204
    kept = open_one.sock
    site.gateway.revoke("edge8")

    assert kept is not None
    assert gone(kept), "what it had open is closed"
    assert site.ask("POST", WRITE, mine, token).status == 401
    assert site.ask("POST", WRITE, line("edge1"), site.edge1).status == 204, "others go on"


def test_readers_have_a_bounded_number_of_queries(tmp_path: Path) -> None:
    """Who asks for more gets a Retry-After; writes are not touched by it."""
    made = build(tmp_path, influxdb_gateway_queries=2)
    try:
        slow = (
            b'import "array"\nimport "math"\n'
            + b"""
            array.from(rows: [{v: 1.0}]) |> map(fn: (r) => ({r with v: math.sqrt(x: r.v)}))"""
        )
        made.influx.freeze()
        reported: list[int] = []

        def query() -> None:
            reported.append(made.ask("POST", QUERY, slow, made.reader, Content_Type="application/vnd.flux").status)

        asking = [threading.Thread(target=query) for _ in range(8)]
        for one in asking:
            one.start()
        until(lambda: len(reported) >= 6, "all but two are answered", 10)
        assert reported == [429] * 6
        made.influx.thaw()
        for one in asking:
            one.join(20)
        assert sorted(reported) == [200, 200, *[429] * 6]
        assert made.ask("POST", WRITE, line(at=9)).status == 204
    finally:
        made.influx.thaw()
        made.gateway.kill()
        made.influx.kill()


def test_a_full_queue_to_influxd_says_come_again(tmp_path: Path) -> None:
    made = build(tmp_path, influxdb_gateway_writes=3, influxdb_gateway_writes_per_edge=2)
    try:
        made.influx.freeze()
        reported: list[tuple[int, str]] = []

        def write(token: str) -> None:
            answer = made.ask("POST", WRITE, line(), token)
            reported.append((answer.status, answer.headers.get("Retry-After", "")))

        asking = [threading.Thread(target=write, args=(made.edge1,)) for _ in range(6)]
        for one in asking:
            one.start()
        until(lambda: len(reported) >= 4, "all but two are answered", 10)
        assert reported == [(429, "1")] * 4
        made.influx.thaw()
        for one in asking:
            one.join(20)
        assert sorted(status for status, _ in reported) == [204, 204, 429, 429, 429, 429]
    finally:
        made.influx.thaw()
        made.gateway.kill()
        made.influx.kill()


def test_influxd_away_is_503_and_the_gateway_goes_on(tmp_path: Path) -> None:
    made = build(tmp_path)
    try:
        made.influx.kill()
        reported = made.ask("POST", WRITE, line())
        assert (reported.status, reported.headers["Retry-After"], reported.body["code"]) == (503, "1", "unavailable")
        assert made.ask("GET", "/health").status == 503
        made.influx.start()
        assert made.ask("POST", WRITE, line()).status == 204
    finally:
        made.gateway.kill()
        made.influx.kill()


def test_influxdb_that_refuses_the_gateway_is_no_edges_fault(tmp_path: Path) -> None:
    """401 would have every edge fetch a new credential, which mends nothing."""
    made = build(tmp_path)
    try:
        tokens = made.influx.ask("GET", "/api/v2/authorizations")[1]
        (mine,) = [one["id"] for one in json.loads(tokens)["authorizations"] if len(one["permissions"]) == 2]
        made.influx.set_active(mine, False)
        assert made.ask("POST", WRITE, line()).status == 503
        made.influx.set_active(mine, True)
        assert made.ask("POST", WRITE, line()).status == 204
    finally:
        made.gateway.kill()
        made.influx.kill()


def test_who_says_nothing_is_let_go(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.gateway.port)) as idle:
        idle.settimeout(20)
        idle.sendall(b"POST /api")
        start = time.monotonic()
        assert gone(idle)
        assert 8 < time.monotonic() - start < 14
