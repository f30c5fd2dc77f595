"""The host's secrets over a rotation: copies stay on the host, in memory; only hashes and verdicts leave it."""

import hashlib
import shutil
from pathlib import Path

from probes.resp import CREDENTIALS, Redis, Refusal

COPY = Path("/run/seclyzer-test-secrets")


def main(step: str, users: list[str] | None = None) -> dict[str, object]:
    """`keep` copies them; `look` gives hashes, then and now, and who gets in by which; `forget` ends the copies."""
    if step == "keep":
        shutil.rmtree(COPY, ignore_errors=True)
        COPY.mkdir(mode=0o700)
        for path in CREDENTIALS.iterdir():
            (COPY / path.name).write_bytes(path.read_bytes())
        return {}
    if step == "forget":
        shutil.rmtree(COPY, ignore_errors=True)
        return {}
    return {
        "then": _hashes(COPY),
        "now": _hashes(CREDENTIALS),
        "former": {user: _gets_in(user, COPY) for user in users or []},
        "new": {user: _gets_in(user, CREDENTIALS) for user in users or []},
    }


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_text().strip().encode()).hexdigest() for path in folder.iterdir()}


def _gets_in(user: str, folder: Path) -> bool:
    return not isinstance(Redis().call("AUTH", user, (folder / f"redis-{user}").read_text().strip()), Refusal)
