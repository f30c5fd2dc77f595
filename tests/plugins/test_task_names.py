"""A task's name is what an operator sees when a run fails: it begins with a verb, and uses the field's words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for pattern in (
        "*.yml",
        "playbooks/*.yml",
        "playbooks/tasks/*.yml",
        "roles/*/tasks/*.yml",
        "roles/*/handlers/*.yml",
    )
    for path in ROOT.glob(pattern)
    if path.name != "galaxy.yml"
)
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
VERBS = frozenset(
    re.findall(
        r"\w+",
        """
        Accept Add Apply Back Check Compare Configure Copy Count Create Delete End Export Fetch Install Issue Make
        Mask Measure Read Record Refuse Reload Remove Render Report Restart Restore Return Roll Rotate Select Set
        Show Skip Stage Start Switch Take Update Wait Write
        """,
    )
)
"""What a task may do. A new verb is added here with the first task that needs it."""
VAGUE = re.compile(r"\b(asked|given|goes|matters|meant|nobody|said|somebody|stands|told|turn|wanted)\b", re.IGNORECASE)
INNER = ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers")


def named(part: Any) -> Iterator[str]:
    """The names of all plays and tasks in a file; of a task without one, what it holds."""
    for one in part or []:
        yield str(one.get("name") or f"without a name: {sorted(one)}")
        for key in INNER:
            yield from named(one.get(key))


def faults(name: str) -> list[str]:
    """What is wrong with a name."""
    wrong = [] if name.split(" ", 1)[0].rstrip(",") in VERBS else ["begins with no verb of the list"]
    return wrong + [f"says {word}" for word in VAGUE.findall(name)]


def test_all_kinds_of_files_are_looked_at() -> None:
    assert {"site.yml", "playbooks/site.yml", "playbooks/tasks/failed.yml", "roles/redis/handlers/main.yml"} < {*NAMES}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_names_of_plays_and_tasks_begin_with_a_verb(path: Path) -> None:
    assert {name: wrong for name in named(yaml.safe_load(path.read_text())) if (wrong := faults(name))} == {}


@pytest.mark.parametrize(
    "name", ["What was asked for goes together", "Lateness is a time", "Mark the host", "Redis stands", "See to it"]
)
def test_a_name_that_tells_an_operator_nothing_is_refused(name: str) -> None:
    assert faults(name)
