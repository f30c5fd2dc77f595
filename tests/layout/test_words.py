"""Names, comments and messages are in plain technical English: reported, configured, required; another user."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.helpers import ROOT

FOLDERS = ["agent", "bench", "command", "extractors", "inventories", "lab", "molecule", "playbooks", "plugins", "roles"]
FOLDERS += ["scripts", "tests"]
ENDINGS = {".py", ".rs", ".yml", ".yaml", ".j2", ".lua", ".sh", ".toml", ".json", ""}
BUILT = {"build", "target", "__pycache__", ".pytest_cache", "corpus"}
BUILT |= {"seclyzer_agent.egg-info", "seclyzer_extractors.egg-info"}
# In a name the parts are words, too: `test_a_port_is_said`.
VAGUE = re.compile(
    r"(?<![^\W_])(said|told|wanted|nobody|somebody|matters? not|on_host|look_at|depot|duties|gifts?)(?![^\W_])"
    r"|\bbe it\b|\bkeeper\b|\bwitness\b|\bconfine\b",
    re.IGNORECASE,
)
# (files, text that may hold such a word, why). The text is taken out before a line is searched.
EXCEPTIONS = (
    ("plugins/*", r'"said"|^said:$', "a key of seclyzer_deployment's result"),
    ("command/rollback.py", r'"said"', "a key of seclyzer_deployment's result"),
    ("tests/plugins/*", r'"said"', "a key of seclyzer_deployment's result"),
    ("*", r'"nobody"|-u nobody|User=nobody|user nobody', "the Unix user"),
    ("molecule/default/tests/attacks/test_redis.py", r"NOBODY", "the Unix user"),
    ("molecule/default/tests/attacks/test_store.py", r"host=nobody", "a host that does not exist"),
    ("tests/plugins/test_task_names.py", r"^VAGUE = .*", "the words that are refused"),
    ("tests/layout/test_words.py", r".*", "the words that are refused"),
)


def faults(name: str, text: str) -> Iterator[str]:
    """The vague words in a file's name and its lines, with the places."""
    allowed = [re.compile(pattern) for within, pattern, _ in EXCEPTIONS if fnmatch(name, within)]
    if found := VAGUE.search(name):
        yield f"{name}: {found[0]!r} in its name"
    for number, line in enumerate(text.splitlines(), 1):
        for pattern in allowed:
            line = pattern.sub("", line)
        if found := VAGUE.search(line):
            yield f"{name}:{number}: {found[0]!r}"


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.suffix in ENDINGS and path.is_file() and not path.is_symlink() and not BUILT & {*parts}:
                yield path


def test_no_file_has_a_vague_word() -> None:
    read = 0
    found: list[str] = []
    for path in files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        read += 1
        found += faults(str(path.relative_to(ROOT)), text)
    assert read > 500
    assert not found, "say it in plain technical English:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "faulty"),
    [
        ("# What InfluxDB said.", True),
        ("def test_a_port_is_said() -> None:", True),
        ("told = 7", True),
        ("NOBODY_BUT_ADMIN = ()", True),
        ("keystrokes, be it one", True),
        ('command = ["runuser", "-u", "nobody"]', False),
        ("goldtold_x", False),
        ("# What InfluxDB reported; it may be itself.", False),
    ],
)
def test_a_vague_word_is_found_in_prose_and_in_names(text: str, faulty: bool) -> None:
    assert bool([*faults("tests/x.py", text)]) is faulty


def test_each_exception_is_used() -> None:
    paths = {str(path.relative_to(ROOT)): path for path in files()}
    for within, pattern, _ in EXCEPTIONS:
        texts = (path.read_text(errors="replace") for name, path in paths.items() if fnmatch(name, within))
        assert any(re.search(pattern, text, re.MULTILINE) for text in texts), pattern
