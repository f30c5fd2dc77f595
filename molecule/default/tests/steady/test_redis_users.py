"""Every Redis user may do what it is for, and nothing else; nothing is allowed without a password."""

from functools import cache

import pytest
from hostchecks import acl
from hostchecks.host import Host, run_on

testinfra_hosts = ["ansible://seclyzer_edge"]

ROWS = acl.rows(acl.MAY) + acl.rows(acl.MAY_NOT)
NAMELESS = ["PING", "PUBLISH seclyzer:events x", "INFO", "SUBSCRIBE seclyzer:features:app"]


@cache
def _answers(host: Host) -> dict[tuple[str, str], str]:
    return dict(zip(ROWS, run_on(host, "acl", "resp", cases=ROWS), strict=True))


@pytest.mark.parametrize("row", acl.rows(acl.MAY), ids=" ".join)
def test_user_may(host: Host, row: tuple[str, str]) -> None:
    assert not _answers(host)[row].startswith("refused"), _answers(host)[row]


@pytest.mark.parametrize("row", acl.rows(acl.MAY_NOT), ids=" ".join)
def test_user_may_not(host: Host, row: tuple[str, str]) -> None:
    assert _answers(host)[row].startswith("refused: NOPERM"), _answers(host)[row]


@pytest.mark.parametrize("command", NAMELESS)
def test_nothing_is_allowed_without_a_password(host: Host, command: str) -> None:
    answer = _unnamed(host)[command]
    assert answer.startswith("refused: NOAUTH"), answer


def test_the_default_user_is_off(host: Host) -> None:
    answer = _unnamed(host)["AUTH default default"]
    assert answer.startswith("refused: WRONGPASS"), answer


@cache
def _unnamed(host: Host) -> dict[str, str]:
    """What Redis answers to a client without a user: by command."""
    answers: dict[str, str] = run_on(host, "anonymous", "resp", commands=[*NAMELESS, "AUTH default default"])
    return answers
