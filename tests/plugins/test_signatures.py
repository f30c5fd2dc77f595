"""A bundle is taken only from who may sign it: every way in which a signature can be wrong is refused by name."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import bundles, signatures
from plugins.module_utils.deploying import stage
from plugins.module_utils.layout import Layout, Refused
from plugins.plugin_utils import bundle_checks
from scripts.bundle import BundleError, signing
from tests.plugins.hosts import bundle, desired, written

FOR_US = f'release@example.com namespaces="{signatures.NAMESPACE}"'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has no key of their own yet."""
    monkeypatch.setenv("SECLYZER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    bundle_checks._judged.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return keyed(tmp_path / "release")


def keyed(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def named(key: Path, words: str = FOR_US) -> str:
    """The line of allowed signers for a key."""
    return f"{words} {key.with_name(f'{key.name}.pub').read_text()}"


@pytest.fixture
def folder(tmp_path: Path, key: Path) -> Path:
    """A bundle that the key has signed."""
    (tmp_path / "bundle").mkdir()
    written(tmp_path / "bundle", bundle(tmp_path / "bundle"))
    signing.ensure(tmp_path / "bundle", key)
    return tmp_path / "bundle"


def judged(folder: Path, *signers: str, unsigned: bool = False) -> str:
    found = bundles.read(folder)
    return signatures.signer(found.sums, found.signature, signers, unsigned)


def test_who_signed_is_shown_by_the_name_of_the_line(folder: Path, key: Path, tmp_path: Path) -> None:
    other = keyed(tmp_path / "other")
    assert judged(folder, "# who releases", named(other, "other@example.com"), named(key)) == "release@example.com"


def test_a_line_may_name_many(folder: Path, key: Path) -> None:
    assert judged(folder, named(key, "*@example.com")) == "*@example.com"


def cut(text: str) -> str:
    return text[: len(text) // 2]


ATTACKS: dict[str, tuple[Any, str]] = {
    "SHA256SUMS was changed": (
        lambda at: rewrite(at / bundles.SUMS, lambda t: t + f"{'0' * 64}  more.tar.gz\n"),
        "CHANGED",
    ),
    "the signature is cut short": (lambda at: rewrite(at / signatures.SIGNATURE, cut), "missing footer"),
    "the signature is none": (lambda at: rewrite(at / signatures.SIGNATURE, lambda _: "-----BEGIN"), "CHANGED"),
    "there is no signature": (lambda at: (at / signatures.SIGNATURE).unlink(), "is not signed: `make bundle` signs it"),
    "it was signed for mail": (lambda at: resign(at, "file"), "namespace does not match"),
}


def rewrite(path: Path, change: Any) -> None:
    path.write_text(change(path.read_text()))


def resign(at: Path, namespace: str) -> None:
    (at / signatures.SIGNATURE).unlink()
    command = [
        "ssh-keygen",
        "-q",
        "-Y",
        "sign",
        "-f",
        str(at.parent / "release"),
        "-n",
        namespace,
        str(at / bundles.SUMS),
    ]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_not_signed_so_is_refused_on_controller_and_host_and_nothing_is_changed(
    folder: Path, key: Path, host: Layout, attack: str
) -> None:
    change, words = ATTACKS[attack]
    change(folder)
    words = words.replace("CHANGED", "the bundle was changed or is incomplete")
    with pytest.raises(Refused, match=words):
        judged(folder, named(key))
    (sentence,) = bundle_checks.signature_faults(str(folder), {"seclyzer_release_signers": [named(key)]})
    assert sentence.startswith(f"{folder}: ") and words in sentence
    refused_on(host, folder, words, signers=[named(key)])


def refused_on(host: Layout, folder: Path, words: str, **options: Any) -> None:
    found = bundles.read(folder)
    value = desired(host, found.manifest)
    given: dict[str, Any] = {"mode": value.mode, "implementations": {}, "units": {}, "config": {}, "probes": {}}
    given |= {"by": "me", "archives": str(folder), "manifest": found.text, "sums": found.sums}
    given |= {"signature": found.signature, "allow_unsigned": False} | options
    with pytest.raises(Refused, match=words):
        stage(host, given, check=False, diff=False)
    assert not host.base.exists()


def test_a_signature_of_another_key_is_refused_by_the_fingerprint_of_their_key(
    folder: Path, key: Path, host: Layout, tmp_path: Path
) -> None:
    signing.ensure(folder, keyed(tmp_path / "thief"))
    print_of = subprocess.run(["ssh-keygen", "-lf", tmp_path / "thief.pub"], capture_output=True, text=True).stdout
    words = f"is signed by ED25519 key {print_of.split()[1]}, which seclyzer_release_signers does not name"
    with pytest.raises(Refused) as refused:
        judged(folder, named(key))
    assert words in str(refused.value)
    refused_on(host, folder, "which seclyzer_release_signers does not name", signers=[named(key)])
    refused_on(host, folder, "which seclyzer_release_signers does not name", signers=[named(key)], allow_unsigned=True)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('me namespaces="git"', "for another use or time"),
        ('me valid-before="20200101"', "key has expired"),
        ("", "does not name"),
    ],
)
def test_a_line_that_does_not_trust_the_key_for_bundles_today_is_refused(
    folder: Path, key: Path, line: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        judged(folder, named(key, line) if line else "no line of allowed signers")


def test_an_empty_list_trusts_no_key(folder: Path) -> None:
    with pytest.raises(Refused, match="and seclyzer_release_signers names no signer: add the line"):
        judged(folder)
    assert len(bundle_checks.signature_faults(str(folder), {"seclyzer_release_signers": []})) == 1


def test_an_unsigned_bundle_is_accepted_where_the_inventory_allows_it(folder: Path, key: Path) -> None:
    signing.ensure(folder, None)
    assert judged(folder, named(key), unsigned=True) == ""
    assert bundle_checks.signature_faults(str(folder), {"seclyzer_release_allow_unsigned": True}) == []
    assert len(bundle_checks.signature_faults(str(folder), {"seclyzer_release_allow_unsigned": "no"})) == 1
    assert bundles.read(folder).signature == ""


def test_a_host_without_ssh_keygen_is_refused_with_the_package(
    folder: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match=r"ssh-keygen is missing.*install openssh-client"):
        judged(folder, named(key))


def test_without_the_option_the_key_of_make_bundle_is_trusted_and_no_other(folder: Path, cache: Path) -> None:
    assert signatures.trusted(None) == [] and signatures.trusted(["a"]) == ["a"]
    own = signing.own()
    assert own == cache / "signing" / "bundle_key" and own.stat().st_mode & 0o777 == 0o600
    assert own.parent.stat().st_mode & 0o777 == 0o700
    assert len(bundle_checks.signature_faults(str(folder), {})) == 1  # by another's key
    before = own.read_text()
    assert signing.own().read_text() == before
    signing.ensure(folder, own)
    bundle_checks._judged.cache_clear()
    assert bundle_checks.signature_faults(str(folder), {}) == []


def test_a_bundle_is_signed_again_only_when_another_is_to_sign_it(folder: Path, key: Path, tmp_path: Path) -> None:
    made = folder / signatures.SIGNATURE
    before = (made.read_text(), made.stat().st_mtime_ns)
    assert signing.ensure(folder, key).startswith("signed by SHA256:")
    assert (made.read_text(), made.stat().st_mtime_ns) == before
    signing.ensure(folder, keyed(tmp_path / "second"))
    assert made.read_text() != before[0]
    signing.ensure(folder, key)
    assert made.read_text() == before[0]  # the same bytes for the same content and key


def test_a_key_that_is_not_there_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, key: Path
) -> None:
    monkeypatch.setenv(signing.VARIABLE, "/nowhere/key")
    with pytest.raises(BundleError, match="there is no key at /nowhere/key"):
        signing.chosen()
    monkeypatch.setenv(signing.VARIABLE, signing.NONE)
    assert signing.chosen() is None
    monkeypatch.setenv(signing.VARIABLE, str(key))
    assert signing.chosen() == key
