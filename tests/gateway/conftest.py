"""One influxd and one gateway for all tests. edge2's points stand in it, and after every test they still do."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.gateway import Gateway
from tests.helpers.influx_server import InfluxServer

from .asking import BUCKET, Answer, ask, line


@dataclass
class Site:
    """A store. `edge1`, `edge2` and `reader` are the tokens that its gateway takes."""

    influx: InfluxServer
    gateway: Gateway
    edge1: str
    edge2: str
    reader: str
    backend: str

    def ask(self, method: str, path: str, body: bytes = b"", token: str | None = None, **headers: str) -> Answer:
        """A request to the gateway; with edge1's token when none is given."""
        return ask(self.gateway.port, method, path, body, self.edge1 if token is None else token, **headers)

    def points(self) -> list[tuple[str, str, str, str]]:
        """Measurement, host, value and time of every value in the bucket."""
        rows = self.influx.points(BUCKET)
        return sorted((row["_measurement"], row.get("host", ""), str(row["_value"]), row["_time"]) for row in rows)

    def buckets(self) -> str:
        """What InfluxDB says of its bucket: the retention, above all."""
        return self.influx.ask("GET", f"/api/v2/buckets?name={BUCKET}")[1]


def build(folder: Path, **options: Any) -> Site:
    """Start both; edges and a reader are let in."""
    influx = InfluxServer(folder)
    influx.start()
    influx.set_up()
    influx.add_bucket(BUCKET)
    _, backend = influx.make_token()
    tokens = [secrets.token_hex(32) for _ in range(3)]
    gateway = Gateway(folder, influx.port, backend, backend, **options)
    gateway.edge("edge1", "edge1", tokens[0])
    gateway.edge("edge2", "edge2", tokens[1])
    gateway.reader("reader", tokens[2])
    gateway.start()
    edge1, edge2, reader = tokens
    return Site(influx, gateway, edge1, edge2, reader, backend)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The store that all tests share."""
    made = build(Path(tmp_path_factory.mktemp("gateway")))
    lines = b"\n".join(line("edge2", at=1_700_000_000_000_000 + n) for n in range(3))
    assert made.ask("POST", f"/api/v2/write?org=seclyzer&bucket={BUCKET}&precision=us", lines, made.edge2).status == 204
    yield made
    made.gateway.kill()
    made.influx.kill()


@pytest.fixture
def untouched(site: Site) -> Iterator[Site]:
    """A store whose points and bucket are the same after the test as before it."""
    points, buckets = site.points(), site.buckets()
    assert any(host == "edge2" for _, host, _, _ in points)
    yield site
    assert site.points() == points
    assert site.buckets() == buckets
