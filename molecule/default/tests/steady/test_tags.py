"""`--tags` runs a part of site.yml: what the part does not need is neither required nor touched."""

import re

import pytest
from hostchecks.rollout import Run, roll_out

BROKEN = ("-e", "seclyzer_bundle=/nonexistent", "-e", "seclyzer_agent_cpu_quota=much")


def roles(run: Run) -> set[str]:
    """The roles of which a task ran or was tried, but for the checks of inputs, which Ansible makes in any case."""
    return {
        name
        for name, task in re.findall(r"^TASK \[(\w+) : (.*)\]", run.text, re.MULTILINE)
        if not task.startswith("Validating")
    }


def test_redis_alone_needs_neither_store_nor_bundle() -> None:
    run = roll_out("--tags", "redis", *BROKEN, "-e", "influxdb_store_host=", "-e", "influxdb_port=8087")
    assert run.status == 0, run.text
    assert (roles(run), run.changed) == ({"redis"}, [])
    assert "health not checked" in run.line("edge1")


def test_the_store_alone_needs_no_bundle() -> None:
    run = roll_out("--tags", "influxdb", *BROKEN)
    assert run.status == 0, run.text
    assert (roles(run), run.changed) == ({"influxdb", "influxdb_gateway"}, [])


@pytest.mark.parametrize("part", ["extractors", "agent"])
def test_extractors_and_agent_are_one_deployment(part: str) -> None:
    run = roll_out("--tags", part)
    assert run.status == 0, run.text
    assert {"seclyzer_extractors", "seclyzer_agent", "seclyzer_release"} == roles(run) - {"influxdb"}
    assert "healthy" in run.line("edge1")


def test_the_preflight_alone_finds_all_and_changes_nothing() -> None:
    run = roll_out("--tags", "preflight")
    assert (run.status, run.changed) == (0, []), run.text
    assert roll_out("--tags", "preflight", *BROKEN[:2]).status != 0
