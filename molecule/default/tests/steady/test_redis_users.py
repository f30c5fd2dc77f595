"""Every Redis user may do what it is for, and nothing else; nobody may do anything without a password."""

from functools import cache

import pytest
from witness import acl
from witness.host import Host, run_on

testinfra_hosts = ["ansible://seclyzer_edge"]

ROWS = acl.rows(acl.MAY) + acl.rows(acl.MAY_NOT)


@cache
def _answers(host: Host) -> dict[tuple[str, str], str]:
    return dict(zip(ROWS, run_on(host, "acl", "resp", cases=ROWS), strict=True))


@pytest.mark.parametrize("row", acl.rows(acl.MAY), ids=" ".join)
def test_user_may(host: Host, row: tuple[str, str]) -> None:
    assert not _answers(host)[row].startswith("refused"), _answers(host)[row]


@pytest.mark.parametrize("row", acl.rows(acl.MAY_NOT), ids=" ".join)
def test_user_may_not(host: Host, row: tuple[str, str]) -> None:
    assert _answers(host)[row].startswith("refused: NOPERM"), _answers(host)[row]


@pytest.mark.parametrize("command", ["PING", "PUBLISH seclyzer:events x", "INFO", "SUBSCRIBE seclyzer:features:app"])
@pytest.mark.parametrize("way", ["socket", "tcp"])
def test_nobody_may_do_anything_without_a_password(host: Host, way: str, command: str) -> None:
    found = run_on(host, "anonymous", "resp", way=way, command=command)
    assert found.startswith("refused: NOAUTH"), found


def test_the_default_user_is_off(host: Host) -> None:
    assert run_on(host, "anonymous", "resp", way="socket", command="AUTH default default").startswith(
        "refused: WRONGPASS"
    )
