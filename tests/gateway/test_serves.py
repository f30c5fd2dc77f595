"""What must pass does, and no secret or line reaches the journal."""

import gzip
import http.client

import pytest

from .asking import QUERY, WRITE, line
from .conftest import Site

FLUX = 'from(bucket: "behavioral_data") |> range(start: 2023-01-01T00:00:00Z, stop: 2024-01-01T00:00:00Z)'


@pytest.mark.parametrize("measurement", ["keystroke_features", "mouse_features", "app_transitions"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_the_edges_own_points_are_stored(site: Site, measurement: str, packed: bool) -> None:
    at = 1_600_000_000_000_000 + packed
    body = line("edge1", measurement, at)
    headers = {"Content_Encoding": "gzip"} if packed else {}
    assert site.ask("POST", WRITE, gzip.compress(body) if packed else body, **headers).status == 204
    assert [row for row in site.points() if row[0] == measurement and row[1] == "edge1"]


@pytest.mark.parametrize(
    "tags",
    [
        rb"host=edge1,user_id=a\,b\=c\ d",
        b'from_app=say\\ "hi",host=edge1,to_app=' + "übung, 漢".replace(", ", r"\,\ ").encode(),
        rb"\,\=\ =x,host=edge1",
        b"host=edge1,user_id=#",
    ],
)
def test_names_with_separators_and_quotes_are_stored(site: Site, tags: bytes) -> None:
    assert site.ask("POST", WRITE, b"app_transitions," + tags + b" duration_ms=1 7").status == 204


@pytest.mark.parametrize(
    ("precision", "at"), [("ns", 10**18), ("us", 10**15), ("ms", 10**12), ("s", 10**9), ("", 10**18)]
)
def test_precisions_are_kept(site: Site, precision: str, at: int) -> None:
    path = WRITE.replace("&precision=us", f"&precision={precision}" if precision else "")
    assert site.ask("POST", path, line("edge1", "mouse_features", at)).status == 204
    assert [row for row in site.points() if row[0] == "mouse_features" and row[3].startswith("2001-09-09T01:46:40")]


def test_writing_nothing_says_whose_credential_it_is(site: Site) -> None:
    output = site.ask("POST", WRITE, b"")
    assert (output.status, output.headers["X-SecLyzer-Host"]) == (204, "edge1")


def test_what_influxdb_refuses_comes_through(untouched: Site) -> None:
    output = untouched.ask("POST", WRITE, b"keystroke_features,host=edge1 dwell_mean=abc 1")
    assert (output.status, output.body["code"]) == (400, "invalid")


def test_health_and_ping_are_for_everybody(site: Site) -> None:
    assert site.ask("GET", "/health", token="").body["status"] == "pass"
    assert site.ask("GET", "/ping", token="").status == 204
    assert site.ask("GET", "/ping?verbose=true", token="").status == 204


def test_a_reader_may_ask_and_nothing_else(untouched: Site) -> None:
    output = untouched.ask("POST", QUERY, FLUX.encode(), untouched.reader, Content_Type="application/vnd.flux")
    assert (output.status, "edge" in output.text) == (200, True)
    assert untouched.ask("POST", WRITE, line(), untouched.reader).status == 403
    assert untouched.ask("POST", QUERY, b"x" * 70_000, untouched.reader).status == 413
    assert untouched.ask("POST", "/api/v2/query?org=other", b"x", untouched.reader).status == 404
    assert untouched.ask("POST", "/api/v2/delete", b"{}", untouched.reader).status == 404


def test_a_refusal_leaves_the_connection_good(site: Site) -> None:
    """An unread body is not taken for the next request."""
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=10)
    found = []
    for token, body in (("wrong", line()), (site.edge1, line("edge2")), (site.edge1, line()), ("wrong", line() * 900)):
        connection.request("POST", WRITE, body, {"Authorization": f"Token {token}"})
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    assert found == [401, 403, 204, 401]


def test_the_journal_holds_no_token_and_nothing_of_a_line(site: Site) -> None:
    secret = "SECRETAPP"
    site.ask("POST", WRITE, b"app_transitions,host=edge2,from_app=" + secret.encode() + b" duration_ms=1")
    site.ask("POST", WRITE, b"app_transitions,host=edge1,from_app=" + secret.encode() + b"\\x duration_ms=1")
    reported = site.gateway.log.read_text()
    assert "edge1 is refused (403)" in reported
    assert not [one for one in (site.edge1, site.edge2, site.reader, site.backend, secret) if one in reported]


def test_what_is_refused_is_reported_once_a_minute(site: Site) -> None:
    before = site.gateway.log.read_text().count("unknown is refused (401)")
    for _ in range(50):
        assert site.ask("POST", WRITE, line("edge1"), "unknown").status == 401
    assert site.gateway.log.read_text().count("unknown is refused (401)") - before <= 1
