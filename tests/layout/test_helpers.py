"""What tests of several folders need stands once, in tests/helpers."""

import re

from tests.helpers import ROOT

FOLDERS = ("tests", "agent/tests", "extractors/python/tests", "lab/tests", "bench/tests")
# Waiting for a condition, a free port, and the command line of a redis-server.
SECOND = re.compile(r"^def (?:until|until_each|wait_until|eventually|free_port)\(|\"--unixsocket\"", re.MULTILINE)


def test_no_folder_has_a_second_one() -> None:
    found = []
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(("tests/helpers/", "tests/layout/")) and SECOND.search(path.read_text()):
                found.append(name)
    assert found == []
