"""What a long step reports while it goes on."""

import time

import pytest

from lab.say import step


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
