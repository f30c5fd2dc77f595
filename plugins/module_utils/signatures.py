"""Who signed a bundle: OpenSSH's signature of its SHA256SUMS, verified by ssh-keygen on controller and host.

Trusted are the lines of `seclyzer_release_signers`, in the form that ssh-keygen(1) describes under ALLOWED SIGNERS. An
inventory that does not have the option trusts the key that `make bundle` made for the user who runs Ansible.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .layout import Refused

NAMESPACE = "seclyzer-bundle"
"""What a signature is for: one that was made for mail or for git counts for nothing here."""

SIGNATURE = "SHA256SUMS.sig"
SIGNERS = "seclyzer_release_signers"
UNSIGNED = "seclyzer_release_allow_unsigned"
SECONDS = 20.0


def own_key() -> Path:
    """The key of this user for bundles that they build and roll out themselves; `make bundle` makes it."""
    cache = os.environ.get("SECLYZER_CACHE")
    return (Path(cache).expanduser() if cache else Path.home() / ".cache" / "seclyzer") / "signing" / "bundle_key"


def line_of(name: str, public: str) -> str:
    """The line of allowed signers for a public key, good for bundles only."""
    kind, key = public.split()[:2]
    return f'{name} namespaces="{NAMESPACE}" {kind} {key}'


def trusted(configured: Sequence[str] | None) -> list[str]:
    """The lines the inventory configures; where it does not, that of this user's own key. For the controller."""
    if configured is not None:
        return [str(line) for line in configured]
    public = own_key().with_name(f"{own_key().name}.pub")
    try:
        return [line_of("this-controller", public.read_text())]
    except (OSError, ValueError):
        return []


def signer(sums: str, signature: str, signers: Sequence[str], unsigned: bool) -> str:
    """The name of who signed SHA256SUMS; empty for an unsigned one, where `unsigned` allows it. Raises Refused."""
    if not signature:
        if unsigned:
            return ""
        raise Refused(f"the bundle is not signed: `make bundle` signs it, and {UNSIGNED}: true accepts it as it is")
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Refused("ssh-keygen is missing, which verifies the signature of the bundle; install openssh-client")
    with tempfile.TemporaryDirectory(prefix="seclyzer-") as name:
        made, names = Path(name) / SIGNATURE, Path(name) / "signers"
        made.write_text(signature)
        names.write_text("".join(f"{line.strip()}\n" for line in signers))
        verify = [program, "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(made)]
        good, by = _ask(verify, sums)
        if not good:
            raise Refused(
                f"the bundle's signature is not one of its SHA256SUMS ({by}): the bundle was changed or is incomplete; "
                "copy it again, or `make bundle` where it was built"
            )
        found, principals = _ask([program, "-Y", "find-principals", "-f", str(names), "-s", str(made)])
        by = by.partition(" with ")[2] or by
        if not found:
            raise Refused(f"the bundle is signed by {by}, {_not_named(signers, principals)}")
        words = ""
        for principal in principals.splitlines():
            judge = [program, "-Y", "verify", "-n", NAMESPACE, "-f", str(names), "-I", principal, "-s", str(made)]
            good, words = _ask(judge, sums)
            if good:
                return principal
        raise Refused(f"the bundle is signed by {by}, which {SIGNERS} names for another use or time ({words})")


def _not_named(signers: Sequence[str], words: str) -> str:
    """Why a key is not trusted."""
    if not signers:
        return f"and {SIGNERS} names no signer: add the line of who may sign releases"
    return f"which {SIGNERS} does not name ({words}): add its line there if it may sign releases"


def _ask(argv: list[str], text: str = "") -> tuple[bool, str]:
    """Whether ssh-keygen agrees, and its words: all of them when it does, else the first, which names the cause."""
    try:
        done = subprocess.run(argv, input=text.encode(), capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return False, f"no answer within {SECONDS:.0f} s"
    if done.returncode == 0:
        return True, done.stdout.decode(errors="replace").strip()
    # A line of the allowed signers is named by the file they were written to, which is gone by then.
    lines = re.sub(r"\S*/signers:(\d+)", r"line \1", done.stderr.decode(errors="replace")).splitlines()
    return False, ascii(lines[0])[1:-1][:200] if lines else f"exit status {done.returncode}"
