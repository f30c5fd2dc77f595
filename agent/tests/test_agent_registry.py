"""The registry of checks: what one check states reaches every answer, and one that is broken reaches nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from agent_world import ROOT, Agent, Host, RedisServer, acl_rules
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from plugins.module_utils.health import FULLNESS
from scripts.agent_readme import README, rewritten
from seclyzer_agent import registry, shared_settings
from seclyzer_agent.kinds import KINDS
from seclyzer_agent.model import Pace
from seclyzer_agent.spec import Metric, Setting, Spec
from tests.helpers.waiting import until

Start = Callable[..., Agent]

MODULE = """
import asyncio
from ..model import Entry, Pace, Reading, Status
from ..spec import Metric, Setting, Spec

class Check:
    name = "NAME"
    after = ()
    primary = Entry("thing", "NAME", "component", Status.FAIL, "")

    async def read(self):
        READ

def entry(**changes):
    values = {"measurement": "thing", "component": "NAME", "kind": "component", "status": Status.PASS}
    return Entry(**{**values, "output": "NAME is well", **changes})

def broken(*_):
    raise KeyError("secret detail")

SPEC = Spec(
    names=("NAME",), order=200, help="a check", pace=Pace(1.0, 1.0, rise=1, fall=1),
    measurements={"thing": "a thing"}, make=lambda _: [Check()], MORE
)
"""
GOOD = 'return Reading((entry(),), "facts")'


def module(name: str, read: str = GOOD, more: str = "") -> str:
    return MODULE.replace("NAME", name).replace("READ", read).replace("MORE", more)


def metric(samples: str, kind: str = "gauge", suffix: str = "") -> str:
    """A metric of a check, with one label."""
    return (
        f'metrics=(Metric("seclyzer_strange{suffix}", "{kind}", "strange", lambda _, facts: {samples}, labels=("a",)),)'
    )


BROKEN = {
    "imports": "import no_such_module",
    "syntax": "def (",
    "specless": "SPEC = 7",
    "misnamed": module("misnamed", more='metrics=(Metric("no name", "gauge", "", broken),)'),
    "takes_metric": module("takes_metric", more='metrics=(Metric("seclyzer_redis_up", "gauge", "", broken),)'),
    "takes_check": module("redis"),
    "unmade": module("unmade", more="").replace("lambda _: [Check()]", "broken"),
    "strays": module("strays").replace('name = "strays"', 'name = "redis"'),
    "raises": module("raises", "broken()"),
    "hangs": module("hangs", "await asyncio.sleep(600)"),
    "blocks": module("blocks", "__import__('time').sleep(600)"),
    "exits": module("exits", "raise SystemExit(3)"),
    "cancels": module("cancels", "raise asyncio.CancelledError"),
    "says_nothing": module("says_nothing", "return None"),
    "says_three": module("says_three", "return Reading(3)"),
    "no_text": module("no_text", "return Reading((entry(output=None),))"),
    "surrogate": module("surrogate", r'return Reading((entry(output="\udcff"),))'),
    "no_json": module("no_json", 'return Reading((entry(value=float("nan")),))'),
    "no_number": module("no_number", "return Reading((entry(value=object()),))"),
    "no_status": module("no_status", "return Reading((entry(status=7),))"),
}
"""Modules of checks that are broken before they say anything good."""
MISMEASURED = {
    "fails": metric("broken()", suffix="_1"),
    "text": metric('[(("x",), "y")]', suffix="_2"),
    "labels": metric('[(("x", "y"), 1)]', suffix="_3"),
    "lone": metric(r'[(("\udcff",), 1)]', suffix="_4"),
    "twice": metric('[(("x",), 1), (("x",), 2)]', suffix="_5"),
    "less": metric('[(("x",), -1)]', "counter", "_6_total"),
    "much": metric('[(("x",), 10 ** 400)]', suffix="_7"),
    "flat": metric("[1]", suffix="_8"),
    "none": metric("None", suffix="_9"),
    "facts": 'coarse=broken, metrics=(Metric("seclyzer_strange_10", "gauge", "strange", broken),)',
}
"""Checks that are well, and whose metrics are malformed."""


def test_broken_checks_and_malformed_metrics_fail_no_scrape_and_no_other_check(host: Host, start: Start) -> None:
    checks = host.own_code() / "checks"
    for name, text in BROKEN.items():
        (checks / f"{name}.py").write_text(text)
    for name, more in MISMEASURED.items():
        (checks / f"{name}.py").write_text(module(name, more=more))
    host.config["setting_of_a_check_that_cannot_be_loaded"] = 7
    agent = start()

    def by_check() -> dict[str, list[dict[str, str]]]:
        entries: dict[str, list[dict[str, str]]] = {}
        for key, of_key in agent.inside("/healthz?verbose").json["checks"].items():
            entries.setdefault(key.partition(":")[0], []).extend(of_key)
        return entries

    def is_as_expected(name: str, entries: list[dict[str, str]]) -> bool:
        if name not in BROKEN:
            return {entry["status"] for entry in entries} == {"pass"}
        words = r"no answer within 1 s|an earlier reading still hangs"
        words = words if name in ("hangs", "blocks") else r"the check itself is broken \("
        (entry,) = entries
        return entry["status"] == "fail" and re.search(words, entry["output"]) is not None

    expected = {"units", "redis", "keystroke", *MISMEASURED, *BROKEN}
    until(lambda: all(is_as_expected(name, entries) for name, entries in by_check().items() if name in expected))
    found = by_check()
    assert {"memory", "deployment", *expected} <= {*found}
    assert "secret" not in str(found)
    for body in (agent.get("/metrics").body, agent.inside("/metrics").body):
        families = {family.name: family for family in parse_text(body)}
        assert len(families) == len(list(parse_text(body)))
        assert families["seclyzer_redis_up"].samples[0].value == 1
        assert families["seclyzer_extractor_up"].samples[0].value == 1
        assert not [name for name in families if name.startswith("seclyzer_strange")]
    families = {family.name: family for family in parse_text(agent.inside("/metrics").body)}
    success = {s.labels["check"]: s.value for s in families["seclyzer_check_metrics_success"].samples}
    assert {name for name, value in success.items() if value == 0} == set(MISMEASURED)
    accept = "application/openmetrics-text;version=1.0.0"
    assert list(parse_openmetrics(agent.get("/metrics", Accept=accept).body))  # type: ignore[no-untyped-call]
    assert agent.get("/").status == 200
    code, log = agent.stop()
    assert code == 0 and "secret detail" not in log


def test_a_check_is_one_module_and_reaches_every_answer(host: Host, start: Start, redis_server: RedisServer) -> None:
    """Without another file: report, metrics, page, configuration, `--check` and the README's tables."""
    text = module(
        "disk",
        'return Reading((entry(output=f"the disk is at {self.full} %"),), self.full)',
        'metrics=(Metric("seclyzer_disk_full", "gauge", "How full", lambda _, facts: [((), facts)]),),'
        'settings=(Setting("disk_full_percent", int, 7, "how full it is"),), redis=(("PING", ""),), trial=Trial(),',
    )
    text = text.replace("lambda _: [Check()]", "lambda context: [Check(context)]").replace(
        "    async def read",
        '    def __init__(self, context): self.full = context.settings.own["disk_full_percent"]\n    async def read',
    )
    code = host.own_code()
    (code / "checks" / "disk.py").write_text(text.replace("Setting, Spec\n", "Setting, Spec, Trial\n"))
    host.config["disk_full_percent"] = 42
    host.config["checks"]["disk"] = {"interval_seconds": 0.1}
    agent = start()
    assert agent.output("disk") == "the disk is at 42 %"
    assert "seclyzer_disk_full 42.0" in agent.inside("/metrics").body
    assert "the disk is at 42 %" in agent.inside("/").body
    assert "ok   disk: the disk is at 42 %" in host.run("--check").stdout.splitlines()
    assert "disk_full_percent: 42\n" in host.run("--print-config").stdout
    assert "disk:\n    interval_seconds: 0.1\n" in host.run("--print-config").stdout
    root = code.parents[1]
    shutil.copytree(ROOT.parent / "scripts", root / "scripts")
    (root / "agent").mkdir()
    (root / "agent" / "README.md").write_text(README.read_text())
    (root / "agent" / "seclyzer_agent").symlink_to(code)
    subprocess.run([sys.executable, "-m", "scripts.agent_readme"], cwd=root, check=True, env=host.environment)
    readme = (root / "agent" / "README.md").read_text()
    for row in ("| `disk` | all | `thing`: a thing |", "| `disk_full_percent` | `7` | how full it is |"):
        assert row in readme.splitlines()
    assert "| `seclyzer_disk_full` | gauge | none | `disk` | How full |" in readme.splitlines()


