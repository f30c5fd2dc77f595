"""A document, or a command of the agent's, names no option, field or metric that there is not."""

import re
from collections.abc import Iterator

import pytest

from seclyzer_agent.catalog import COMMANDS
from tests.helpers import ROOT

NAME = re.compile(r"(?<![\w/.-])(?:influxdb|redis|seclyzer)_[a-z0-9_]+")
DECIDE = ["agent/seclyzer_agent", "extractors/schema", "monitoring", "playbooks", "plugins", "roles"]
"""Where such a name is read or made."""
ENDINGS = {".j2", ".json", ".lua", ".py", ".yml"}
CATALOG = ROOT / "agent" / "seclyzer_agent" / "catalog.py"
DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
OTHERS = {"redis_exporter", "redis_up", "redis_memory_used_bytes", "redis_memory_max_bytes", "influxdb_up"}
"""Of other programs, and those that docs/migration.md has as the names of before."""


def known() -> set[str]:
    """Every name in what is run."""
    files = (path for folder in DECIDE for path in (ROOT / folder).rglob("*") if path.suffix in ENDINGS)
    texts = (path.read_text() for path in files if path != CATALOG and path.is_file())
    return {name for text in texts for name in NAME.findall(text)}


def unknown(texts: Iterator[tuple[str, str]], there: set[str]) -> list[str]:
    """The names in these texts, each with where it stands, that there are not."""
    return [f"{where}: {name}" for where, text in texts for name in sorted({*NAME.findall(text)} - there - OTHERS)]


def texts() -> Iterator[tuple[str, str]]:
    yield from ((path.name, path.read_text()) for path in DOCUMENTS)
    yield from ((f"the command of {name}", command) for name, command in COMMANDS.items())


def test_every_option_field_and_metric_that_is_named_is_there() -> None:
    there = known()
    assert len(there) > 300
    assert unknown(texts(), there) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("with influxdb_tls_ca", ["x: influxdb_tls_ca"]),
        ("with influxdb_ca_file and `seclyzer_agent_web_cert`", []),
        ("roles/redis_none and seclyzer.redis_none", []),
    ],
)
def test_a_name_that_is_not_there_is_found(text: str, found: list[str]) -> None:
    assert unknown(iter([("x", text)]), {"influxdb_ca_file", "seclyzer_agent_web_cert"}) == found
