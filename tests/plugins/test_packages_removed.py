"""Packages: what an installation would bring, and which of those may go again."""

from collections.abc import Sequence

import pytest

from plugins.module_utils import packages, systemd
from plugins.module_utils.packages import ASKED, NEEDED, brought, removable
from plugins.module_utils.systemd import Completed

INSTALL = """Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64])
Inst redis-tools (5:7.0.15 Debian:12 [amd64])
Inst redis-server:amd64 (5:7.0.15 Debian:12 [amd64])
Inst python3-apt (2.6.0 Debian:12 [amd64])
Conf redis-tools (5:7.0.15 Debian:12 [amd64])
"""
DEPENDENTS = {"libjemalloc2": {"redis-server", "theirs"}, "redis-tools": {"redis-server"}}
"""What cannot be without a package."""


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Apt with a few packages; nothing is run."""
    given: list[list[str]] = []

    def run(argv: Sequence[str], timeout: float = 60.0) -> Completed:
        words = list(argv)
        given.append(words)
        if "install" in words:
            return Completed(words, 100 if "nothing" in words else 0, INSTALL, "")
        going = {name for name in words[words.index("purge") + 1 :]}
        going |= {other for name in going for other in DEPENDENTS.get(name, set())}
        return Completed(words, 0, "".join(f"Purg {name} [1.0]\n" for name in sorted(going)), "")

    monkeypatch.setattr(systemd, "run", run)
    return given


def test_what_comes_is_what_is_new_and_not_what_is_upgraded() -> None:
    assert brought(["redis-server=5:7.0.15"], {"libc6"}) == {
        "redis-tools": NEEDED,
        "redis-server": ASKED,
        "python3-apt": ASKED,
    }


def test_what_is_there_brings_nothing_and_apt_is_not_asked(commands: list[list[str]]) -> None:
    assert brought(["redis-server"], {"redis-server"}) == {}
    assert commands == []


def test_without_lists_of_packages_it_is_not_known() -> None:
    assert brought(["nothing"], set()) is None


RECORDED = {"redis-server": ASKED, "redis-tools": NEEDED, "libjemalloc2": NEEDED}


def test_all_that_came_goes_when_nothing_else_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEPENDENTS, "libjemalloc2", {"redis-server"})
    assert removable(RECORDED, {*RECORDED, "bash"}, {"bash", "redis-server"}) == sorted(RECORDED)


def test_what_another_s_package_needs_stays_and_the_rest_goes() -> None:
    assert removable(RECORDED, {*RECORDED, "theirs"}, {"theirs"}) == ["redis-server", "redis-tools"]


def test_what_a_person_has_asked_for_since_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEPENDENTS, "libjemalloc2", {"redis-server"})
    assert removable(RECORDED, set(RECORDED), {"redis-server", "redis-tools"}) == ["libjemalloc2", "redis-server"]


def test_what_is_gone_already_is_not_removed(commands: list[list[str]]) -> None:
    assert removable(RECORDED, {"bash"}, set()) == []
    assert commands == []


def test_names_are_read_without_version_and_architecture() -> None:
    assert [packages.bare(name) for name in ("a=1:2", "b:amd64", "c/bookworm")] == ["a", "b", "c"]
