"""The features of each kind by name: whoever computes them names them, the schema puts them in order."""

from collections.abc import Callable, Mapping
from operator import itemgetter

from . import schema

Value = float | int | bool | str


def ordering(kind: str, computed: Mapping[str, Value]) -> Callable[[Mapping[str, Value]], tuple[Value, ...]]:
    """What puts features, by name, into the schema's order.

    `computed` is an example of them, of any values. ValueError when a name is missing or unknown: this is called at
    import, so that a program whose names are not those of the schema does not start.
    """
    names = [feature.name for feature in schema.kind(kind).features]
    if differing := set(names) ^ set(computed):
        raise ValueError(f"not both in features.json and computed for {kind}: {', '.join(sorted(differing))}")
    return itemgetter(*names)
