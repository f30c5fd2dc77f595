"""What a stolen edge tries. Every request is refused with the status given here; no point or bucket changes by it."""

import gzip
import json
import zlib

import pytest

from .asking import BUCKET, QUERY, WRITE, line, raw, statuses
from .conftest import Site

DELETE = json.dumps(
    {"start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z", "predicate": 'host="edge2"'}
).encode()
OTHER = line("edge2", at=1)
MINE = line("edge1", at=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", f"/api/v2/delete?org=seclyzer&bucket={BUCKET}", 404),
        ("DELETE", "/api/v2/buckets/{bucket}", 404),
        ("PATCH", "/api/v2/buckets/{bucket}", 404),
        ("GET", "/api/v2/buckets", 404),
        ("POST", QUERY, 403),
        ("GET", f"/query?db={BUCKET}&q=select", 404),
        ("POST", f"/write?db={BUCKET}", 404),
        ("GET", "/api/v2/authorizations", 404),
        ("POST", "/api/v2/setup", 404),
        ("GET", "/metrics", 404),
        ("GET", "/debug/pprof/heap", 404),
        ("GET", "/api/v2/backup/kv", 404),
        ("GET", "/", 404),
        ("GET", WRITE, 403),
        ("DELETE", WRITE, 403),
        ("PUT", WRITE, 403),
        ("PATCH", "/health", 403),
        ("DELETE", "/ping", 403),
        ("DELETE", QUERY, 403),
    ],
)
def test_nothing_but_a_write_is_taken(untouched: Site, method: str, path: str, status: int) -> None:
    bucket = json.loads(untouched.buckets())["buckets"][0]["id"]
    wish = DELETE if "delete" in path else b'{"retentionRules":[{"type":"expire","everySeconds":3600}]}'
    reported = untouched.ask(method, path.format(bucket=bucket), wish, Content_Type="application/json")
    assert (reported.status, sorted(reported.body)) == (status, ["code", "message"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/write/../delete",
        "/api/v2/write/%2e%2e/delete",
        "/api/v2/%64elete",
        "//api/v2/delete",
        "/api//v2/delete",
        "/api/v2/delete/",
        "/api/v2/write/..;/delete",
        "/ping/../api/v2/delete",
        "/health%2f..%2fapi/v2/delete",
        "/health?/../api/v2/delete",
        "/API/v2/delete",
    ],
)
def test_a_path_that_is_spelled_otherwise_leads_nowhere(untouched: Site, path: str) -> None:
    reported = untouched.ask("POST", f"{path}?org=seclyzer&bucket={BUCKET}", DELETE, Content_Type="application/json")
    assert reported.status in (403, 404)


@pytest.mark.parametrize(
    "path",
    [
        "//api/v2/write",
        "/api/v2//write",
        "/api/v2/%77rite",
        "/api/v2/x/../write",
        "/api/v2/write/",
        "/api/v2/./write",
        "/api/v2/write%00",
        "/api/v2/write#",
    ],
)
def test_the_write_itself_has_one_spelling(untouched: Site, path: str) -> None:
    reported = untouched.ask("POST", f"{path}?org=seclyzer&bucket={BUCKET}", MINE)
    assert reported.status in (400, 404)


@pytest.mark.parametrize(
    "name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL"]
)
def test_no_header_makes_a_write_something_else(site: Site, name: str) -> None:
    headers = {name: "DELETE" if "Method" in name else f"/api/v2/delete?org=seclyzer&bucket={BUCKET}"}
    before = [point for point in site.points() if point[1] == "edge2"]
    assert site.ask("POST", WRITE, line(at=2), **headers).status == 204
    assert [point for point in site.points() if point[1] == "edge2"] == before


@pytest.mark.parametrize("token", ["", "x", "operator", "a b", "é"])
def test_without_a_credential_there_is_nothing(untouched: Site, token: str) -> None:
    request = f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(MINE)}\r\n"
    head = request + (f"Authorization: Token {token}\r\n" if token else "")
    assert statuses(raw(untouched.gateway.port, head.encode() + b"\r\n" + MINE)) == [401]


def test_the_tokens_of_influxdb_are_none_of_the_gateways(untouched: Site) -> None:
    """Who has stolen one has nothing: influxd listens on the loopback, and the gateway does not know it."""
    for token in (untouched.backend, untouched.influx.token):
        assert untouched.ask("POST", WRITE, MINE, token).status == 401
    assert untouched.ask("POST", QUERY, b"{}", untouched.backend).status == 401


