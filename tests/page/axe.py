"""axe-core in a page: what of it a person with a screen reader, a keyboard or weak eyes could not use."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.helpers import ROOT
from tests.helpers.browser import Browser

LOCK = Path(__file__).parent / "requirements.txt"
FOLDER = ROOT / "build" / "test" / "axe"
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
FOUND = "r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', '))"


def source() -> str:
    """The script, installed as it is locked."""
    uv = ROOT / ".venv" / "bin" / "uv"
    words = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", FOLDER, "-r", LOCK]
    subprocess.run(list(map(str, words)), check=True)
    return (FOLDER / "axe_playwright_python" / "axe.min.js").read_text(encoding="utf-8")


def violations(browser: Browser, axe: str) -> list[str]:
    """What is wrong with the page that is shown, a line each with the places."""
    browser.run(f"{axe}; 0")
    found: list[str] = browser.run(f"axe.run(document, {RULES}).then({FOUND})")
    return found
