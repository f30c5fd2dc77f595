"""Something else than InfluxDB answers at the store's address: no point counts as stored, and all come later."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cases.answering import STORED, Answering
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until

from .events import add, by_kind, recent
from .expected import replay
from .extractor import Extractor

PAGE = {"status": 200, "type": "text/html", "body": "<html>Welcome</html>"}
STRANGERS: list[dict[str, Any]] = [PAGE, {"status": 201}, {"status": 302}, {"status": 304}]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Empty."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda case: str(case["status"]))
def test_what_a_stranger_takes_is_kept_and_reported_loudly_once(
    redis_server: RedisServer, implementation: str, stranger: dict[str, Any], tmp_path: Path, seed: int
) -> None:
    messages = recent(seed, 6.0, dev_mode=False)
    points = len(replay(implementation, "keystroke", by_kind(messages)["keystroke"]).texts)
    client = redis_server.client()
    add(client, messages)

    def stats(name: str) -> int:
        return int(client.hget("seclyzer:stats:keystroke", name) or 0)

    with Answering(stranger) as server:
        settings = {"REDIS_URL": redis_server.url, "INFLUX_URL": server.url, "SECLYZER_INFLUX_RETRY_SECONDS": "0.5"}
        extractor = Extractor(implementation, "keystroke", tmp_path, settings)
        try:
            extractor.wait_ready()
            until(lambda: stats("windows") >= points and stats("influx_errors") >= 3, "three attempts")
            assert (stats("points_written"), stats("points_rejected"), stats("points_dropped")) == (0, 0, 0)
            assert client.hget("seclyzer:cursor:keystroke", "stored") is None
            loud = [line for line in extractor.log.splitlines() if "level=error" in line]
            words = f': status {stranger["status"]}" advice="this is no InfluxDB 2: check influx_url"'
            assert len(loud) == 1 and loud[0].endswith(words), extractor.log
            server.case = STORED
            until(lambda: stats("points_written") >= points, "all are stored")
            until(lambda: client.hget("seclyzer:cursor:keystroke", "stored") is not None, "and noted")
            extractor.ask_to_stop()
            extractor.wait_stopped()
            assert extractor.log.count("Writing to InfluxDB works again") == 1
        finally:
            extractor.close()
