"""The site's certificates hold where checks are strict (Python 3.13, OpenSSL's -x509_strict)."""

import ssl
import subprocess
from pathlib import Path

import pytest

from lab import paths, pki
from lab.labs import labs

LAB = labs()["demo"]
STORE = LAB.host("store")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    paths.state(LAB.name).mkdir(parents=True)
    pki.make(LAB)
    return paths.state(LAB.name)


def test_the_store_is_known_by_name_and_address_and_nothing_else(folder: Path) -> None:
    base = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(folder / "ca.crt")]
    for option, name, good in (
        ("-verify_hostname", "store", True),
        ("-verify_ip", str(STORE.address), True),
        ("-verify_hostname", "edge1", False),
    ):
        done = subprocess.run([*base, option, name, str(folder / "store.crt")], capture_output=True, check=False)
        assert (done.returncode == 0) is good, done.stderr.decode()


def test_key_and_certificate_belong_together_and_keys_are_private(folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "store.crt", folder / "store.key")
    assert {(folder / name).stat().st_mode & 0o777 for name in ("ca.key", "store.key")} == {0o600}


def test_only_hosts_that_are_to_have_a_certificate_have_one(folder: Path) -> None:
    assert sorted(path.name for path in folder.glob("*.crt")) == ["ca.crt", "store.crt"]
