"""What is away: logged once and on change, tried again ever later."""

import pytest

from seclyzer_extractors import logs
from seclyzer_extractors.dependency import Backoff, Dependency


def test_each_reason_is_logged_once_in_an_outage_and_its_end_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("info", "logfmt")
    times = iter((100.0, 104.9, 200.0))
    redis = Dependency("redis_read", clock=lambda: next(times))
    for reason in ("refused", "refused", "loading", "refused"):
        redis.away(reason)
    assert redis.reason == "refused"
    redis.recovered()
    redis.recovered()
    assert redis.reason is None
    redis.away("refused", "check it")
    reported = [line.split("level=")[1] for line in capsys.readouterr().err.splitlines()]
    away = 'msg="Reading from Redis does not work, trying again" reason='
    assert reported == [
        f"warning {away}refused",
        f"warning {away}loading",
        'info msg="Reading from Redis works again" after_s=4',
        f'error {away}refused advice="check it"',
    ]


def test_backoff_grows_to_its_bound_with_full_jitter_and_is_reset() -> None:
    backoff = Backoff(1.0, 8.0)
    for _ in range(20):
        waits = [backoff.next_s() for _ in range(6)]
        assert all(0.05 <= wait <= bound for wait, bound in zip(waits, (1, 2, 4, 8, 8, 8), strict=True))
        backoff.reset()
    assert len({round(Backoff(1.0, 8.0).next_s(), 6) for _ in range(50)}) > 40
    assert Backoff(0.001, 0.001).next_s() == 0.05
