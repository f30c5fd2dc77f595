"""The golden vectors against both implementations and the oracle."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from tests.parity import implementations, naive
from tests.parity.settings import PROGRAMS, Settings

check: Any = importlib.import_module("check")  # extractors/vectors/check.py
KINDS = {program: kind for kind, program in PROGRAMS.items()}
VECTORS = check.vectors()


def settings(name: str) -> Settings:
    """What a vector's arguments mean."""
    expected = check.load(name)
    words = expected["arguments"]
    value = {flag: int(text) for flag, text in zip(words[::2], words[1::2], strict=True)}
    return Settings(
        KINDS[expected["program"]],
        window_ms=value.pop("--window", 30) * 1000,
        interval_ms=value.pop("--interval", 5) * 1000,
        lateness_ms=value.pop("--lateness", 250),
        min_events=value.pop("--min-events", 0),
        buffer_events=value.pop("--buffer-events", 0),
    )


def test_there_are_vectors_for_every_program() -> None:
    assert {check.load(name)["program"] for name in VECTORS} == set(KINDS)
    assert {"keystroke-golden", "mouse-golden", "apps-golden"} <= set(VECTORS)


@pytest.mark.parametrize("name", VECTORS)
def test_oracle_agrees_with_vector(name: str) -> None:
    result = naive.run(settings(name), check.events(name).read_bytes())
    rows = [{**row, "implementation": "oracle", "version": "-"} for row in result.rows]
    assert check.compare(check.load(name), rows, dict(result.counters)) == []


@pytest.mark.parametrize("name", VECTORS)
def test_rust_agrees_with_vector(name: str) -> None:
    assert check.check(name, implementations.RUST, "rust") == []


@pytest.mark.parametrize("name", VECTORS)
def test_python_agrees_with_vector(name: str) -> None:
    assert check.check(name, implementations.PYTHON, "python") == []


@pytest.mark.parametrize(
    ("required", "got", "agrees"),
    [
        (7, 7, True),
        (7, 7.0, False),
        (True, 1, False),
        ("600/7", 600 / 7, True),
        ("600/7", 600 / 7 * (1 + 2e-9), False),
        ("0", 9e-13, True),
        ("0", 2e-12, False),
        ("70", 70, True),
        ("70", "70", False),
        ({"about": 1.27341, "within": 1e-6}, 1.2734104, True),
        ({"about": 1.27341, "within": 1e-6}, 1.273412, False),
        ({"a": "1"}, {"a": 1.0, "b": 0.0}, False),
        ([["a", 1]], [["a", 2]], False),
        ("2023-11-14T22:13:25.000000Z", "2023-11-14T22:13:25.000000Z", True),
        ("1/3", float("nan"), False),
    ],
)
def test_the_checker_tells_equal_from_different(required: object, got: object, agrees: bool) -> None:
    assert (list(check.differences("here", required, got)) == []) is agrees
