"""Whose credentials the gateway takes: made, replaced, revoked for good, readmitted."""

import threading
from pathlib import Path

import pytest

from plugins.module_utils import credentials
from plugins.module_utils.gateway import Files
from plugins.module_utils.gateway_credentials import Credential, host_tag, parse, render, sha256
from plugins.module_utils.layout import Refused
from plugins.modules.influxdb_gateway import _reader


@pytest.fixture
def kept(tmp_path: Path) -> Files:
    """A gateway's folder with credentials of two edges."""
    kept = Files(tmp_path)
    kept.admit_edge("edge1", "one", "token1")
    kept.admit_edge("edge2", "two", "token2")
    return kept


def names(kept: Files) -> list[str]:
    return [one.name for one in kept.load()]


def test_hashes_are_kept_and_no_token(kept: Files) -> None:
    assert kept.load() == [
        Credential("edge", "edge1", sha256("token1"), ("one",)),
        Credential("edge", "edge2", sha256("token2"), ("two",)),
    ]
    assert "token" not in kept.path.read_text()
    assert kept.path.stat().st_mode & 0o777 == 0o640


def test_a_new_token_takes_the_place_of_the_old_one(kept: Files) -> None:
    kept.admit_edge("edge1", "one", "newer")
    assert [one.sha256 for one in kept.load() if one.name == "edge1"] == [sha256("newer")]


def test_an_edge_that_calls_itself_otherwise_may_still_send_what_its_spool_holds(kept: Files) -> None:
    for host in ("b", "c", "d", "e", "one"):
        kept.admit_edge("edge1", host, "t")
    assert next(one.hosts for one in kept.load() if one.name == "edge1") == ("one", "e", "d", "c")


@pytest.mark.parametrize("host", ["two", "two\n", "two\x00"])
def test_no_edge_gets_the_name_of_anothers_host(kept: Files, host: str) -> None:
    if host != "two":
        kept.admit_edge("edge2", host_tag(host), "token2")
    before = kept.path.read_text()
    with pytest.raises(Refused, match="edge2 has the credential for points of that host"):
        kept.admit_edge("edge1", host, "t")
    assert kept.path.read_text() == before


def test_a_former_name_is_not_free_either(kept: Files) -> None:
    kept.admit_edge("edge2", "renamed", "t")
    with pytest.raises(Refused, match="edge2 has the credential"):
        kept.admit_edge("edge1", "two", "t")


@pytest.mark.parametrize("host", ["a\tedge\tx", "a\nreader\tevil\t" + "0" * 64, "", "x" * 300])
def test_a_host_cannot_write_lines_of_the_file(kept: Files, host: str) -> None:
    kept.admit_edge("edge3", host, "t")
    assert names(kept) == ["edge1", "edge2", "edge3"]
    assert parse(render(kept.load())) == kept.load()


def test_the_host_is_what_extractors_report() -> None:
    assert [host_tag(name) for name in ("edge1", "a b", "back\\slash", "x\ty", "")] == [
        "edge1", "a b", "back/slash", "x_y", "localhost",
    ]  # fmt: skip


def test_a_revoked_edge_has_no_credential_and_gets_none(kept: Files) -> None:
    assert kept.revoke(["edge1"], [], []) == ["edge1 is revoked", "the credential of edge1 taken away"]
    assert names(kept) == ["edge2"]
    with pytest.raises(Refused, match=r'edge1 was revoked.*"influxdb_gateway_readmit": ."edge1".'):
        kept.admit_edge("edge1", "one", "t")


def test_a_run_that_does_not_name_it_readmits_no_host(kept: Files) -> None:
    kept.revoke(["edge1"], [], [])
    assert kept.revoke([], [], []) == []
    assert kept.revoked() == ["edge1"]


def test_an_edge_that_is_removed_loses_its_credential_and_may_get_another(kept: Files) -> None:
    assert kept.withdraw("edge1")
    assert names(kept) == ["edge2"]
    assert not kept.withdraw("edge1")
    kept.admit_edge("edge1", "one", "t")
    assert names(kept) == ["edge1", "edge2"]


def test_several_edges_lose_their_credentials_at_once_and_the_others_keep_theirs(kept: Files) -> None:
    kept.admit_edge("edge3", "three", "token3")
    assert kept.withdraw("edge1", "edge3", "unknown")
    assert names(kept) == ["edge2"]
    assert not kept.withdraw("edge1", "edge3")


def test_removal_that_is_only_looked_at_takes_no_credential_away(kept: Files) -> None:
    assert Files(kept.home, dry=True).withdraw("edge1")
    assert names(kept) == ["edge1", "edge2"]


def test_a_host_without_a_gateway_has_no_credential_to_take_away(tmp_path: Path) -> None:
    assert not Files(tmp_path / "none").withdraw("edge1")


def test_readmitted_it_gets_a_new_credential(kept: Files) -> None:
    kept.revoke(["edge1"], [], [])
    assert kept.revoke([], ["edge1"], []) == ["edge1 may have a credential again"]
    kept.admit_edge("edge1", "one", "t")
    assert names(kept) == ["edge1", "edge2"]


