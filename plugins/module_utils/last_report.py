"""The last report of an inventory, kept on the controller, so that a run can take the hosts that need an operator, and
that a run which came to no host's history is not forgotten.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .fleet_entry import NEEDY
from .fleet_report import ROLLS_OUT

Document = dict[str, Any]


def folder() -> Path:
    """Where reports are kept: $XDG_STATE_HOME/seclyzer, by default ~/.local/state/seclyzer."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "seclyzer"


def path_of(inventories: Sequence[str]) -> Path:
    """The file of these inventories, by their paths."""
    real = [str(Path(one).resolve()) if os.path.exists(one) else one for one in inventories]
    name = Path(real[0]).stem if real else "none"
    digest = hashlib.sha256("\n".join(real).encode()).hexdigest()
    return folder() / f"{name}-{digest[:8]}.json"


def load(path: Path) -> Document:
    """The report; empty when there is none that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("hosts"), dict) else {}


def needy(document: Mapping[str, Any]) -> list[str]:
    """The hosts that need an operator, by a report."""
    return [host for host, about in document.get("hosts", {}).items() if about.get("state") in NEEDY]


def stopped(document: Mapping[str, Any], host: str, by: str) -> dict[str, Any] | None:
    """The last run of site.yml on a host that needs an operator since, as an entry of its history would have it; None
    without one. It may have been refused or lost before the host could write it down.

    One of rollback.yml that the host did not write down is typed again, and undoes the same.
    """
    about = document.get("hosts", {}).get(host) or {}
    if not about.get("run") or about.get("playbook") != ROLLS_OUT or about.get("state") not in NEEDY:
        return None
    why = ": ".join(words for words in (about.get("at"), "; ".join(about.get("cause") or [])) if words)
    return {"run": about["run"], "by": by, "at": "", "outcome": about["state"], "from": None, "to": None, "why": why}


def merged(old: Document, new: Document, known: Sequence[str]) -> Document:
    """The new report, and of the old one the hosts that this run did not look at and the inventory still has."""
    kept = {host: about for host, about in old.get("hosts", {}).items() if host in set(known)}
    return new | {"hosts": kept | new["hosts"]}


def forget(path: Path, hosts: Sequence[str]) -> None:
    """Takes hosts that were removed out of the report."""
    document = load(path)
    left = {host: about for host, about in document.get("hosts", {}).items() if host not in set(hosts)}
    if document and left != document["hosts"]:
        write(path, document | {"hosts": left})


def write(path: Path, document: Document, mode: int = 0o600) -> None:
    """A report as JSON; written whole, or not at all."""
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n", mode)


def written(path: Path, content: Document | str, mode: int = 0o600) -> list[str]:
    """Writes a report, or a text, for an operator; what could not be, in a sentence."""
    try:
        if isinstance(content, str):
            write_text(path, content, mode)
        else:
            write(path, content, mode)
    except OSError as fault:
        return [f"the report could not be written to {path}: {fault.strerror}"]
    return []


def write_text(path: Path, text: str, mode: int = 0o600) -> None:
    """A file of the operator's; written whole, or not at all. Raises OSError where a device or a pipe stands, which a
    rename would replace.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no file stands there, but a folder, a device or a pipe", str(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    beside.replace(path)
