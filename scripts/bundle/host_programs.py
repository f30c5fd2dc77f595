"""What a host runs of a release beside the services: folders that its Python runs, of the modules that they need."""

import ast
import shutil
from pathlib import Path

from scripts.bundle import BundleError

MODULES = "plugins/module_utils"
FIRST = {"judge": "watching", "compare": "side_by_side", "watch": "sampling"}
"""The module whose `main` a program is, by its folder in a release."""
PROGRAM = '''"""{about}"""

import sys

from seclyzer_{name}.{first} import main

sys.exit(main())
'''


def copy(root: Path, tree: Path) -> None:
    """Writes each program and every module that it reaches."""
    for name, first in FIRST.items():
        package = tree / name / f"seclyzer_{name}"
        package.mkdir(parents=True)
        about = ast.get_docstring(ast.parse((root / MODULES / f"{first}.py").read_text())) or ""
        line = about.partition("\n")[0]
        (tree / name / "__main__.py").write_text(PROGRAM.format(about=line, name=name, first=first))
        (package / "__init__.py").write_text('"""What plugins/module_utils has of it."""\n')
        for path in reached(root, first):
            shutil.copyfile(path, package / path.name)


def modules(root: Path) -> list[Path]:
    """The modules of all of them."""
    return sorted({path for first in FIRST.values() for path in reached(root, first)})


def reached(root: Path, first: str) -> list[Path]:
    """The modules of a program: the first, and what they import of each other."""
    folder = root / MODULES
    found: set[str] = set()
    left = [first]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _siblings(folder / f"{name}.py")
    return [folder / f"{name}.py" for name in sorted(found)]


def _siblings(path: Path) -> list[str]:
    """The modules beside it that a module imports."""
    if not path.is_file():
        raise BundleError(f"{path} is missing")
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names += [alias.name for alias in node.names] if node.module is None else [node.module]
    return names
