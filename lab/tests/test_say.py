"""What a long step reports while it goes on."""

import time

import pytest

from lab.say import left, step
from tests.helpers.waiting import until


def test_a_step_that_takes_long_reports_that_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    reported: list[str] = []
    with step("build", every=0.01):
        deadline = time.monotonic() + 30
        while not reported and time.monotonic() < deadline:
            time.sleep(0.01)
            reported += capsys.readouterr().err.splitlines()
    assert reported[0].endswith(" s  goes on: build")
    assert capsys.readouterr().err.splitlines()[-1].endswith(" s  build")


def test_a_short_step_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with step("look"):
        pass
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_is_left_of_the_usual_time_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with step("build", every=0.01, usual=300):
        until(lambda: capsys.readouterr().err.endswith(" s  goes on: build; about 5 min left\n"), "it is reported", 20)
    assert [left(passed, 300) for passed in (0, 100, 290, 300)] == [
        "; about 5 min left",
        "; about 3 min left",
        "; about 1 min left",
        "; it usually takes 5 min, longer on a busy machine",
    ]
    assert left(100, 0) == ""
