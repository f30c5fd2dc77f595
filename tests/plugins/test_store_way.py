"""A write of nothing shows whether the store would take a point, by the way and with the right of a point."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from plugins.module_utils.store_way import Way, takes_writes, way, write
from plugins.module_utils.watching import RETRY, retry
from tests.helpers.influx_server import ORGANISATION, InfluxServer
from tests.plugins.influxd import influxd

__all__ = ["influxd"]
ROOT = Path(__file__).resolve().parents[2]
LINE = b"keystroke_features,user_id=u,host=h dwell_mean=1.5 1790000000000000"


class Proxy(socketserver.ThreadingUnixStreamServer):
    """Passes bytes on to a port of this machine."""

    daemon_threads = True
    port: int

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", cast(Proxy, self.server).port)) as other:
                back = threading.Thread(target=_pass, args=(other, self.request), daemon=True)
                back.start()
                _pass(self.request, other)
                back.join()


def _pass(source: socket.socket, to: socket.socket) -> None:
    while received := source.recv(4096):
        to.sendall(received)
    to.shutdown(socket.SHUT_WR)


Place = Callable[..., tuple[Way, Path]]


@pytest.fixture
def place(influxd: InfluxServer, tmp_path: Path) -> Iterator[Place]:
    """The way to a bucket of an influxd, and the file with the token."""
    with Proxy(str(tmp_path / "store.sock"), Proxy.Handler) as proxy:
        proxy.port = influxd.port
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        token = tmp_path / "token"

        def made(bucket: str, text: str = influxd.token) -> tuple[Way, Path]:
            token.write_text(f"{text}\n")
            return Way("http://store:8086", str(tmp_path / "store.sock"), "", ORGANISATION, bucket), token

        yield made
        proxy.shutdown()


def test_a_store_that_would_take_points_takes_nothing_and_keeps_nothing(influxd: InfluxServer, place: Place) -> None:
    influxd.add_bucket("taken")
    found, token = place("taken")
    assert takes_writes(found, token)
    assert influxd.points("taken") == []
    assert write(found, influxd.token, LINE).status == 204
    assert [point["_value"] for point in influxd.points("taken")] == [1.5]


def test_a_token_that_was_revoked_a_bucket_that_is_gone_and_a_server_that_is_away_take_none(
    influxd: InfluxServer, place: Place
) -> None:
    influxd.add_bucket("refused")
    token_id, text = influxd.make_token()
    found, token = place("refused", text)
    assert takes_writes(found, token)
    influxd.set_active(token_id, False)
    assert not takes_writes(found, token)
    assert takes_writes(*place("refused"))
    influxd.delete_bucket("refused")
    assert not takes_writes(*place("refused"))
    token.unlink()
    assert not takes_writes(found, token)
    Path(found.socket).unlink()
    assert not takes_writes(*place("refused"))


def test_a_write_that_is_refused_has_the_words_of_the_store(influxd: InfluxServer, place: Place) -> None:
    found, _ = place("refused")
    assert write(found, "t" * 64, b"") == (401, "unauthorized access")


def test_a_deployments_way_is_read_from_its_probes_and_settings() -> None:
    probes = {"influx_url": "https://store:8086/", "influx_socket": "/run/x.sock", "influx_ca_file": "/etc/ca.crt"}
    settings = 'influx_org: "own org"\nwindow_seconds: 30\ninflux_bucket: points\n'
    assert way(probes, settings) == Way("https://store:8086", "/run/x.sock", "/etc/ca.crt", "own org", "points")
    assert way(probes, "") == Way("https://store:8086", "/run/x.sock", "/etc/ca.crt", "seclyzer", "behavioral_data")
    assert way({"influx_url": "https://store:8086"}, settings) is None
    assert way({}, settings) is None


def test_the_longest_pause_between_attempts_is_read_from_the_settings() -> None:
    assert retry({"keystroke.yaml": "a: 1\ninflux_retry_seconds: 7\n", "app.yaml": "influx_retry_seconds: 9.5"}) == 9.5
    assert retry({"keystroke.yaml": "a: 1\n"}) == RETRY
    settings = json.loads((ROOT / "extractors" / "schema" / "settings.json").read_text())["settings"]
    (default,) = [one["default"] for one in settings if one["key"] == "influx_retry_seconds"]
    assert default == RETRY
