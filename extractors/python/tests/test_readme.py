"""The README's tables are those of the spec, and its table of modules names each module once."""

import re

from readme_tables import README, with_tables

from seclyzer_extractors import logs


def test_the_tables_are_those_of_the_spec() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == with_tables(text), "run extractors/python/tests/readme_tables.py"


def test_every_module_stands_in_the_table_of_modules() -> None:
    section = README.read_text(encoding="utf-8").partition("## Module by module")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    named = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    package = README.parent / "seclyzer_extractors"
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert logs.__file__ and sorted(named) == sorted(modules - {"__init__"})
