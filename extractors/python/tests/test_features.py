"""Features by name."""

import pytest

from seclyzer_extractors import schema
from seclyzer_extractors.features import ordering

NAMES = [feature.name for feature in schema.kind("mouse").features]


def test_features_come_out_in_the_schemas_order_whatever_order_they_are_given_in() -> None:
    values = {name: float(place) for place, name in enumerate(NAMES)}
    backwards = dict(reversed(values.items()))
    assert ordering("mouse", backwards)(backwards) == tuple(values.values())


@pytest.mark.parametrize("names", [NAMES[1:], [*NAMES, "move_20"], [*NAMES[1:], "move_20"]])
def test_a_name_that_is_missing_or_unknown_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"not both in features\.json and computed for mouse: move_"):
        ordering("mouse", dict.fromkeys(names, 0))
