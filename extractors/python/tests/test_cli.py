"""The command line, as a person types it."""

import json
import subprocess
from pathlib import Path

import pytest
from support import START, command, environment, focus, run, typed

from seclyzer_extractors import cli

PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
FLAGS = """
--config --check --print-config --version --help --replay --stats --dev-mode --window --interval --lateness
--min-events --buffer-events --redis-url --influx-url --user-id --device-id --host --state-dir --log-level
--log-format
"""


@pytest.mark.parametrize("kind", PROGRAMS)
def test_version_and_help(kind: str) -> None:
    done = run(kind, "--version")
    assert done.returncode == 0
    name, version, implementation = done.stdout.decode().split()
    assert (name, implementation) == (PROGRAMS[kind], "(python)")
    assert version.count(".") == 2
    done = run(kind, "--help")
    assert done.returncode == 0
    for flag in FLAGS.split():
        assert flag in done.stdout.decode()


def test_replay_from_a_file_and_from_stdin_are_the_same(tmp_path: Path) -> None:
    lines = b"".join(typed(START, 60))
    (tmp_path / "events").write_bytes(lines)
    from_file = run("keystroke", "--replay", str(tmp_path / "events"), "--stats")
    from_stdin = run("keystroke", "--replay", "-", "--stats", stdin=lines)
    assert from_file.returncode == from_stdin.returncode == 0
    assert from_file.stdout == from_stdin.stdout and from_file.stdout.count(b"\n") == 2
    assert json.loads(from_file.stderr) == {
        "implementation": "python", "version": json.loads(from_file.stdout.splitlines()[0])["version"],
        "events": 60, "malformed": 0, "future": 0, "ancient": 0, "late": 0, "behind": 0, "dropped": 0, "sessions": 0,
        "windows": 2, "windows_short": 0, "last_event_ts": START + 59 * 100_000, "last_window_ts": START + 9_999_999,
    }  # fmt: skip


def test_replay_knows_no_future_and_needs_neither_redis_nor_influxdb() -> None:
    done = run("app", "--replay", "-", "--stats", stdin=focus(253402300799999999, "a"))
    assert json.loads(done.stderr)["events"] == 1
    assert json.loads(done.stdout)["type"] == "app_patterns"


def test_flags_of_the_window_work() -> None:
    flags = ("--window", "2", "--interval", "1", "--lateness", "0", "--min-events", "2", "--dev-mode")
    done = run("keystroke", "--replay", "-", *flags, stdin=b"".join(typed(START, 4, step=600_000)))
    windows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(window["ts"] - START + 1) // 1_000_000 for window in windows] == [1, 2]
    assert all(window["dev_mode"] for window in windows)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--window", "0"),
        ("--colour",),
        ("--min-events",),
        ("--config", "/nowhere"),
        ("--win", "3"),
        ("extra",),
    ],
)
def test_a_configuration_error_is_one_line_and_exits_with_78(arguments: tuple[str, ...]) -> None:
    done = run("keystroke", *arguments)
    assert done.returncode == 78
    assert done.stdout == b"" and done.stderr.count(b"\n") == 1
    assert done.stderr.startswith(b"keystroke_extractor: configuration: ")


def test_files_that_are_named_must_be_there_before_the_program_runs(tmp_path: Path) -> None:
    for arguments in (("--check", "--state-dir", f"{tmp_path}/no"), ("--state-dir", f"{tmp_path}/no")):
        done = run("app", *arguments)
        assert (done.returncode, b"state_dir is" in done.stderr) == (78, True)
    done = run("app", "--check", env=environment(INFLUX_CA_FILE=f"{tmp_path}/no"))
    assert (done.returncode, b"influx_ca_file is" in done.stderr) == (78, True)


def test_a_replay_that_cannot_be_read_exits_with_1(tmp_path: Path) -> None:
    done = run("mouse", "--replay", str(tmp_path / "nothing"))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"No such file" in done.stderr and done.stderr.count(b"\n") == 1


def test_output_without_a_reader_is_no_traceback() -> None:
    lines = b"".join(typed(START, 20_000))
    program = subprocess.Popen(
        command("keystroke", "--replay", "-"), env=environment(),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert program.stdin and program.stdout and program.stderr
    program.stdout.close()
    try:
        program.stdin.write(lines)
        program.stdin.close()
    except BrokenPipeError:
        pass
    assert program.wait(20) == 1
    assert program.stderr.read() == b""
    program.stderr.close()


def test_a_crash_in_a_replay_says_where_and_nothing_of_what_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def crashes(*_: object) -> None:
        raise ValueError("KeySecret")

    (tmp_path / "events").write_bytes(b"".join(typed(START, 4)))
    monkeypatch.setattr("seclyzer_extractors.replay.replay", crashes)
    assert cli.main("keystroke", ["--replay", str(tmp_path / "events")]) == 1
    output = capfd.readouterr().err
    assert "level=error msg=crashed what=ValueError" in output and "Secret" not in output and "Traceback" not in output