def test_the_tables_of_the_readme_are_those_of_the_registry() -> None:
    text = README.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run python -m scripts.agent_readme"


def test_every_module_states_a_check_and_none_takes_what_another_has() -> None:
    assert not registry.broken()
    known = ["units", "memory", "deployment", "integrity", "redis", "legacy_clients"]
    known += ["keystroke", "mouse", "app", "influxdb", "points"]
    assert [name for name in registry.paces() if name in known] == known
    shared = [setting.key for setting in shared_settings.SHARED]
    assert set(shared) & {setting.key for setting in registry.settings()} == set()
    used = {key for spec in registry.specs() for key in spec.uses}
    assert used <= set(shared)


SELDOM = {("memory", "trend")}
"""What a check reports when it is wrong only."""


def test_what_a_check_reports_is_what_it_states(host: Host, start: Start) -> None:
    agent = start()
    stated = {(name, key) for spec in registry.specs() for name in spec.names for key in spec.measurements}

    def is_all_reported() -> bool:
        found = {key.partition(":")[::2] for key in agent.inside("/healthz").json["checks"]}
        assert found <= stated
        return {name for name, _ in stated - found - SELDOM} <= {
            "integrity",
            "points",
            "certificate",
            "limits",
            "host",
            "web",
            *KINDS,
        }

    until(is_all_reported)


