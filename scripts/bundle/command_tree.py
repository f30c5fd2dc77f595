"""The command `seclyzer` in a release: a program, and below `lib/` every module of ours that it reaches."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

from scripts.bundle import BundleError

COMMAND = "command"
PLACES = {"command": ".", "plugins": ".", "seclyzer_agent": "agent"}
"""The packages that the command may be made of, and where each lies in the tree."""
DATA = {
    "agent/seclyzer_agent/VERSION": "seclyzer_agent/VERSION",
    "agent/seclyzer_agent/schema": "seclyzer_agent/schema",
    "docs/runbook.md": "command/runbook.md",
}
"""What modules read beside them: from where in the tree, to where below `lib/`."""


def copy(root: Path, tree: Path) -> None:
    """Writes the program, the modules and their data."""
    lib = tree / COMMAND / "lib"
    for module, path in reached(root).items():
        target = lib / _file(module, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for source, place in DATA.items():
        path = root / source
        if path.is_dir():
            shutil.copytree(path, lib / place)
        else:
            shutil.copyfile(path, lib / place)
    shutil.copy(root / COMMAND / "seclyzer", tree / COMMAND / "seclyzer")


def files(root: Path) -> list[Path]:
    """All that it is made from."""
    data = [root / source for source in DATA]
    plain = [path for one in data for path in (sorted(one.iterdir()) if one.is_dir() else [one])]
    return [root / COMMAND / "seclyzer", *reached(root).values(), *plain]


def reached(root: Path) -> dict[str, Path]:
    """The modules of ours that the command imports, of each other as well, by dotted name."""
    found: dict[str, Path] = {}
    left = [f"{COMMAND}.cli"]
    if _module(root, left[0]) is None:
        raise BundleError(f"{root / COMMAND / 'cli.py'} is missing")
    while left:
        name = left.pop()
        path = _module(root, name)
        if path is None or name in found:
            continue
        found[name] = path
        left += [name.rpartition(".")[0], *_imported(path, name)]
    return dict(sorted(found.items()))


def _module(root: Path, name: str) -> Path | None:
    """The file of a module of ours; None for anything else, as a package without one."""
    top = name.partition(".")[0]
    if top not in PLACES:
        return None
    base = root / PLACES[top] / name.replace(".", "/")
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _file(module: str, path: Path) -> str:
    """Where a module lies below `lib/`."""
    return module.replace(".", "/") + ("/__init__.py" if path.name == "__init__.py" else ".py")


def _imported(path: Path, module: str) -> Iterator[str]:
    """The dotted names that a module imports as it is run: what is for the type checker only does not count."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _run(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])] if node.level else [])
            base = base or str(node.module)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, but for what stands in `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _run(child)
