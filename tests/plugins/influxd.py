"""A real influxd for the tests of what reads, deletes and keeps points; one for all of them."""

import importlib.util
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from plugins.module_utils.influxdb_api import InfluxDB
from plugins.module_utils.influxdb_points import Points
from tests.helpers.influx_server import ORGANISATION, InfluxServer

PROGRAMS = Path(__file__).resolve().parents[2] / "roles/influxdb/files"
"""What the role influxdb brings to a store."""
DAY = 86_400_000_000
SOME_DAY = 1_790_000_000_000_000 // DAY * DAY  # in µs


def program(name: str) -> ModuleType:
    """One of the role's programs, as a module; it has the same name."""
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start(folder: Path) -> InfluxServer:
    """One that is set up."""
    server = InfluxServer(folder)
    server.start()
    server.set_up()
    return server


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    server = start(tmp_path_factory.mktemp("influxd"))
    yield server
    server.kill()


class Bucket:
    """A bucket of a test's own."""

    def __init__(self, server: InfluxServer, name: str) -> None:
        server.add_bucket(name)
        self.server = server
        self.name = name
        self.points = Points(InfluxDB(server.url), server.token, ORGANISATION, name)

    def write(self, user: str, host: str, *times: int) -> None:
        """A point of each measurement at each of these times (µs)."""
        self.server.write(self.name, [f"{line}000" for ts in times for line in lines(user, host, ts)])

    def left(self) -> set[tuple[str, str, int]]:
        """User, host and time (in s) of what is there."""
        return {(one["user_id"], one["host"], _seconds(one["_time"])) for one in self.server.points(self.name)}


def lines(user: str, host: str, ts: int) -> list[str]:
    """Line protocol of one point of each measurement, as the extractors write it; the time is in µs."""
    own = f"user_id={tag(user)},host={tag(host)}"
    return [
        f'keystroke_features,{own},device_id=keyboard_0 dwell_mean=1.5,dev_mode=0,implementation="rust",schema=2i {ts}',
        f'mouse_features,{own},device_id=mouse_0 move_0=2.5,dev_mode=0,implementation="rust",schema=2i {ts}',
        f'app_transitions,{own},from_app=a\\ b,to_app=c duration_ms=7,implementation="python",schema=2i {ts}',
    ]


def tag(value: str) -> str:
    """A tag's value in line protocol, by the contract's words and not by the code under test."""
    for letter in ",= ":
        value = value.replace(letter, f"\\{letter}")
    return value


def _seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())
