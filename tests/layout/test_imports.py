"""Who may import whom, and where no circle may be: ARCHITECTURE.md's rules, held over the import graphs."""

import sys
from pathlib import Path

import pytest

from plugins.module_utils.kinds import KINDS
from tests.helpers import ROOT

from .imports import circles, foreign, python_graph, python_modules, rust_graph

PYTHON = {
    "seclyzer_extractors": ROOT / "extractors/python/seclyzer_extractors",
    "seclyzer_agent": ROOT / "agent/seclyzer_agent",
    "plugins": ROOT / "plugins",
    "command": ROOT / "command",
    "bench": ROOT / "bench",
    "lab": ROOT / "lab",
    "monitoring": ROOT / "monitoring",
    "scripts": ROOT / "scripts",
}
RUST = ROOT / "extractors/rust/src"
# Which of our packages each may import beside itself. What runs on hosts imports none of the others.
MAY_IMPORT: dict[str, set[str]] = {
    "seclyzer_extractors": set(),
    "seclyzer_agent": set(),
    "plugins": set(),
    "command": {"plugins", "seclyzer_agent"},
    "bench": set(),
    "lab": {"plugins"},
    "monitoring": set(),
    "scripts": {"lab", "plugins", "seclyzer_agent"},
}
# What measures on the developer's machine only, and stays there.
BENCH_HERE = {"bench.dev", "bench.gateway", "bench.__main__"}
# Circles that are known and tolerated, by package: none.
KNOWN_CIRCLES: dict[str, list[set[str]]] = {}

# The core: events in, rows out. The same names in both languages where both have the module.
CORE = {
    "apps",
    "buffer",
    "classes",
    "core",
    "counters",
    "event",
    "features",
    "operators",
    "patterns",
}
CORE |= set(KINDS)  # a module each, of its name
CORE |= {"output", "plausible", "stats", "times", "timestamp", "window", "windowing"}
CORE_PYTHON = CORE | {"motion", "runs", "sliding", "strokes"}
CORE_RUST = CORE | {"cursor", "json", "state"}
# What the core reads its names and limits from: the spec, data of the package, loaded once.
SPEC = {"config", "schema"}
# What a core that computes has no use for.
IO_PYTHON = {"asyncio", "hiredis", "http", "multiprocessing", "os", "select", "signal", "socket", "ssl", "subprocess"}
IO_PYTHON |= {"threading", "time", "urllib", "yaml"}
IO_RUST = (
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "libc::",
)

# Runs on hosts under their own Python: the standard library only, and Ansible's module_utils where Ansible runs it.
ON_HOSTS = {
    "plugins/module_utils/*.py": {"ansible", "plugins"},
    "plugins/modules/*.py": {"ansible", "plugins"},
    "roles/*/files/*.py": set(),
    "command/*.py": {"command", "plugins", "seclyzer_agent"},
    "command/probes/*.py": {"command", "plugins", "seclyzer_agent"},
    "extractors/vectors/*.py": set(),
    "bench/*.py": {"bench"},
    "bench/phases/*.py": {"bench"},
    "molecule/default/tests/probes/*.py": {"probes"},
    "lab/sender.py": {"lab"},
}


def modules_of(package: str) -> dict[str, Path]:
    return python_modules(PYTHON[package], package)


@pytest.mark.parametrize("package", [*PYTHON, "tests"])
def test_no_circle_in_python(package: str) -> None:
    modules = python_modules(ROOT / "tests", "tests") if package == "tests" else modules_of(package)
    found = [set(circle) for circle in circles(python_graph(modules))]
    assert [circle for circle in found if circle not in KNOWN_CIRCLES.get(package, [])] == []


def test_no_circle_in_rust() -> None:
    graph = rust_graph(RUST)
    assert len(graph) > 30 and graph["service"]  # it was read
    assert [circle for circle in circles(graph) if set(circle) not in KNOWN_CIRCLES.get("rust", [])] == []


@pytest.mark.parametrize("package", PYTHON)
def test_a_package_imports_only_those_it_may(package: str) -> None:
    ours = {*PYTHON, "tests", "molecule", "roles"}
    for module, path in modules_of(package).items():
        if not any(f"{module}.".startswith(f"{here}.") for here in BENCH_HERE):
            assert foreign(path, module) & ours <= MAY_IMPORT[package] | {package}, module


@pytest.mark.parametrize("pattern", ON_HOSTS)
def test_what_runs_on_hosts_uses_the_standard_library_only(pattern: str) -> None:
    paths = [path for path in ROOT.glob(pattern) if f"bench.{path.stem}" not in BENCH_HERE]
    assert paths
    for path in paths:
        names = foreign(path, ".".join(path.relative_to(ROOT).with_suffix("").parts))
        siblings = {other.stem for other in path.parent.glob("*.py")}
        assert names - set(sys.stdlib_module_names) - siblings <= ON_HOSTS[pattern], path


def test_the_core_in_python_knows_no_io() -> None:
    modules = modules_of("seclyzer_extractors")
    core = {name: path for name, path in modules.items() if name.split(".")[1:2] and name.split(".")[1] in CORE_PYTHON}
    for module, path in core.items():
        assert not foreign(path, module) & IO_PYTHON, module
    for module, used in python_graph(modules).items():
        if module in core:
            spec = {f"seclyzer_extractors.{name}" for name in SPEC}
            assert {name for name in used if name not in core and "." in name} <= spec, module


def test_the_core_in_rust_knows_no_io() -> None:
    for module, used in rust_graph(RUST).items():
        if module in CORE_RUST:
            assert used <= CORE_RUST | SPEC, module
            files = [RUST / f"{module}.rs", *sorted((RUST / module).rglob("*.rs"))]
            for path in (path for path in files if path.exists() and "tests" not in path.relative_to(RUST).as_posix()):
                assert [name for name in IO_RUST if f"std::{name}" in path.read_text()] == [], path


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    from . import b\n")
    (tmp_path / "b.py").write_text("from .c import C\n")
    (tmp_path / "c.py").write_text("from package.a import f\nimport os\n")
    (tmp_path / "d.py").write_text("from .a import f\n")
    modules = python_modules(tmp_path, "package")
    assert circles(python_graph(modules)) == [["package.a", "package.b", "package.c"]]
    assert foreign(modules["package.c"], "package.c") == {"package", "os"}


def test_a_circle_in_rust_is_found_and_tests_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "lib.rs").write_text("pub mod a;\n")
    (tmp_path / "a.rs").write_text("use crate::{VERSION, b::{B, c}};\n// use crate::d;\n")
    (tmp_path / "b.rs").write_text("fn f() { crate::a::g() }\n#[cfg(test)]\nmod tests { use crate::d::D; }\n")
    (tmp_path / "d.rs").write_text("use crate::b::B;\n#[cfg(test)]\nmod tests;\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "tests.rs").write_text("use crate::e::E;\n")
    (tmp_path / "e.rs").write_text("use crate::d::D;\n")
    graph = rust_graph(tmp_path)
    assert graph == {"a": {"b"}, "b": {"a"}, "d": {"b"}, "e": {"d"}}
    assert circles(graph) == [["a", "b"]]
