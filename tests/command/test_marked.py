"""A marked session: its values are known, and what enters the host's own Redis is ignored by every extractor."""

import io
import json

import pytest

from command import marked_events
from command.probes.redis import password
from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Refused
from seclyzer_extractors import config
from seclyzer_extractors.event import IGNORED, parse
from seclyzer_extractors.replay import replay

NOW = 1_790_000_000_123_456


@pytest.mark.parametrize("kind", KINDS)
def test_the_extractors_make_of_it_what_the_command_expects(kind: str) -> None:
    lines = [f"{text}\n".encode() for text in marked_events.session(kind, marked_events.begin(NOW))]
    out = io.StringIO()
    counters = replay(kind, config.load(kind, {}, {}, None), lines, out)
    outputs = [json.loads(line) for line in out.getvalue().splitlines() if '"app_patterns"' not in line]
    assert len(outputs) == (2 if kind == "app" else 1)
    for output in outputs:
        assert output["dev_mode"] is True
        for one in marked_events.EXPECTED[kind]:
            assert output[one.feature] == one.value
    assert (counters.malformed, counters.late, counters.future) == (0, 0, 0)


@pytest.mark.parametrize("now", [NOW, NOW // 5_000_000 * 5_000_000, NOW // 5_000_000 * 5_000_000 - 1])
def test_its_window_is_over_when_it_is_sent(now: int) -> None:
    start = marked_events.begin(now)
    times = [json.loads(text)["ts"] for kind in KINDS for text in marked_events.session(kind, start)]
    ends = {-(-ts // marked_events.INTERVAL) * marked_events.INTERVAL for ts in times}
    assert len(ends) == 1 and max(ends) <= now


def test_what_enters_the_hosts_own_redis_is_ignored_by_every_extractor() -> None:
    message = marked_events.marker("abc", NOW).encode()
    assert parse(message) is IGNORED
    kind = "keystroke"
    typed = [f"{text}\n".encode() for text in marked_events.session(kind, marked_events.begin(NOW))]
    alone, beside = io.StringIO(), io.StringIO()
    settings = config.load(kind, {}, {}, None)
    first = replay(kind, settings, typed, alone)
    second = replay(kind, settings, [line for one in typed for line in (one, message)], beside)
    assert (alone.getvalue(), first) == (beside.getvalue(), second)


def test_a_password_that_is_missing_is_named() -> None:
    with pytest.raises(Refused, match="redis-nonsense is missing or holds no password"):
        password("nonsense")
