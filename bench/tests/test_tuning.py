"""The table of docs/tuning.md names real settings, and the replays that it is made of move what they should."""

import json
import re
from pathlib import Path

import yaml

from bench.dev import tuning

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_that_is_moved_is_one() -> None:
    known = {one["env"] for one in json.loads((ROOT / "extractors/schema/settings.json").read_text())["settings"]}
    assert {name for values in tuning.SETTINGS.values() for name, _ in values} <= known


def test_every_option_of_the_page_is_one_with_the_default_that_stands_there() -> None:
    page = (ROOT / "docs/tuning.md").read_text()
    options: dict[str, dict[str, object]] = {}
    for spec in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        options |= yaml.safe_load(spec.read_text())["argument_specs"]["main"]["options"]
    named = re.findall(r"`((?:seclyzer_extractors|redis)_\w+)`(?: \(([\w%]+)\))?", page)
    assert len(named) >= 12
    assert [name for name, _ in named if name not in options] == []
    assert {name: value for name, value in named if value} == {
        name: str(options[name]["default"]) for name, value in named if value
    }


def test_the_page_has_the_table_of_all_settings() -> None:
    _, _, table = (ROOT / "docs/tuning.md").read_text().partition(tuning.MARK)
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows[1:] == [*tuning.SETTINGS, *tuning.SETTINGS]


def test_a_smaller_interval_puts_out_more_and_a_small_buffer_drops(tmp_path: Path) -> None:
    events = tuning.made(tmp_path, 120)
    by = {
        name: tuning.replay("rust", "mouse", tuning.SETTINGS[name], events)
        for name in ("defaults", "interval 1 s", "buffer of 500 events")
    }
    assert by["interval 1 s"].windows > 2 * by["defaults"].windows > 0
    assert by["defaults"].dropped == 0 < by["buffer of 500 events"].dropped
    assert all(cost.cpu > 0 for cost in by.values())
