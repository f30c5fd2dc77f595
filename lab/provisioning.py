"""What a host is given before it starts, as one tar: ssh keys, who may log in, the site's certificates."""

import io
import tarfile
import time

from lab import keys, pki
from lab.labs import Host, Lab

DEPLOY = 1000
PKI = "etc/seclyzer-pki"


def pack(lab: Lab, host: Host) -> bytes:
    """The tar to be unpacked at the host's root."""
    own = keys.host_key(lab, host.name)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _file(tar, "etc/ssh/ssh_host_ed25519_key", own.read_bytes(), 0o600)
        _file(tar, "etc/ssh/ssh_host_ed25519_key.pub", own.with_name(own.name + ".pub").read_bytes(), 0o644)
        _folder(tar, "home/deploy/.ssh", 0o700, DEPLOY)
        _file(tar, "home/deploy/.ssh/authorized_keys", keys.public(lab).encode(), 0o600, DEPLOY)
        _folder(tar, PKI, 0o755)
        _file(tar, f"{PKI}/ca.crt", pki.authority(lab).read_bytes(), 0o644)
        if host.certificate:
            _file(tar, f"{PKI}/influxdb.crt", pki.certificate(lab, host).read_bytes(), 0o644)
            _file(tar, f"{PKI}/influxdb.key", pki.key(lab, host).read_bytes(), 0o600)
    return buffer.getvalue()


def _file(tar: tarfile.TarFile, name: str, content: bytes, mode: int, owner: int = 0) -> None:
    entry = _entry(name, mode, owner)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _folder(tar: tarfile.TarFile, name: str, mode: int, owner: int = 0) -> None:
    entry = _entry(name, mode, owner)
    entry.type = tarfile.DIRTYPE
    tar.addfile(entry)


def _entry(name: str, mode: int, owner: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mtime = int(time.time())
    entry.mode, entry.uid, entry.gid = mode, owner, owner
    return entry
