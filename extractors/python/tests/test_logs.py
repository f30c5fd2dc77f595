"""Log lines: what `log.json` has, and that the program logs nothing else."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from seclyzer_extractors import logs

PACKAGE = Path(logs.__file__).parent


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    logs.setup("info", "logfmt")
    yield
    logs.setup("info", "logfmt")


def calls() -> list[tuple[str, set[str]]]:
    """Name and fields of each event that the program logs."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("logs.log", "log"):
                continue
            [name] = node.args
            assert isinstance(name, ast.Constant), f"{path.name}:{node.lineno}: the name has to stand there"
            found.append((str(name.value), {str(keyword.arg) for keyword in node.keywords}))
    return found


def test_the_program_logs_the_events_of_the_spec_with_their_fields_and_no_others() -> None:
    logged = calls()
    assert {name for name, _ in logged} == set(logs.EVENTS)
    for name, fields in logged:
        event = logs.EVENTS[name]
        assert fields == {*event.fields, *event.places}, name


def test_logfmt_quotes_what_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.log("points_rejected", status="x", points='say "hi"', reason="a\nb", oldest="")
    line = capsys.readouterr().err
    assert line.startswith("ts=20") and line.count("\n") == 1
    assert line.endswith(
        r'level=error msg="InfluxDB rejected points" status=x points="say \"hi\"" reason="a\nb" oldest=""' + "\n"
    )
    logs.log("stopping")
    logs.log("key_ignored", key="ä\u00a0=")
    logs.log("key_ignored", key="ä\u00a0")
    reported = capsys.readouterr().err.splitlines()
    assert [line.partition(" level=")[2] for line in reported] == [
        "info msg=stopping",
        'warning msg="a key of the wrong type was ignored" key="ä\u00a0="',
        'warning msg="a key of the wrong type was ignored" key=ä\u00a0',
    ]


def test_json_lines_keep_numbers_and_leave_out_what_has_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("debug", "json")
    logs.log("spool_sent", points=7, dropped=None)
    logs.log("state_unwritable", reason=OSError("bäd"))
    sent, unwritable = capsys.readouterr().err.splitlines()
    assert sent.partition(",")[2] == '"level":"info","msg":"the disk buffer was sent","points":7}'
    assert json.loads(unwritable)["reason"] == "bäd" and "bäd" in unwritable


def test_only_the_level_and_above(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("warning", "logfmt")
    for name in ("notify_failed", "stopping", "rejected_full", "state_unwritable"):
        logs.log(name, **dict.fromkeys(logs.EVENTS[name].fields, "x"))
    levels = [line.split()[1] for line in capsys.readouterr().err.splitlines()]
    assert levels == ["level=warning", "level=error"]


def test_names_and_fields_that_the_spec_does_not_have_are_refused() -> None:
    with pytest.raises(KeyError):
        logs.log("strated")
    with pytest.raises(ValueError, match="stopped has no field window"):
        logs.log("stopped", window=3)


def test_a_crash_logs_what_and_where_but_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        {}["KeyS"]  # type: ignore[index]
    except KeyError as problem:
        logs.crash(problem)
    line = capsys.readouterr().err
    assert "what=KeyError" in line and f"where={__name__}:" in line
    assert "KeyS" not in line
