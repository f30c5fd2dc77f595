"""The signature of a bundle, by OpenSSH: with the key that was given, or with one of this user's own."""

import base64
import hashlib
import os
from pathlib import Path

from plugins.module_utils import bundles, signatures
from plugins.module_utils.layout import Refused
from scripts.bundle import BundleError
from scripts.bundle.say import run

VARIABLE = "SECLYZER_SIGN_KEY"
NONE = "none"
"""Leaves the bundle unsigned, to be signed where the key is."""


def chosen() -> Path | None:
    """The private key, or the public one of a key that the ssh agent holds; None when the bundle stays unsigned."""
    named = os.environ.get(VARIABLE, "")
    if named == NONE:
        return None
    if not named:
        return own()
    key = Path(named).expanduser()
    if not key.is_file():
        raise BundleError(
            f"there is no key at {key}, which {VARIABLE} names; {VARIABLE}={NONE} leaves the bundle unsigned"
        )
    return key


def own() -> Path:
    """This user's own key, made when there is none. It never leaves this machine, so it needs no passphrase."""
    key = signatures.own_key()
    if not key.is_file():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.parent.chmod(0o700)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "seclyzer bundles", "-f", key])
    return key


def ensure(out: Path, key: Path | None) -> str:
    """Signs the bundle unless this key has signed it already; who signed it, in words."""
    made = out / signatures.SIGNATURE
    if key is None:
        made.unlink(missing_ok=True)
        return "not signed"
    public = _public(key)
    sums = (out / bundles.SUMS).read_text()
    line = signatures.line_of("the-key", public)
    if made.is_file() and _by(line, sums, made.read_text()):
        return _fingerprint(public)
    made.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", signatures.NAMESPACE, out / bundles.SUMS])
    made.chmod(0o644)
    if not _by(line, sums, made.read_text()):
        raise BundleError(f"{key} made a signature that {key}.pub does not verify")
    return _fingerprint(public)


def _public(key: Path) -> str:
    """The public key to a private one."""
    beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    return beside.read_text() if beside.is_file() else run(["ssh-keygen", "-y", "-f", key])


def _by(line: str, sums: str, signature: str) -> bool:
    """Whether the key of this line signed that."""
    try:
        return bool(signatures.signer(sums, signature, [line], unsigned=False))
    except Refused:
        return False


def _fingerprint(public: str) -> str:
    """As ssh-keygen and the refusals of a rollout write it."""
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    return f"signed by SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
