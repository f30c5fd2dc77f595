"""The feature list as data."""

import json
from pathlib import Path

from seclyzer_extractors import schema

FILE = Path(schema.__file__).parent / "schema" / "features.json"


def test_names_are_unique_and_every_one_says_unit_kind_and_meaning() -> None:
    for kind in json.loads(FILE.read_text(encoding="utf-8"))["kinds"].values():
        names = [feature["name"] for feature in kind["features"]]
        assert len(names) == len(set(names))
        for feature in kind["features"]:
            assert set(feature) == {"name", "unit", "kind", "about"}
            assert feature["kind"] in {"number", "count", "bool", "string"}
            assert feature["unit"] and feature["about"]


def test_channels_measurements_and_tags() -> None:
    app, mouse = schema.kind("app"), schema.kind("mouse")
    assert (app.channel, app.measurement) == ("seclyzer:features:app", "app_transitions")
    assert (app.tags, app.device_id) == (("user_id", "host", "from_app", "to_app"), None)
    assert (mouse.channel, mouse.measurement) == ("seclyzer:features:mouse", "mouse_features")
    assert (mouse.tags, mouse.device_id) == (("user_id", "device_id", "host"), "mouse_0")
    assert (mouse.stream_key, mouse.cursor_key) == ("seclyzer:stream:mouse", "seclyzer:cursor:mouse")


def test_the_version_is_that_of_the_project() -> None:
    root = Path(__file__).resolve().parents[3]
    assert schema.version() == (root / "VERSION").read_text(encoding="utf-8").strip()