@pytest.mark.parametrize("head", ["Bearer {}", "token {}", "Token  {}", "Token {} ", "Basic {}", "Token {},Token {}"])
def test_a_credential_has_one_form(untouched: Site, head: str) -> None:
    reported = untouched.ask("POST", WRITE, MINE, "", Authorization=head.replace("{}", untouched.edge1))
    assert reported.status in (401, 204)
    assert reported.status == 401 or head.strip() == "Token {}"


def test_two_credentials_are_none(untouched: Site) -> None:
    tokens = f"Authorization: Token {untouched.edge1}\r\nAuthorization: Token {untouched.edge2}\r\n"
    sent = f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{tokens}Content-Length: {len(OTHER)}\r\n\r\n"
    assert statuses(raw(untouched.gateway.port, sent.encode() + OTHER))[0] in (400, 403)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("org=seclyzer&bucket=_monitoring", 404),
        ("org=other&bucket=behavioral_data", 404),
        ("bucket=behavioral_data", 404),
        ("org=seclyzer", 404),
        ("org=seclyzer&bucket=behavioral_data&bucket=_monitoring", 403),
        ("org=seclyzer&bucket=behavioral_data&orgID=0000000000000001", 403),
        ("org=seclyzer&bucket=behavioral_data&precision=h", 400),
        ("org=seclyzer&bucket=behavioral_data&precision=us&precision=s", 403),
        ("org=seclyzer&bucket=behavioral_data&precision", 403),
        ("org=seclyzer&bucket=behavioral_data" + "&a=1" * 20, 403),
    ],
)
def test_another_place_is_refused(untouched: Site, arguments: str, status: int) -> None:
    assert untouched.ask("POST", f"/api/v2/write?{arguments}", MINE).status == status


F = b"dwell_mean=1"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(OTHER, 403, id="another host"),
        pytest.param(b"keystroke_features,user_id=x " + F, 403, id="no host"),
        pytest.param(b"keystroke_features " + F, 403, id="no tags"),
        pytest.param(b"other,host=edge1 " + F, 403, id="another measurement"),
        pytest.param(b"Keystroke_features,host=edge1 " + F, 403, id="another case"),
        pytest.param(b"keystroke_features,host=edge1,host=edge2 " + F, 403, id="host twice"),
        pytest.param(b"keystroke_features,host=edge1,user_id=x,host=edge1 " + F, 403, id="host twice, the same"),
        pytest.param(b"keystroke_features,host\\=edge1,host=edge2 " + F, 400, id="a key with an escape"),
        pytest.param(b"keystroke_features,host=edge2\\,host=edge1 " + F, 400, id="a comma escaped"),
        pytest.param(b"keystroke_features,a=b\\\\,host=edge1,host=edge2 " + F, 400, id="a backslash escaped"),
        pytest.param(b"keystroke_features,a=\\,host\\=edge1,host=edge2 " + F, 403, id="the whole tag escaped"),
        pytest.param(b"keystroke_features,host==edge1 " + F, 400, id="an equals sign more"),
        pytest.param(b"keystroke_features,host=edge1=x " + F, 400, id="an equals sign behind"),
        pytest.param(b"keystroke_features,host=edge1\\ " + F, 400, id="a blank escaped"),
        pytest.param(b"keystroke_features,host=edge1, " + F, 400, id="a comma too many"),
        pytest.param(b"keystroke_features,,host=edge1 " + F, 400, id="an empty tag"),
        pytest.param(b" keystroke_features,host=edge1 " + F, 400, id="a blank before"),
        pytest.param(b"keystroke_features,host=edge1  " + F, 400, id="two blanks"),
        pytest.param(b"keystroke_features,host=edge1\t" + F, 400, id="a tab"),
        pytest.param(b"keystroke_features,host=edge1\x00 " + F, 400, id="a zero"),
        pytest.param(MINE + b"\r\n" + OTHER, 400, id="carriage return"),
        pytest.param(MINE + b"\n" + OTHER, 403, id="the second line"),
        pytest.param(MINE + b"\n\n\n" + OTHER, 403, id="behind empty lines"),
        pytest.param(b"# a comment\n" + OTHER, 400, id="a comment"),
        pytest.param(b'# " =\n' + OTHER, 400, id="a comment with a quote"),
        pytest.param(b'keystroke_features,host=edge1 a="\n' + OTHER + b'\n"', 400, id="a quote over lines"),
        pytest.param(b'keystroke_features,host=edge2 a="\n' + MINE, 400, id="a hidden host"),
        pytest.param(b'keystroke_features,host=edge1 a="\\"\n' + OTHER, 400, id="a quote escaped"),
        pytest.param(b"keystroke_features,host=edge1 a=1\\\n" + OTHER, 400, id="a newline escaped"),
        pytest.param(b'keystroke_features,host=edge1 a"=1\n' + OTHER, 400, id="a quote in a key"),
        pytest.param(b'keystroke_features,host=edge1 a=1",b="\n' + OTHER + b'\n"', 400, id="quotes out of place"),
        pytest.param(b"keystroke_features,host=edge1 a=1,b\n" + OTHER, 400, id="a field without value"),
        pytest.param(b"keystroke_features,host=edge1 a=1 1 1", 400, id="two times"),
        pytest.param(b"keystroke_features,host=edge1 a=1 x", 400, id="a time that is none"),
        pytest.param(b"keystroke_features,host=edge1 a=1,=2 1", 400, id="a field without key"),
        pytest.param(b"nonsense", 400, id="nonsense"),
        pytest.param(b"\xff\xfe\n", 400, id="no text"),
        pytest.param(b"x" * 100_000, 400, id="one long line"),
        pytest.param(b'[{"measurement": 1}]', 400, id="json"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_line_of_another_host_or_none_at_all(untouched: Site, body: bytes, status: int, packed: bool) -> None:
    headers = {"Content_Encoding": "gzip"} if packed else {}
    reported = untouched.ask("POST", WRITE, gzip.compress(body) if packed else body, **headers)
    assert reported.status == status, reported.text
    assert reported.body["message"].startswith("line ")


GZ = gzip.compress(OTHER)


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", MINE, 400),
        ("gzip", gzip.compress(MINE) + GZ, 400),
        ("gzip", gzip.compress(MINE) + b"more", 400),
        ("gzip", gzip.compress(MINE)[:-1], 400),
        ("gzip", gzip.compress(MINE)[:-8] + b"\0" * 8, 400),
        ("gzip", zlib.compress(MINE), 400),
        ("gzip", b"", 400),
        ("gzip, gzip", gzip.compress(gzip.compress(MINE)), 403),
        ("identity, gzip", GZ, 403),
        ("GZIP", GZ, 403),
        ("deflate", zlib.compress(OTHER), 403),
        ("x-gzip", GZ, 403),
        ("br", GZ, 403),
        ("identity", GZ, 400),
        ("", OTHER, 403),
    ],
)
def test_a_body_that_could_be_unpacked_in_two_ways(untouched: Site, encoding: str, body: bytes, status: int) -> None:
    assert untouched.ask("POST", WRITE, body, Content_Encoding=encoding).status == status


