"""Why a host could not run a release, by what it reports of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils import bundles, systems
from ..module_utils.kinds import KINDS

Vars = Mapping[str, Any]


UNTESTED = "seclyzer_release_allow_untested"
"""The option that accepts a system on which releases are not tested."""


def untested(about: Vars, manifest: Vars) -> str:
    """The host's system, when the bundle serves it untested; empty otherwise."""
    return _name(about) if _is_of(about, manifest.get("untested") or {}) else ""


def host_faults(about: Vars, releases: list[str], manifest: Vars, allow_untested: bool = False) -> list[str]:
    """Why this host could not run the release."""
    faults = _system_faults(about, manifest, allow_untested)
    if about["architecture"] != manifest["architecture"]:
        faults.append(f"it is {about['architecture']}; the bundle is for {manifest['architecture']}")
    elif (needed := manifest.get("glibc")) and bundles.older(about["glibc"], needed):
        has = f"glibc {about['glibc']}" if about["glibc"] else "no glibc"
        faults.append(f"it has {has}; the bundle needs glibc {needed}")
    if not about["systemd"]:
        faults.append("systemd does not run it")
    if not about["root"]:
        faults.append("Ansible is not root there; set ansible_become: true or log in as root")
    if manifest["release"] not in releases and not faults:
        needed = sum(manifest["archives"][name]["unpacked"] for name in ("common", about["python"])) + (32 << 20)
        if about["free"] < needed:
            faults.append(f"/opt/seclyzer has {about['free'] >> 20} MiB left, the release needs {needed >> 20} MiB")
    return faults


def needs_store(status: Vars, influx: Vars, is_store: bool, rotate: bool) -> str:
    """Why a host cannot do without its store in this run, in a sentence; empty for one that goes on with what it has.

    Only a host that writes to that address already goes on: another one is proven before it is written to.
    """
    if is_store:
        return "it is a store"
    if rotate:
        return "influxdb_rotate asks for a new token"
    if not status["host"]["write_token"]:
        return "it has no token yet"
    if influx.get("other"):
        return "the token of influxdb_token_file is tried there in each run"
    url = str(influx.get("url", ""))
    if str(status["store"] or "").rstrip("/") != url.rstrip("/"):
        return f"it does not write to {url} yet"
    return ""


MEMORY_OF = {"rust": 5 << 20, "python": 35 << 20}
"""Bytes that an extractor may take by what `make bench` allows it, by implementation."""
MEMORY_OF_AGENT = 32 << 20


def memory_fault(about: Vars, running: Vars, manifest: Vars, implementations: Mapping[str, str]) -> list[str]:
    """Why the release's programs could not start: less is free, beside what runs, than they take.

    Nothing where these programs run already, for each ends before it starts anew, or where what is free is not known.
    """
    same = running.get("release") == manifest["release"] and (running.get("implementations") or {}) == implementations
    needed = MEMORY_OF_AGENT + sum(MEMORY_OF[implementation] for implementation in implementations.values())
    if same or about["memory"] is None or about["memory"] >= needed:
        return []
    return [f"its memory has {about['memory'] >> 20} MiB left, the programs of the release need {needed >> 20} MiB"]


def _system_faults(about: Vars, manifest: Vars, allow_untested: bool) -> list[str]:
    """Why the bundle has nothing for the host's system."""
    served: dict[str, list[str]] = manifest.get("systems") or {"debian": manifest["debian"]}
    if systems.too_old(about["python"]):
        return [systems.old_python(_name(about), about["python"])]
    if untested(about, manifest):
        if not allow_untested:
            return [f"it runs {_name(about)}, on which SecLyzer is untested; {UNTESTED}: true accepts that"]
    elif not _is_of(about, served):
        known = ", ".join(f"{one.capitalize()} {' and '.join(versions)}" for one, versions in served.items())
        file = f"roles/seclyzer_release/vars/{systems.stem(about['distribution']) or 'DISTRIBUTION'}.yml"
        return [f"it runs {_name(about)}; {known} are served, and what {file} names once the bundle is built anew"]
    if about["python"] not in manifest["archives"]:
        pythons = ", ".join(name for name in manifest["archives"] if name != "common")
        return [f"/usr/bin/python3 is {about['python'] or 'missing'}; the bundle serves {pythons}"]
    return []


def _name(about: Vars) -> str:
    return f"{about['distribution']} {about['distribution_version']}".strip() or "an unknown system"


def _is_of(about: Vars, served: Mapping[str, list[str]]) -> bool:
    return about["distribution_version"] in served.get(systems.stem(about["distribution"]), [])


def spool_fault(about: Vars, spool_bytes: int) -> list[str]:
    """Why the extractors' spools could not fill up; what they hold already has its room."""
    needed = len(KINDS) * spool_bytes - about["spooled"]
    if about["free_state"] >= needed:
        return []
    left, needed_text = (f"{size >> 20} MiB" for size in (about["free_state"], needed))
    return [
        f"/var/lib/seclyzer has {left} left, the spools of {len(KINDS)} extractors may need {needed_text}; "
        "seclyzer_extractors_spool_bytes can be less"
    ]
