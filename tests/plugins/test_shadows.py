"""Which programs are compared: only those that a switch would change, and any two that a host has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils import compare_job, deployments, memory, releases, shadows, systemd
from plugins.module_utils.before import Before
from plugins.module_utils.deployments import Desired
from plugins.module_utils.files import link
from plugins.module_utils.history import History
from plugins.module_utils.kinds import PROGRAMS
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.shadows import FOLDERS, Side, Terms
from plugins.module_utils.side_by_side import Plan
from tests.helpers import ROOT
from tests.plugins.hosts import Systemd, layout

HYBRID = {"keystroke": "rust", "mouse": "rust", "app": "python"}
TERMS = Terms(60)


@dataclass
class Edge:
    """A host that runs release `a` in hybrid, and what was begun on it."""

    layout: Layout
    plans: list[tuple[Path, Plan]] = field(default_factory=list)

    def release(self, name: str, tool: bool = True, rust: str = "\x7fELF one") -> None:
        for implementation, folder in FOLDERS.items():
            for program in PROGRAMS.values():
                path = self.layout.releases / name / folder / program
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(rust if implementation == "rust" else f"#!python {name}")
        if tool:
            (self.layout.releases / name / "compare").mkdir()

    def deploy(self, release: str, implementations: dict[str, str], settings: str = "window_seconds: 30") -> int:
        units = {
            f"seclyzer-{kind}.service": (
                f"[Service]\nExecStart={self.layout.releases}/{release}/{FOLDERS[of]}/{PROGRAMS[kind]} --config x\n"
                "MemoryMax=64M\n"
            )
            for kind, of in implementations.items()
        }
        config = {f"{kind}.yaml": settings for kind in implementations}
        probes = {"redis_socket": "/run/redis.sock"}
        value = Desired(release, "0.1.0", "hybrid", implementations, units, config, probes)
        return deployments.create(self.layout, History.load(self.layout), value, "me", None)

    def begin(self, n: int, terms: Terms = TERMS) -> dict[str, str]:
        return shadows.before_switch(self.layout, n, terms)


@pytest.fixture
def edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    made = Edge(layout(tmp_path))
    monkeypatch.setattr(systemd, "run", Systemd().run)
    made.release("a")
    made.release("b", rust="\x7fELF two")
    link(made.layout.current, f"deployments/{made.deploy('a', HYBRID)}")
    monkeypatch.setattr(shadows, "look_before", lambda _: Before(busy=frozenset({"mouse"})))
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)

    def start(tool: Path, plan: Plan) -> str:
        made.plans.append((tool, plan))
        return "j"

    monkeypatch.setattr(compare_job, "start", start)
    yield made


def test_another_release_is_compared_whole_by_its_own_tool_and_the_running_settings(edge: Edge) -> None:
    n = edge.deploy("b", HYBRID, settings="window_seconds: 10")
    assert edge.begin(n) == {"job": "j"}
    ((tool, plan),) = edge.plans
    assert tool == edge.layout.releases / "b/compare"
    assert (plan.names, plan.seconds, plan.kinds, plan.declared) == (("running", "staged"), 60, sorted(PROGRAMS), False)
    left, right = plan.shadows
    assert left == {}
    assert right["mouse"]["program"] == f"{edge.layout.releases}/b/bin/mouse_extractor"
    assert plan.windows["mouse"] == (30_000_000, 250_000, 2_250_000)
    assert plan.redis_socket == "/run/redis.sock"


def test_another_mode_is_compared_only_where_another_program_would_run(edge: Edge) -> None:
    edge.begin(edge.deploy("a", {**HYBRID, "mouse": "python"}))
    assert [plan.kinds for _, plan in edge.plans] == [["mouse"]]


def test_a_program_with_the_same_bytes_is_the_same_one(edge: Edge) -> None:
    edge.release("c")
    edge.begin(edge.deploy("c", HYBRID))
    assert [plan.kinds for _, plan in edge.plans] == [["app"]]


def test_other_settings_change_no_program(edge: Edge) -> None:
    assert edge.begin(edge.deploy("a", HYBRID, settings="window_seconds: 10")) == {}
    assert edge.plans == []


def test_values_that_are_known_to_change_are_passed_on(edge: Edge) -> None:
    edge.begin(edge.deploy("b", HYBRID), Terms(60, values_change=True))
    assert [plan.declared for _, plan in edge.plans] == [True]


@pytest.mark.parametrize("seconds", [0, 0.0])
def test_without_time_nothing_is_compared(edge: Edge, seconds: float) -> None:
    assert edge.begin(edge.deploy("b", HYBRID), Terms(seconds)) == {}


def test_a_blank_host_has_nothing_to_compare_with(edge: Edge) -> None:
    edge.layout.current.unlink()
    assert edge.begin(edge.deploy("b", HYBRID)) == {}


def test_a_host_compares_nothing_and_reports_why(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle one; one short of memory; a release from before there was a comparison; a unit that cannot start."""
    n = edge.deploy("b", HYBRID)

    def refuse(*_: object) -> str:
        raise Refused("no more units")

    with monkeypatch.context() as patch:
        patch.setattr(shadows, "look_before", lambda _: Before())
        assert edge.begin(n) == {"note": f"{shadows.NOT_COMPARED}, for no events flowed"}
    with monkeypatch.context() as patch:
        patch.setattr(memory, "available", lambda: 100 << 20)
        note = f"{shadows.NOT_COMPARED}, for that may take 192 MiB of memory, and 100 MiB are free"
        assert edge.begin(n) == {"note": note}
    with monkeypatch.context() as patch:
        patch.setattr(compare_job, "start", refuse)
        assert edge.begin(n) == {"note": f"{shadows.NOT_COMPARED}: no more units"}
    (edge.layout.releases / "b/compare").rmdir()
    assert edge.begin(n) == {"note": f"{shadows.NOT_COMPARED}, for their release brings no comparison"}
    assert edge.plans == []


