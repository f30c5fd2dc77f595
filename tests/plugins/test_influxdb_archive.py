"""How influxd comes out of an archive: only out of the right one, whole, and again when it was damaged."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from plugins.module_utils.layout import Refused
from plugins.modules.influxdb_archive import choose, install, stands

SUM = "ab" * 32


def archive(path: Path, names: dict[str, bytes]) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in names.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_hosts_own_architecture_is_taken() -> None:
    archives = {"x86_64": {"url": "a", "checksum": SUM}, "aarch64": {"url": "b", "checksum": f"sha256:{SUM.upper()}"}}
    assert choose(archives, "x86_64") == ("a", SUM)
    assert choose(archives, "aarch64") == ("b", SUM)


@pytest.mark.parametrize(
    ("archives", "why"),
    [
        ({"aarch64": {"url": "b", "checksum": SUM}}, "has nothing for x86_64; it has aarch64"),
        ({}, "it has nothing"),
        ({"x86_64": {"url": "a"}}, "needs a url and a SHA-256 checksum"),
        ({"x86_64": {"url": "a", "checksum": "md5:1"}}, "needs a url and a SHA-256 checksum"),
        ({"x86_64": {"checksum": SUM}}, "needs a url and a SHA-256 checksum"),
    ],
)
def test_an_archive_that_is_not_described_whole_is_refused(archives: dict[str, dict[str, str]], why: str) -> None:
    with pytest.raises(Refused, match=why):
        choose(archives, "x86_64")


def test_the_program_is_taken_out_of_a_right_archive(tmp_path: Path) -> None:
    found = archive(tmp_path / "a.tgz", {"influxdb-2/README": b"no", "influxdb-2/usr/bin/influxd": b"program"})
    path, note = tmp_path / "influxd", tmp_path / "note"
    assert not stands(path, note, found)
    install(tmp_path / "a.tgz", found, path, note)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"program", 0o755)
    assert stands(path, note, found)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.tgz", "influxd", "note"]


def test_a_damaged_program_or_another_archive_does_not_stand(tmp_path: Path) -> None:
    found = archive(tmp_path / "a.tgz", {"influxd": b"program"})
    path, note = tmp_path / "influxd", tmp_path / "note"
    install(tmp_path / "a.tgz", found, path, note)
    assert not stands(path, note, SUM)
    path.write_bytes(b"prog")
    assert not stands(path, note, found)
    path.unlink()
    assert not stands(path, note, found)


def test_an_archive_with_another_checksum_installs_nothing(tmp_path: Path) -> None:
    archive(tmp_path / "a.tgz", {"influxd": b"program"})
    with pytest.raises(Refused, match=f"should have {SUM}; nothing was installed"):
        install(tmp_path / "a.tgz", SUM, tmp_path / "influxd", tmp_path / "note")
    assert [one.name for one in tmp_path.iterdir()] == ["a.tgz"]


def test_an_archive_without_the_program_is_refused(tmp_path: Path) -> None:
    found = archive(tmp_path / "a.tgz", {"influxdb-2/influx": b"client"})
    with pytest.raises(Refused, match="holds no influxd"):
        install(tmp_path / "a.tgz", found, tmp_path / "influxd", tmp_path / "note")


def test_a_link_where_the_program_is_written_is_not_followed(tmp_path: Path) -> None:
    found = archive(tmp_path / "a.tgz", {"influxd": b"program"})
    (tmp_path / "victim").write_text("as it was")
    (tmp_path / ".influxd.part").symlink_to(tmp_path / "victim")
    install(tmp_path / "a.tgz", found, tmp_path / "influxd", tmp_path / "note")
    assert (tmp_path / "victim").read_text() == "as it was"
    assert not (tmp_path / "influxd").is_symlink()
    assert (tmp_path / "influxd").read_bytes() == b"program"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE])
def test_a_program_that_is_no_plain_file_is_refused_and_leaves_nothing(tmp_path: Path, kind: bytes) -> None:
    entry = tarfile.TarInfo("influxd")
    entry.type, entry.linkname = kind, "/etc/shadow"
    (tmp_path / "a.tar").write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    found = hashlib.sha256((tmp_path / "a.tar").read_bytes()).hexdigest()
    with pytest.raises(Refused, match=r"holds no influxd|cannot be read"):
        install(tmp_path / "a.tar", found, tmp_path / "influxd", tmp_path / "note")
    assert [one.name for one in tmp_path.iterdir()] == ["a.tar"]


def test_a_program_that_is_too_large_or_cut_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = archive(tmp_path / "a.tgz", {"influxd": b"program" * 1000})
    monkeypatch.setattr("plugins.modules.influxdb_archive.BIGGEST", 1000, raising=False)
    with pytest.raises(Refused, match="at most 0 are taken"):
        install(tmp_path / "a.tgz", found, tmp_path / "influxd", tmp_path / "note")
    monkeypatch.undo()
    cut = (tmp_path / "a.tgz").read_bytes()[:-20]
    (tmp_path / "a.tgz").write_bytes(cut)
    with pytest.raises(Refused, match="cannot be read"):
        install(tmp_path / "a.tgz", hashlib.sha256(cut).hexdigest(), tmp_path / "influxd", tmp_path / "note")
    assert [one.name for one in tmp_path.iterdir()] == ["a.tgz"]
