"""Random settings are in force, or refused in the same words, in both implementations."""

from __future__ import annotations

from unittest import mock

from . import settings_agree

COUNT = 1000


def test_both_command_lines_take_and_refuse_the_same_settings(seed: str) -> None:
    report = settings_agree.check(seed, COUNT)
    reported = "\n".join(report.differences[:5])
    assert not report.differences, f"seed {seed}: {len(report.differences)} differences\n{reported}"
    assert report.tried == COUNT and COUNT // 10 < report.refused < COUNT - COUNT // 10


def test_a_setting_that_one_of_them_reads_otherwise_is_found() -> None:
    real = settings_agree.in_python

    def wrong(kind: str, environment: dict[str, str], arguments: list[str]) -> settings_agree.Ended:
        code, out, err = real(kind, environment, arguments)
        return code, out.replace('log_level: "error"', 'log_level: "info"'), err

    with (
        mock.patch.object(settings_agree, "in_python", wrong),
        mock.patch.object(settings_agree, "sources", lambda rng: (None, {"SECLYZER_LOG_LEVEL": "error"}, [])),
    ):
        assert len(settings_agree.check("x", 1).differences) == 1