def test_the_agents_user_of_redis_may_send_what_checks_state_and_reads_nothing_else(redis_server: RedisServer) -> None:
    admin = redis_server.admin
    needed = {command for spec in registry.specs() for command in spec.redis}
    for command, keys in needed:
        key = [keys.replace("*", "keystroke")] if keys else []
        assert admin.acl_dryrun("agent", command, *key) in ("OK", True), command
    granted = {rule[1:].upper() for rule in re.findall(r"\+[a-z|]+", acl_rules("agent"))}
    assert granted - {command for command, _ in needed} == set()


def test_what_producers_fill_is_nothing_that_check_or_the_rollout_holds_against_a_host() -> None:
    filled = {f"{n}:{key}" for s in registry.specs() if s.trial for n in s.names for key in s.trial.filled}
    assert filled == FULLNESS


def test_a_second_check_of_a_name_or_metric_or_setting_is_the_broken_one() -> None:
    def spec(name: str, order: int, **more: object) -> Spec:
        return Spec(
            names=(name,), order=order, help="", pace=Pace(1, 1, 1, 1), measurements={"thing": ""},
            make=lambda _: [], **more,  # type: ignore[arg-type]
        )  # fmt: skip

    one = Metric("seclyzer_m", "gauge", "", lambda *_: [])
    other = Metric("seclyzer_m_total", "counter", "", lambda *_: [])
    setting = Setting("s", int, 1, "")
    specs = registry.combined(
        {
            "a": spec("a", 9, metrics=(one,)),
            "b": spec("b", 1, metrics=(other,), settings=(setting,)),
            "c": spec("c", 10, settings=(setting,)),
            "d": spec("b", 11),
        }.items()
    )
    assert [(s.names[0], "loaded" in s.measurements) for s in specs] == [
        ("b", False), ("a", True), ("c", True), ("d", True)
    ]  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "seclyzer_agent").rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_but_the_registry_and_checks_imports_checks(path: Path) -> None:
    if path.parent.name != "checks" and path.name not in ("registry.py", "cli.py"):
        assert not re.search(r"^\s*from (\.checks|\. import checks)", path.read_text(), re.MULTILINE)
