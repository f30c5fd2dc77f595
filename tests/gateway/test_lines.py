"""Generated lines: the gateway's verdict is that of an independent reading, and InfluxDB reads no line otherwise."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lab.gateway import Gateway

from .asking import WRITE, ask
from .conftest import Site
from .reading import verdict

HOST = b"edge1"
MEASUREMENT = st.sampled_from([b"keystroke_features", b"mouse_features", b"app_transitions", b"other", b"a\\,b", b""])
NAMES = [b"host", b"edge1", b"edge2", b"user_id", b"x", b"1", b"#", b"-", b"\xc3\xbc", b"\xff"]
SIGNS = [b",", b"=", b" ", b"\\", b'"', b"\\,", b"\\=", b"\\ ", b"\\\\", b"\n", b"\t"]
TRICKS = [b"a=1", b'="y"', b",host=edge1", b",host=edge2", b'"\n"']
PART = st.sampled_from([*NAMES, *SIGNS, *TRICKS])
TEXT = st.lists(PART, max_size=8).map(b"".join)
TAG = st.builds(lambda key, value: b"," + key + b"=" + value, st.sampled_from([b"host", b"user_id", b"x\\ y"]), TEXT)
GOOD_TAG = st.sampled_from([b",host=edge1", b",user_id=x", b",to_app=a\\ b", b',from_app=c"d', b",host=edge2"])
FIELD = st.sampled_from([b"a=1", b"b=2.5,c=3i", b'd="e"', b'd="f, =g",h=1', b"i=t", b'j="', b"k", b"l=", b'm"=1'])
TIME = st.sampled_from([b"", b" 1", b" -1", b" 1700000000000000", b" x", b"  1", b" 1 "])
LINE = st.one_of(
    st.builds(
        lambda name, tags, field, time: name + b"".join(tags) + b" " + field + time,
        MEASUREMENT,
        st.lists(st.one_of(GOOD_TAG, TAG), max_size=4),
        st.one_of(FIELD, TEXT),
        TIME,
    ),
    TEXT,
)
MANY = settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Backend(BaseHTTPRequestHandler):
    """In InfluxDB's place: takes everything, so that a refusal is the gateway's."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Reads and thanks."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway before a backend that takes everything. Its edge has a bound on series that is never reached."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = Path(tmp_path_factory.mktemp("lines"))
    made = Gateway(folder, server.server_port, "w", influxdb_gateway_series_per_day=1_000_000)
    made.edge("edge1", "edge1", "token")
    made.start()
    yield made
    made.kill()
    server.shutdown()


def others(site: Site) -> list[tuple[str, str, str, str]]:
    return [point for point in site.points() if point[1] != "edge1"]


def status_of(gateway: Gateway, body: bytes) -> int:
    return ask(gateway.port, "POST", WRITE, body, "token").status


@MANY
@given(LINE)
@example(b'keystroke_features,host=edge1 a="b"')
@example(b"keystroke_features,host=edge1 a=1,")
@example(b'keystroke_features,host=edge1 a="b"c')
@example(b'keystroke_features,host=edge1 a="b""c"')
@example(b'keystroke_features,host=edge1 a=b"c"')
@example(b"keystroke\\=features,host=edge1 a=1")
@example(b"keystroke=features,host=edge1 a=1")
def test_the_verdict_on_a_line_is_that_of_an_independent_reading(gateway: Gateway, text: bytes) -> None:
    verdicts = [verdict(one, HOST) for one in text.split(b"\n")]
    expected = next((one for one in verdicts if one != 204), 204)
    assert status_of(gateway, text) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, min_size=1, max_size=60))
def test_influxdb_finds_nothing_of_another_host_in_what_has_passed(site: Site, texts: list[bytes]) -> None:
    """As bodies of many lines, so that one may hide in another; InfluxDB itself reads them."""
    before = others(site)
    for text in texts:
        site.ask("POST", WRITE, text)
    site.ask("POST", WRITE, b"\n".join(one for one in texts if verdict(one, HOST) == 204 and b"\n" not in one))
    assert others(site) == before
    assert {point[0] for point in site.points()} <= {"keystroke_features", "mouse_features", "app_transitions"}
