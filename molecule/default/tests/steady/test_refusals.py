"""What makes no sense is refused before anything changes, with a sentence that says what is allowed."""

import re
from dataclasses import dataclass

import pytest
from hostchecks.rollout import roll_out


@dataclass(frozen=True)
class Case:
    """A way to type it wrongly, and words the refusal must have."""

    typed: str
    says: tuple[str, ...]


# The play of site.yml in which no host is reached: what another one refuses may come too late on a blank host.
BEFORE_ANY_HOST = "Check the variables of all hosts"
WINDOW = "seclyzer_extractors_window_seconds"
CASES = {
    "a mode that is none": Case("mode=fast", ("fast", "python, rust, hybrid")),
    "a variable that no role knows": Case(f"{WINDOW}_=30", (f"{WINDOW}_", WINDOW)),
    "a value of another type": Case(f"{WINDOW}=long", (WINDOW, "long")),
    "a spool without room": Case(
        "seclyzer_extractors_spool_bytes=9", ("seclyzer_extractors_spool_bytes is 9", "1048576")
    ),
    "a token in the clear": Case("influxdb_url=http://store:8086", ("influxdb_url is 'http://store:8086'", "https://")),
    "an address that only looks like the loopback's": Case(
        "influxdb_url=http://127.0.0.1.evil.example:8086", ("over http a token can be read on the way", "[::1]")
    ),
    "an agent that listens nowhere": Case(
        "seclyzer_agent_listen=127.999.1.1:99999", ("127.999.1.1:99999", "[::1]:9484")
    ),
    "a bundle that is not there": Case("seclyzer_bundle=/nonexistent", ("/nonexistent", "make bundle")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_it_is_refused_with_a_sentence_and_changes_nothing(case: Case) -> None:
    run = roll_out("-e", case.typed, timeout=120)
    reported = run.text
    assert run.status != 0
    assert [words for words in case.says if words not in reported] == [], reported
    assert re.search("changed=[1-9]", reported) is None, reported
    assert re.findall(r"^PLAY \[(.*)\]", reported, re.MULTILINE)[-1] == BEFORE_ANY_HOST, reported