def side(edge: Edge, name: str) -> Side:
    running = deployments.load(edge.layout, 1)
    return shadows.side(edge.layout, running, name, {"python": "96M", "rust": "64M"})


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases are as they were packed."""

    class Look:
        whole = True

    monkeypatch.setattr(releases, "look_alone", lambda *_: Look())


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("name", "app", "memory"),
    [
        ("python", "a/venv/bin/app_tracker", "96M"),
        ("rust", "a/bin/app_tracker", "64M"),
        ("b", "b/venv/bin/app_tracker", "96M"),
        ("b:rust", "b/bin/app_tracker", "64M"),
    ],
)
def test_a_side_is_an_implementation_a_release_or_both(edge: Edge, name: str, app: str, memory: str) -> None:
    found = side(edge, name)
    assert found["app"]["program"] == f"{edge.layout.releases}/{app}"
    assert found["app"]["memory_max"] == memory
    assert found.keys() == PROGRAMS.keys()


def test_a_side_may_be_what_was_staged(edge: Edge) -> None:
    with pytest.raises(Refused, match="nothing is staged on this host that does not run"):
        side(edge, "staged")
    edge.deploy("b", HYBRID)
    assert side(edge, "staged")["mouse"]["program"] == f"{edge.layout.releases}/b/bin/mouse_extractor"


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("name", ["c", "../a", ".", "", "a:go", "python:rust", "/etc"])
def test_a_side_that_is_not_there_is_refused_with_those_that_are(edge: Edge, name: str) -> None:
    with pytest.raises(Refused, match=r"is no side; there are running, staged, python, rust, .*: a, b$"):
        side(edge, name)


@pytest.mark.usefixtures("whole")
def test_both_sides_are_compared_in_the_kinds_that_both_have(edge: Edge) -> None:
    assert shadows.by_name(edge.layout, ("python", "b:rust"), 10, {}) == "j"
    assert shadows.by_name(edge.layout, ("running", "rust"), 10, {}) == "j"
    with pytest.raises(Refused, match="both sides are rust; name another one"):
        shadows.by_name(edge.layout, ("rust", "rust"), 10, {})
    assert [plan.kinds for _, plan in edge.plans] == [sorted(PROGRAMS)] * 2
    assert [bool(one) for _, plan in edge.plans for one in plan.shadows] == [True, True, False, True]


def test_where_programs_stand_is_what_the_role_has() -> None:
    found: Any = yaml.safe_load((ROOT / "roles/seclyzer_extractors/vars/main.yml").read_text())
    assert found["__seclyzer_extractors_folder"] == FOLDERS


def test_windows_without_a_setting_are_those_of_the_spec() -> None:
    spec = {
        one["key"]: one for one in yaml.safe_load((ROOT / "extractors/schema/settings.json").read_text())["settings"]
    }
    assert {name: spec[name]["default"] for name in compare_job.WINDOW_DEFAULTS} == compare_job.WINDOW_DEFAULTS
    assert compare_job.window_times("window_seconds: 12.5\nlateness_ms: 100\n") == (12_500_000, 100_000, 2_100_000)
