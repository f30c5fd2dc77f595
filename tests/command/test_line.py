"""The command line: help for each command, exit statuses, JSON, completion, and colours on a terminal only."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from command import cli, doctor, exits, screen
from command.host import Host
from plugins.module_utils.layout import Layout
from tests.helpers import ROOT

NAMES = ["status", "doctor", "history", "logs", "test-events", "support-bundle", "rollback", "compare", "bench"]


def absent(tmp_path: Path) -> Host:
    return Host(Layout(base=tmp_path / "opt", units=tmp_path / "units"), "blank")


def test_there_are_these_commands() -> None:
    assert list(cli.COMMANDS) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name != "logs"])
def test_each_command_has_help_with_json_and_every_exit_status(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0 and "--json" in text
    assert [words for _, words in exits.MEANINGS if words not in text] == []


def test_the_help_of_logs_has_the_exit_statuses_and_the_json_of_journalctl(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["logs", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "journalctl's: 0 when it has shown what there is, 1 when it could not" in text
    assert "each line of the journal as a JSON object" in text
    assert not [words for words in (*(words for _, words in exits.MEANINGS[:4]), cli.AS_JSON) if words in text]


def test_the_document_has_every_exit_status() -> None:
    text = (ROOT / "docs/command.md").read_text()
    assert [number for number, _ in exits.MEANINGS if f"\n| {number} | " not in text] == []


@pytest.mark.parametrize("words", [[], ["nonsense"], ["status", "--nonsense"], ["logs", "--lines"], ["compare"]])
def test_a_wrong_command_line_ends_with_64_and_says_where_help_is(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code == exits.USAGE
    assert "--help" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[name] + (["rust"] if name == "compare" else []) for name in NAMES])
def test_a_host_without_seclyzer_is_3_and_says_what_brings_it(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "execvp", lambda *program: pytest.fail(f"it became {program}"))
    assert cli.main(words, lambda: absent(tmp_path)) == exits.UNKNOWN
    assert "ansible-playbook site.yml --limit blank" in capsys.readouterr().err


def test_the_shell_completes_commands_and_what_they_take() -> None:
    assert cli.complete([]) == [*NAMES, "--help"]
    assert "store-token" in cli.complete(["doctor"])
    assert {"keystroke", "extractors", "--follow", "--json"} <= {*cli.complete(["logs"])}
    assert cli.complete(["nonsense"]) == []


def test_the_completion_offers_what_begins_so_in_a_real_bash(tmp_path: Path) -> None:
    program = tmp_path / "seclyzer"
    root = Path(__file__).resolve().parents[2]
    answers = 'printf "store-token\\nstore-full\\n" || printf "doctor\\nstatus\\n"'
    program.write_text(f'#!/bin/sh\n[ "$2" = doctor ] && {answers}\n')
    program.chmod(0o755)
    completion = root / "roles/seclyzer_release/files/completion.bash"
    for typed, offered in (("seclyzer d", "doctor"), ("seclyzer doctor store-t", "store-token")):
        words = typed.split(" ")
        script = f"source {completion}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _seclyzer; "
        script += 'printf "%s\\n" "${COMPREPLY[@]}"'
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [offered]


PRINTS = [["--complete"], ["--complete", "doctor"], ["--help"], *([name, "--help"] for name in NAMES)]


def without_a_reader(program: str, words: list[str]) -> tuple[int, str]:
    """Exit status and stderr of a program's `main` whose stdout no process reads."""
    ours, theirs = os.pipe()
    os.close(ours)
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": f"{root}:{root / 'agent'}", "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-c", f"import sys; from {program} import main; sys.exit(main())", *words]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(theirs)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", PRINTS, ids=" ".join)
def test_a_reader_that_has_what_it_needs_ends_it_without_a_word(words: list[str]) -> None:
    assert without_a_reader("command.cli", words) == (exits.UNREAD, "")


def test_so_it_ends_the_performance_test_which_is_a_program_of_its_own() -> None:
    assert without_a_reader("bench.host", ["--help"]) == (2, "")
    assert without_a_reader("tests.command.bench_of_a_host", []) == (exits.UNREAD, "")


@pytest.mark.parametrize(
    ("environment", "colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colours_unless_it_refuses_them(environment: dict[str, str], colours: bool) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours):
        assert screen.has_colours(terminal, environment) is colours
    assert not screen.has_colours(io.StringIO(), environment)


def test_what_a_log_holds_does_not_steer_the_terminal() -> None:
    out = io.StringIO()
    screen.Screen(out=out).line("a\x1b]0;title\x07b\rc\nd")
    assert out.getvalue() == "a?]0;title?b?c\nd\n"
    assert screen.plain("\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J", colours=True) == "\x1b[31mred\x1b[0m?]0;title??[2J"


def test_with_json_nothing_else_is_on_stdout(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "RUNBOOK", Path(__file__).resolve().parents[2] / "docs/runbook.md")
    assert cli.main(["doctor", "--json", "unit-down"]) == exits.WELL
    found = json.loads(capsys.readouterr().out)
    assert found["id"] == "unit-down" and found["command"].startswith("sudo systemctl restart")
