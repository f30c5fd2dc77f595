"""What is wrong with a bundle on the controller, before any host is asked to take it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils import bundles, signatures, unpacking
from ..module_utils.layout import Refused
from .values import value

Vars = Mapping[str, Any]


def faults(bundle: Path) -> list[str]:
    """Why no host could take it."""
    try:
        found = bundles.read(bundle)
    except Refused as fault:
        return [str(fault)]
    archives = found.manifest["archives"]
    return bundles.archive_faults(bundle, found.manifest, archives) or _members(bundle, archives)


def _members(bundle: Path, archives: Vars) -> list[str]:
    """Why a host would not unpack the archives, each for itself."""
    wrong: list[str] = []
    for name, archive in archives.items():
        path = bundle / bundles.file_of(name)
        try:
            with unpacking.Unpacking(None) as looking:
                looking.take(path, archive["sha256"], archive["unpacked"])
        except Refused as fault:
            wrong.append(f"{path}: {fault}")
    return wrong


def signature_faults(bundle: str, of_host: Vars) -> list[str]:
    """Why this host would not accept the bundle's signature."""
    try:
        signers, unsigned = (value(of_host, name) for name in (signatures.SIGNERS, signatures.UNSIGNED))
        lines = tuple(signatures.trusted(signers if isinstance(signers, list) else None))
        return _judged(bundle, lines, bool(boolean(unsigned or False, strict=False)))
    except Refused:
        return []  # no bundle that can be read, which is reported once


@cache
def _judged(bundle: str, signers: tuple[str, ...], unsigned: bool) -> list[str]:
    """The same, once for all hosts that trust the same; Refused without a bundle."""
    found = bundles.read(Path(bundle))
    try:
        signatures.signer(found.sums, found.signature, signers, unsigned)
    except Refused as fault:
        return [f"{bundle}: {fault}"]
    return []