def test_two_encodings_are_none(untouched: Site) -> None:
    head = f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Token {untouched.edge1}\r\n"
    both = f"Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: {len(GZ)}\r\n\r\n"
    assert statuses(raw(untouched.gateway.port, (head + both).encode() + GZ)) == [403]


HEAD = "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {}\r\n"
INNER = (
    f"POST /api/v2/delete?org=seclyzer&bucket={BUCKET} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    f"Content-Length: {len(DELETE)}\r\n\r\n"
).encode()


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5,5\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
    ],
)
def test_a_request_inside_a_request_reaches_no_backend(untouched: Site, framing: str) -> None:
    """What could be framed in two ways is refused, or what follows is another request that is refused."""
    head = HEAD.format(WRITE, untouched.edge1) + framing + "\r\n"
    came = raw(untouched.gateway.port, head.encode() + b"0\r\n\r\n" + INNER + DELETE)
    assert not set(statuses(came)) & {200, 204}, came


def test_two_requests_on_one_connection_are_judged_apart(untouched: Site) -> None:
    head = HEAD.format(WRITE, untouched.edge1) + f"Content-Length: {len(OTHER)}\r\n\r\n"
    assert statuses(raw(untouched.gateway.port, (head.encode() + OTHER) * 2 + INNER + DELETE)) == [403, 403, 404]


@pytest.mark.parametrize(
    "start", ["GET / HTTP/0.9", "GET /", "CONNECT store:8087 HTTP/1.1", "TRACE / HTTP/1.1", "\x16\x03"]
)
def test_what_is_no_http_1_is_refused(untouched: Site, start: str) -> None:
    came = raw(untouched.gateway.port, f"{start}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert not set(statuses(came)) & {200, 204}


def test_the_address_of_another_server_is_not_gone_to(untouched: Site) -> None:
    """No proxy for anything but the one InfluxDB."""
    address = f"http://127.0.0.1:{untouched.influx.port}/api/v2/buckets"
    sent = f"GET {address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(raw(untouched.gateway.port, sent.encode())) == [404]