def test_a_credential_that_came_back_by_hand_is_taken_away_again(kept: Files) -> None:
    text = kept.path.read_text()
    kept.revoke(["edge1"], [], [])
    kept.path.write_text(text)
    assert kept.revoke(["edge1"], [], []) == ["the credential of edge1 taken away"]


def test_revoking_an_unknown_host_is_a_slip(kept: Files) -> None:
    with pytest.raises(Refused, match="names egde1, and no edge is called so; credentials have edge1, edge2"):
        kept.revoke(["egde1"], [], ["edge1"])
    assert kept.revoke(["edge3"], [], ["edge3"]) == ["edge3 is revoked"], "an edge of the inventory"


def test_revoking_and_readmitting_at_once_is_refused(kept: Files) -> None:
    with pytest.raises(Refused, match="edge1 cannot be revoked and readmitted at once"):
        kept.revoke(["edge1"], ["edge1"], [])


def test_looking_only_changes_nothing(kept: Files) -> None:
    dry = Files(kept.home, dry=True)
    assert dry.revoke(["edge1"], [], []) == ["edge1 is revoked", "the credential of edge1 taken away"]
    assert _reader(dry, kept.home / "read", rotate=False, finish=False) == [
        "a token made by which the gateway takes queries"
    ]
    assert (names(kept), kept.revoked(), (kept.home / "read").exists()) == (["edge1", "edge2"], [], False)


def test_the_token_for_queries_is_made_once_and_when_it_is_lost_or_rotated(kept: Files) -> None:
    path = kept.home / "credentials-of-people/read"
    seen = []
    for rotate in (False, False, True):
        seen.append((bool(_reader(kept, path, rotate, False)), path.read_text()))
    path.write_text("an InfluxDB's own, from before there was a gateway\n")
    seen.append((bool(_reader(kept, path, False, False)), path.read_text()))
    assert [made for made, _ in seen] == [True, False, True, True]
    assert len({text for _, text in seen}) == 3
    assert names(kept) == ["edge1", "edge2", "reader"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_edges_of_one_rollout_do_not_lose_each_other(tmp_path: Path) -> None:
    kept = Files(tmp_path)
    work = [threading.Thread(target=kept.admit_edge, args=(f"e{n}", f"h{n}", f"t{n}")) for n in range(16)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    assert len(names(kept)) == 16


def hashes(kept: Files, name: str) -> set[str]:
    return {one.sha256 for one in kept.load() if one.name == name}


def test_an_edges_tokens_overlap_until_it_is_known_that_it_has_the_new_one(kept: Files) -> None:
    kept.admit_edge("edge1", "one", "newer", overlap=True)
    assert hashes(kept, "edge1") == {sha256("token1"), sha256("newer")}
    kept.admit_edge("edge1", "one", "newest", overlap=True)
    assert hashes(kept, "edge1") == {sha256("token1"), sha256("newer"), sha256("newest")}, "a run that died left one"
    kept.admit_edge("edge1", "one", "newest")
    assert hashes(kept, "edge1") == {sha256("newest")}
    assert hashes(kept, "edge2") == {sha256("token2")}


def test_revoking_an_edge_takes_all_its_tokens(kept: Files) -> None:
    kept.admit_edge("edge1", "one", "newer", overlap=True)
    assert kept.revoke(["edge1"], [], []) == ["edge1 is revoked", "the credential of edge1 taken away"]
    assert hashes(kept, "edge1") == set()


def test_the_former_token_for_queries_is_valid_until_it_is_ended_and_no_third_is_made(kept: Files) -> None:
    path = kept.home / "read"
    _reader(kept, path, False, False)
    first = path.read_text().strip()
    done = _reader(kept, path, True, False)
    second = path.read_text().strip()
    assert done == ["a token made by which the gateway takes queries; the former one is still valid"]
    assert {one.sha256 for one in kept.load() if one.kind == "reader"} == {sha256(first), sha256(second)}
    assert (_reader(kept, path, True, False), path.read_text().strip()) == ([], second)
    assert _reader(kept, path, False, True) == ["the former token for queries ended"]
    assert {one.sha256 for one in kept.load() if one.kind == "reader"} == {sha256(second)}
    assert _reader(kept, path, False, True) == []


@pytest.mark.parametrize("finish", [False, True])
def test_a_rotation_that_died_before_the_file_was_written_keeps_the_token_in_it_valid(
    kept: Files, monkeypatch: pytest.MonkeyPatch, finish: bool
) -> None:
    path = kept.home / "read"
    _reader(kept, path, False, False)
    first = path.read_text().strip()

    def dies(*_: object, **__: object) -> bool:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(credentials, "keep_folder", dies)
        with pytest.raises(OSError):
            _reader(kept, path, True, False)
    assert sha256(first) in {one.sha256 for one in kept.load()} and path.read_text().strip() == first
    _reader(kept, path, not finish, finish)
    second = path.read_text().strip()
    assert {one.sha256 for one in kept.load() if one.kind == "reader"} == {sha256(first), sha256(second)}
    assert first != second
