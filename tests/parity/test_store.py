"""The store, as both implementations judge it: answers, by `--check`."""

from typing import Any

import pytest

from tests.cases import cases
from tests.cases.answering import Answering

from .implementations import PYTHON, RUST
from .test_command_line import run


def checked(**environment: str) -> str:
    """What `--check` says of InfluxDB, the same by both; Redis is away. The port is taken out."""
    said = [run(folder, "mouse_extractor", "--check", REDIS_PORT="9", **environment) for folder in (PYTHON, RUST)]
    lines = [out.splitlines()[1] for status, out, _ in said if status == 1]
    assert len(lines) == 2 and lines[0] == lines[1], said
    return lines[0]


@pytest.mark.parametrize("case", cases("answers"), ids=str)
def test_an_answer_means_the_same(case: dict[str, Any]) -> None:
    with Answering(case) as server:
        line = checked(INFLUX_URL=server.url)
    good = case["means"] == "stored" or (case["status"] == 206 and case["means"] == "partly")
    assert line.startswith(f"influxdb: {'good' if good else 'bad'}: ")
    if case["means"] == "no InfluxDB" and case["status"] < 400:
        assert line.endswith("; this is no InfluxDB 2; check influx_url")
