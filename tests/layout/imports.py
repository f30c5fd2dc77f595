"""Who imports whom: the graphs of the Python packages (by ast) and of the Rust crate (by its `use crate::`)."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

Graph = dict[str, set[str]]

# Ours, as they are installed on hosts for Ansible.
COLLECTION = "ansible_collections.seclyzer.edge."


def python_modules(folder: Path, package: str) -> dict[str, Path]:
    """The modules below a folder by their dotted names, those of tests left out."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if "tests" in parts or any(part.startswith(".") for part in parts):
            continue
        found[".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


def imported(path: Path, module: str) -> Iterator[str]:
    """The dotted names that a module imports anywhere in it, relative ones made absolute."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(
                    [*package.split(".")[: len(package.split(".")) - node.level + 1], *filter(None, [base])]
                )
            yield from (f"{base}.{alias.name}" for alias in node.names)


def python_graph(modules: Mapping[str, Path]) -> Graph:
    """Which of these modules imports which of them."""
    graph: Graph = {}
    for module, path in modules.items():
        graph[module] = set()
        for name in imported(path, module):
            name = name.removeprefix(COLLECTION)
            # `from .a import b` is the module a.b if there is one, else what a has by this name.
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != module:
                graph[module].add(target)
    return graph


def foreign(path: Path, module: str) -> set[str]:
    """The top-level names that a module imports."""
    return {name.removeprefix(COLLECTION).partition(".")[0] for name in imported(path, module)}


def rust_graph(source: Path) -> Graph:
    """Which top-level module of the crate uses which, tests left out."""
    skipped: set[Path] = set()
    texts: dict[Path, str] = {}
    for path in sorted(source.rglob("*.rs")):
        text = re.sub(r"//.*", "", path.read_text())
        inner = path.parent if path.name in ("lib.rs", "mod.rs") else path.with_suffix("")
        for name in re.findall(r"#\[cfg\(test\)\]\s*(?:pub(?:\(\w+\))? )?mod (\w+);", text):
            skipped |= {inner / f"{name}.rs", inner / name}
        texts[path] = re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", text)[0]
    graph: Graph = {}
    for path, text in texts.items():
        relative = path.relative_to(source)
        if path in skipped or skipped & set(path.parents) or relative.parts[0] in ("lib.rs", "bin"):
            continue
        uses = graph.setdefault(relative.parts[0].removesuffix(".rs"), set())
        for group, single in re.findall(r"\bcrate::(?:\{([^;]*?)\};|(\w+))", text):
            uses |= set(re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\{[^{}]*\}", "", group))) | {single}
    return {module: (uses & set(graph)) - {module} for module, uses in graph.items()}


def circles(graph: Graph) -> list[list[str]]:
    """The sets of modules that can all be reached from one another, each sorted."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = list(graph[start])
        while ahead:
            if (node := ahead.pop()) not in seen:
                seen.add(node)
                ahead += graph[node]
        return seen

    reach = {node: reached(node) for node in graph}
    found = {tuple(sorted(o for o in reach[node] if node in reach[o])) for node in graph if node in reach[node]}
    return sorted(list(circle) for circle in found)
