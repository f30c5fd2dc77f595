#!/usr/bin/python
"""Installs influxd from an archive, verified by its checksum."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO, Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import fetch_url

from ..module_utils import files
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_archive
short_description: Install influxd from an archive, verified by its checksum
version_added: "0.1.0"
description:
  - Takes the archive for the host's own architecture. Nothing is unpacked before its checksum is right.
  - Notes down which archive the program came from and the program's own checksum, and looks at both in every run. So
    another archive replaces the program, and a program that was damaged is installed anew.
options:
  archives:
    description: For each architecture, as C(uname -m) reports it, C(url) and SHA-256 C(checksum) of a tar archive.
    type: dict
    required: true
  path:
    description: Where the program stands.
    type: path
    default: /usr/local/bin/influxd
  note:
    description: Where its origin is recorded.
    type: path
    default: /usr/local/share/seclyzer-influxd.json
author:
  - The SecLyzer maintainers (@seclyzer)
"""

EXAMPLES = r"""
- name: Install influxd
  seclyzer.edge.influxdb_archive:
    archives:
      x86_64:
        url: https://mirror.example/influxdb2-linux-amd64.tar.gz
        checksum: "{{ site_influxdb_amd64_sha256 }}"
"""

RETURN = r"""
path:
  description: Where the program stands.
  type: str
  returned: always
"""

PROGRAM = "influxd"
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
BIGGEST = 1 << 30
"""Bytes of the program at most; today's has 110 MB."""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "archives": {"type": "dict", "required": True},
            "path": {"type": "path", "default": "/usr/local/bin/influxd"},
            "note": {"type": "path", "default": "/usr/local/share/seclyzer-influxd.json"},
        },
        supports_check_mode=True,
    )
    path, note = Path(module.params["path"]), Path(module.params["note"])
    try:
        url, checksum = choose(module.params["archives"], os.uname().machine)
        stale = not stands(path, note, checksum)
        if stale and not module.check_mode:
            with tempfile.NamedTemporaryFile(dir=module.tmpdir) as archive:
                _download(module, url, archive)
                install(Path(archive.name), checksum, path, note)
    except Refused as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=stale, path=str(path))


def choose(archives: dict[str, Any], machine: str) -> tuple[str, str]:
    """The URL and the checksum for an architecture. Raises Refused when there is none, or half of one."""
    found = archives.get(machine)
    if found is None:
        raise Refused(
            f"influxdb_install_archive has nothing for {machine}; it has {', '.join(sorted(archives)) or 'nothing'}"
        )
    url, checksum = str(found.get("url") or ""), str(found.get("checksum") or "").removeprefix("sha256:").lower()
    if not url or len(checksum) != 64:
        raise Refused(f"influxdb_install_archive.{machine} needs a url and a SHA-256 checksum of 64 digits")
    return url, checksum


def stands(path: Path, note: Path, checksum: str) -> bool:
    """Whether the program is there, undamaged, and came from the archive with this checksum."""
    try:
        origin = json.loads(files.read(note) or "{}")
        return bool(origin.get("archive") == checksum and origin.get("program") == files.sha256(path))
    except (OSError, ValueError):
        return False


def install(archive: Path, checksum: str, path: Path, note: Path) -> None:
    """Put the program of a verified archive in place by one rename. Raises Refused when it is another archive."""
    if (found := files.sha256(archive)) != checksum:
        raise Refused(f"the archive has the checksum {found} and should have {checksum}; nothing was installed")
    try:
        with tarfile.open(archive) as tar, files.writing(path, 0o755) as out:
            _take_out(tar, out)
    except (tarfile.TarError, EOFError, zlib.error) as fault:
        raise Refused(f"the archive cannot be read: {fault}; nothing was installed") from None
    program = files.sha256(path)
    files.write(note, json.dumps({"archive": checksum, "program": program}) + "\n")


def _take_out(tar: tarfile.TarFile, out: IO[bytes]) -> None:
    """Writes the archive's program to an open file: a plain file of bounded size, and no other member."""
    found = (one for one in tar if one.type in PLAIN and not one.issparse() and Path(one.name).name == PROGRAM)
    member = next(found, None)
    stream = tar.extractfile(member) if member else None
    if member is None or stream is None:
        raise Refused(f"the archive holds no {PROGRAM}")
    if member.size > BIGGEST:
        raise Refused(f"the archive's {PROGRAM} has {member.size >> 20} MiB; at most {BIGGEST >> 20} are taken")
    shutil.copyfileobj(stream, out)


def _download(module: AnsibleModule, url: str, out: IO[bytes]) -> None:
    response, info = fetch_url(module, url, timeout=60)
    if response is None or info["status"] not in (200, -1):
        raise Refused(f"{url} cannot be downloaded: {info['msg']}")
    shutil.copyfileobj(response, out)
    out.flush()


if __name__ == "__main__":
    main()
