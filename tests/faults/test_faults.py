"""Each fault once, for each implementation: nothing lost, nothing doubled, every value and counter as in the replay."""

import pytest

from .catalogue import FAULTS
from .conftest import Results
from .kills import MUST
from .runner import story


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("implementation", ["python", "rust"])
def test_nothing_is_lost_or_doubled(results: Results, fault: str, implementation: str) -> None:
    result = results[fault, implementation].result()
    print(f"{result.seconds} s, load {result.load}, notes {result.notes}")
    if result.wrongs or "invalid" in result.notes:
        pytest.fail(story(result), pytrace=False)
    assert min(outcome["expected"] for outcome in result.outcomes.values()) >= 2


@pytest.mark.parametrize("fault", ["kills"])
@pytest.mark.parametrize("implementation", ["python", "rust"])
def test_fifty_kills_hit_every_place(results: Results, fault: str, implementation: str) -> None:
    notes = results[fault, implementation].result().notes
    print(f"kills by where they hit: {notes['kills']}")
    assert notes["kills in all"] >= 50
    assert all(notes["kills"][place] for place in MUST), notes["kills"]
