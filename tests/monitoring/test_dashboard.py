"""The dashboard is what the code makes, of Grafana's schema, on metrics that the agent has."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.helpers import ROOT
from tests.monitoring.test_rules import NAME, exported

FILE = ROOT / "monitoring" / "dashboard.json"


def dashboard() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return made


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def without_variables(expression: str) -> str:
    """The expression as Grafana sends it."""
    known = {"$__rate_interval": "5m", "$job": "seclyzer", "$instance": ".*", "$extractor": ".*"}
    for name, value in known.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


def test_the_file_is_what_the_code_makes() -> None:
    command = [sys.executable, "-m", "monitoring.dashboard", "--print"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made == FILE.read_text(encoding="utf-8"), "run python -m monitoring.dashboard"


def test_the_file_is_of_grafanas_schema() -> None:
    """Read by the SDK's model and written again it is the same: no key is unknown, none is of another type."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    again = json.loads(json.dumps(Dashboard.from_json(dashboard()), cls=JSONEncoder))
    assert again == dashboard()


def test_every_expression_is_promql_on_metrics_that_the_agent_has(tmp_path: Path) -> None:
    found = expressions()
    assert len(found) > 25
    rules = [{"record": f"panel_{n}", "expr": without_variables(text)} for n, text in enumerate(found)]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in found:
        assert set(NAME.findall(text)) <= exported(), text


def test_every_expression_is_of_the_chosen_hosts() -> None:
    for text in expressions():
        for metric in re.findall(r"(?:seclyzer_\w+|\bup)\b", text):
            assert f'{metric}{{job="$job",instance=~"$instance"' in text, text


def test_every_panel_has_words_a_place_and_an_id_of_its_own() -> None:
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len(every) > 20
    taken: set[tuple[int, int]] = set()
    for panel in every:
        grid = panel["gridPos"]
        cells = {(grid["x"] + dx, grid["y"] + dy) for dx in range(grid["w"]) for dy in range(grid["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    for panel in panels():
        assert panel["title"] and panel["description"] and panel["targets"], panel["title"]


def test_nothing_in_it_names_a_server_or_a_key() -> None:
    assert not re.search(r"https?://|password|token|Bearer", FILE.read_text(encoding="utf-8"))
