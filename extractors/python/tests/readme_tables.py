"""The tables of the README that come from the spec. `python readme_tables.py` writes them anew."""

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "extractors" / "python" / "README.md"
SCHEMA = ROOT / "extractors" / "schema"
PLACE = "<!-- {name}: from extractors/schema, by extractors/python/tests/readme_tables.py -->\n{body}<!-- end -->\n"


def document(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SCHEMA / f"{name}.json").read_text(encoding="utf-8"))
    return read


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def settings() -> str:
    def default(one: dict[str, Any]) -> str:
        return f"`{json.dumps(one['default'])}`" if "default" in one else f"by {one['default_of']}"

    def key(one: dict[str, Any]) -> str:
        return f"`{one['key']}`" + (f", `{one['key']}_file`" if one.get("secret") else "")

    rows = [
        [key(one), f"`{one['env']}`", f"`{one['flag']}`" if "flag" in one else "", default(one), one["help"]]
        for one in document("settings")["settings"]
    ]
    return table(["key", "variable", "flag", "default", "what it is"], rows)


def lines() -> str:
    rows = [
        [one["level"], one["message"], " ".join(f"`{field}`" for field in one["fields"]), one["help"]]
        for one in document("log")["events"]
    ]
    return table(["level", "message", "fields", "when"], rows)


def waits() -> str:
    rows = [[f"`{one['name']}`", str(one["value"]), one["help"]] for one in document("waits")["waits"]]
    return table(["name", "value", "what it is"], rows)


TABLES = {"settings": settings, "log lines": lines, "waits": waits}


def with_tables(text: str) -> str:
    """The README's text with each table as the spec has it."""
    for name, make in TABLES.items():
        place = re.escape(PLACE).replace(r"\{name\}", re.escape(name)).replace(r"\{body\}", "(?:[^<].*\n)*")
        text, found = re.subn(place, lambda _, n=name, m=make: PLACE.format(name=n, body=m()), text)  # type: ignore[misc]
        if found != 1:
            raise ValueError(f"the README has no place for the table of {name}")
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
