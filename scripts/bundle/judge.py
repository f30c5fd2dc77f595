"""The judge of trials, as a release brings it: a folder that a host's Python runs, of the modules that it needs."""

import ast
import shutil
from pathlib import Path

from scripts.bundle import BundleError

MODULES = "plugins/module_utils"
PACKAGE, FIRST = "seclyzer_judge", "watching"
PROGRAM = f'''"""Judges the deployment on trial on this host; seclyzer-trial.service runs it."""

import sys

from {PACKAGE}.{FIRST} import main

sys.exit(main())
'''


def copy(root: Path, into: Path) -> None:
    """Writes the program and every module that it reaches."""
    package = into / PACKAGE
    package.mkdir(parents=True)
    (into / "__main__.py").write_text(PROGRAM)
    (package / "__init__.py").write_text('"""What plugins/module_utils has of it."""\n')
    for path in modules(root):
        shutil.copyfile(path, package / path.name)


def modules(root: Path) -> list[Path]:
    """The modules of the program: the first, and what they import of each other."""
    folder = root / MODULES
    found: set[str] = set()
    left = [FIRST]
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
