"""Log lines, and saying once what is away."""

import json
from collections.abc import Iterator

import pytest

from seclyzer_extractors import logs


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    logs.setup("info", "logfmt")
    yield
    logs.setup("info", "logfmt")


def test_logfmt_quotes_what_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.info("a message", plain="x", spaced='say "hi"', number=7, nothing=None, lines="a\nb", empty="")
    line = capsys.readouterr().err
    assert line.startswith("ts=20") and line.count("\n") == 1
    assert r'level=info msg="a message" plain=x spaced="say \"hi\"" number=7 nothing=None' in line
    assert r'lines="a\nb" empty=""' in line


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("debug", "json")
    logs.debug("words", number=7, error=OSError("bad"))
    record = json.loads(capsys.readouterr().err)
    assert {**record, "ts": ""} == {"ts": "", "level": "debug", "msg": "words", "number": 7, "error": "bad"}


def test_only_the_level_and_above(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("warning", "logfmt")
    for say in (logs.debug, logs.info, logs.warning, logs.error):
        say(say.__name__)
    assert [line.split("msg=")[1] for line in capsys.readouterr().err.splitlines()] == ["warning", "error"]


def test_a_dependency_is_said_once_and_on_change(capsys: pytest.CaptureFixture[str]) -> None:
    redis = logs.Dependency("Redis")
    for trouble in ("refused", "refused", "loading", "refused"):
        redis.away("reader", trouble)
    redis.away("writer", "refused")
    assert redis.trouble == "refused"
    redis.back("reader")
    assert redis.trouble == "refused"
    redis.back("writer")
    redis.back("writer")
    assert redis.trouble is None
    redis.away("reader", "refused")
    said = [line.split("msg=")[1] for line in capsys.readouterr().err.splitlines()]
    away = '"Redis does not work, trying again" reason='
    assert said == [f"{away}refused", f"{away}loading", '"Redis works again" after_s=0', f"{away}refused"]


def test_a_crash_says_what_and_where_but_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        {}["KeyS"]  # type: ignore[index]
    except KeyError as problem:
        logs.crash(problem)
    line = capsys.readouterr().err
    assert "what=KeyError" in line and "where=test_logs:" in line
    assert "KeyS" not in line
