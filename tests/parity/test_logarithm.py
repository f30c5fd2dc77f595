"""Another C library may give a logarithm whose last bit is another. No feature may hang on that bit.

The oracle gets logarithms that are wrong by one unit in the last place, up or down as the number decides; both
implementations keep theirs. Typing that is even, or nearly, is where the last bit could decide.
"""

from __future__ import annotations

import json
import math
import random
import secrets
from collections.abc import Callable

import pytest

from tests.parity import implementations, naive, naive_typing
from tests.parity.implementations import Output
from tests.parity.settings import Settings

START = 1_700_000_000_000_001
SETTINGS = Settings("keystroke", 30_000, 5_000, min_events=1)
STREAMS = 60
FEATURES = ("gap_log_std", "gap_log_autocorrelation")
RUNS: list[Callable[[Settings, bytes], Output]] = [implementations.python_in_process, implementations.rust_program]


def off_by_an_ulp(ms: float) -> float:
    return math.nextafter(math.log(ms), math.inf if random.Random(ms).random() < 0.5 else -math.inf)


def presses(gaps_us: list[int]) -> bytes:
    """Presses of different keys, so far apart, and one much later that closes all windows."""
    lines, ts = [], START
    for number, gap in enumerate([0, *gaps_us, 60_000_000]):
        ts += gap
        lines += [json.dumps({"type": "keystroke", "key": f"F{number}", "event": "press", "ts": ts})]
    return "\n".join(lines).encode()


def even(rng: random.Random) -> list[int]:
    """Gaps in µs, all the same but for what one of them, or each, has more."""
    gap, count = rng.choice([1, 400, 90_000, rng.randrange(1, 1_498_000), 1_498_000]), rng.randint(11, 60)
    gaps = [gap] * count
    differ = rng.choice(["none", "the first", "the last", "one", "each, by less than 1 ms", "each, by 1 ms or more"])
    if differ == "each, by less than 1 ms":
        return [gap + rng.randrange(1000) for gap in gaps]
    if differ == "each, by 1 ms or more":
        return [gap + rng.choice([0, 1000, 1001]) for gap in gaps]
    if differ != "none":
        place = {"the first": 0, "the last": -1, "one": rng.randrange(count)}[differ]
        gaps[place] += rng.choice([1, 999, 1000, 1001, 1500])
    return gaps


@pytest.mark.parametrize("run", RUNS)
def test_the_last_bit_of_a_logarithm_decides_no_feature(
    run: Callable[[Settings, bytes], Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, compared, correlated = secrets.token_hex(4), 0, 0
    monkeypatch.setattr(naive_typing, "log", off_by_an_ulp)
    for number in range(STREAMS):
        raw = presses(even(random.Random(f"{seed}:{number}")))
        expected, found = naive.run(SETTINGS, raw).rows, run(SETTINGS, raw).rows
        assert len(expected) == len(found) > 0
        for oracle, row in zip(expected, found, strict=True):
            for feature in FEATURES:
                value = oracle[feature]
                assert isinstance(value, float)
                assert abs(value - row[feature]) <= 1e-9, f"seed {seed}, stream {number}: {feature}, {oracle['ts']}"
                compared += 1
            correlated += row["gap_log_autocorrelation"] != 0
    assert compared > 2 * STREAMS and correlated > 0


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(
    ("gaps_us", "is_correlated"),
    [
        ([100_000] * 20, False),
        ([100_000, 100_999] * 10, False),
        ([100_000, 101_000] * 10, True),
        ([200_000, *[100_000] * 19], False),  # all but the first are the same
        ([*[100_000] * 19, 200_000], False),  # all but the last
        ([200_000, *[100_000] * 18, 200_000], True),
    ],
)
def test_typing_is_even_when_its_gaps_differ_by_less_than_a_millisecond(
    run: Callable[[Settings, bytes], Output], gaps_us: list[int], is_correlated: bool
) -> None:
    whole = next(row for row in run(SETTINGS, presses(gaps_us)).rows if row["total_keys"] == len(gaps_us) + 1)
    assert (whole["gap_log_autocorrelation"] != 0) is is_correlated
