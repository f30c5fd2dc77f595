"""Whose last words are reported when a unit did not start: the program's own, also when journald read them late."""

import pytest

from plugins.module_utils import systemd
from plugins.module_utils.systemd import Completed

OF_THE_START, OF_THE_PROCESS, OF_SYSTEMD = "_SYSTEMD_INVOCATION_ID=abc", "_PID=17", "INVOCATION_ID=abc"


@pytest.mark.parametrize(
    ("journal", "found"),
    [
        ({OF_THE_START: "own\n", OF_THE_PROCESS: "own\n", OF_SYSTEMD: "exited\n"}, ["own"]),
        # As journald has it when the process ended before it read the line: seen on a host whose journald was stopped.
        ({OF_THE_PROCESS: "own\n", OF_SYSTEMD: "exited\n"}, ["own"]),
        ({OF_SYSTEMD: "exited\n"}, ["exited"]),
    ],
)
def test_the_programs_own_words_come_before_systemds(
    monkeypatch: pytest.MonkeyPatch, journal: dict[str, str], found: list[str]
) -> None:
    asked: list[list[str]] = []

    def run(argv: list[str], timeout: float = 60.0) -> Completed:
        asked.append(argv)
        return Completed(argv, 0, next((text for match, text in journal.items() if match in argv), ""), "")

    monkeypatch.setattr(systemd, "run", run)
    monkeypatch.setattr(systemd, "show", lambda units, _: {units[0]: {"InvocationID": "abc", "ExecMainPID": "17"}})
    assert systemd.last_words("x.service", 5.0) == found
    assert asked[0] == ["journalctl", "--sync"]
    assert all("--since=@5.000" in argv for argv in asked if OF_THE_PROCESS in argv), "another process had that number"
