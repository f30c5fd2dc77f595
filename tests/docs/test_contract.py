"""The contract and the spec as data say the same; so do all places that name the version."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.helpers import ROOT

CONTRACT = (ROOT / "docs" / "contract.md").read_text()


def spec(name: str) -> Any:
    return json.loads((ROOT / "extractors" / "schema" / f"{name}.json").read_text())


def section(heading: str) -> str:
    """The text under a heading, up to the next one that is not below it."""
    level = heading.partition(" ")[0]
    return re.split(rf"^#{{1,{len(level)}}} ", CONTRACT.partition(f"\n{heading}")[2], flags=re.MULTILINE)[0]


def first_column(text: str) -> list[str]:
    """The names in code type in the first cells of its tables."""
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def expanded(name: str) -> list[str]:
    """`a_{b,c}` are `a_b` and `a_c`."""
    head, brace, rest = name.partition("{")
    if not brace:
        return [name]
    middle, _, tail = rest.partition("}")
    return [head + one + tail for one in middle.split(",")]


def test_the_features_of_schema_2_in_their_order() -> None:
    names = [feature["name"] for feature in spec("features")["kinds"]["keystroke"]["features"]]
    rows = [line.split(" | ")[0] for line in section("#### 3.1.2 ").splitlines() if line.startswith("| `")]
    stated = [each for row in rows for name in re.findall(r"`([\w{},]+)`", row) for each in expanded(name)]
    assert stated == names[names.index("total_keys") + 1 : names.index("dev_mode")]
    counts = re.search(r"### 3\.1 Keystroke: (\d+) features", CONTRACT)
    assert counts and int(counts[1]) == len(names) - len(["dwell_count", "flight_count", "total_keys", "dev_mode"])


def test_the_fields_of_the_stats_hash() -> None:
    stats = spec("stats")
    assert sorted(first_column(section("### 4.3 "))) == sorted(
        f["name"] for f in stats["fields"] + stats["after_rejection"]
    )


def test_the_fields_that_a_replay_prints() -> None:
    line = re.search(r"With `--stats`.*?\n\*", section("## 5. "), re.DOTALL)
    assert line
    names = re.findall(r"`(\w+)`", line[0])
    assert sorted(names) == sorted(
        ["implementation", "version", *(f["name"] for f in spec("stats")["fields"] if f.get("replay"))]
    )


def test_every_variable_of_the_environment_is_a_setting() -> None:
    text = re.search(r"\* Environment:.*?lists all", section("## 5. "), re.DOTALL)
    assert text
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", text[0]))
    assert len(named) > 15
    assert named <= {setting["env"] for setting in spec("settings")["settings"]}


@pytest.mark.parametrize("kind", ["keystroke", "mouse", "app"])
def test_programs_minima_and_buffers(kind: str) -> None:
    found = next(one for one in spec("kinds")["kinds"] if one["name"] == kind)
    assert f"`{found['program']}`" in section("## 5. ")
    shown = {"keystroke": "keystroke", "mouse": "mouse", "app": "application"}[kind]
    buffers = re.search(r"hold at most ([\d ]+) keystroke, ([\d ]+) mouse and ([\d ]+) application", CONTRACT)
    assert buffers
    by_kind = dict(zip(["keystroke", "mouse", "application"], buffers.groups(), strict=True))
    assert int(by_kind[shown].replace(" ", "")) == found["buffer_events"]
    if kind != "app":
        minima = re.search(r"minimum number of events \(keystroke (\d+), mouse (\d+)\)", CONTRACT)
        assert minima and int(minima[1 if kind == "keystroke" else 2]) == found["min_events"]


def test_one_version_everywhere() -> None:
    version = (ROOT / "VERSION").read_text().strip()
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    crate = tomllib.loads((ROOT / "extractors/rust/Cargo.toml").read_text())["package"]["version"]
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading and {galaxy, crate, heading[1]} == {version}
