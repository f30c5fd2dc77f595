"""The site's certificate authority, played by the lab, and the certificates it gives to hosts.

Python 3.13 refuses a CA without key usage and key identifiers, so every extension is written out.
"""

from pathlib import Path

from lab import paths
from lab.labs import Host, Lab
from lab.run import run

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
CA_EXTENSIONS = (
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "keyUsage=critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier=hash",
)
LEAF_EXTENSIONS = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
)
CONFIG = b"[req]\ndistinguished_name=dn\n[dn]\n"  # nothing from the machine's openssl.cnf
CA_DAYS = "3650"
LEAF_DAYS = "825"


def make(lab: Lab) -> None:
    """Make the lab's CA and a certificate for every host that is to have one."""
    folder = paths.state(lab.name)
    request(folder / "ca.key", folder / "ca.crt", f"SecLyzer lab {lab.name} CA", CA_EXTENSIONS, CA_DAYS)
    for host in lab.hosts:
        if host.certificate:
            issue(lab, host)


def issue(lab: Lab, host: Host) -> None:
    """Make a new key and certificate for a host, by name and address."""
    folder = paths.state(lab.name)
    names = f"subjectAltName=DNS:{host.name},IP:{host.address}"
    signed = ("-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key"))
    request(key(lab, host), certificate(lab, host), host.name, (*LEAF_EXTENSIONS, names), LEAF_DAYS, signed)


def authority(lab: Lab) -> Path:
    """The CA's certificate."""
    return paths.state(lab.name) / "ca.crt"


def certificate(lab: Lab, host: Host) -> Path:
    """A host's certificate."""
    return paths.state(lab.name) / f"{host.name}.crt"


def key(lab: Lab, host: Host) -> Path:
    """The key of a host's certificate."""
    return paths.state(lab.name) / f"{host.name}.key"


def request(
    key_file: Path, out: Path, name: str, extensions: tuple[str, ...], days: str, signed: tuple[str, ...] = ()
) -> None:
    """Make a key and a certificate; without `signed` (the CA's options) it signs itself."""
    added = [part for extension in extensions for part in ("-addext", extension)]
    base = ["openssl", "req", "-x509", "-config", "/dev/stdin", *CURVE, "-sha256", "-days", days]
    subject = ("-subj", f"/O=SecLyzer lab/CN={name}")
    run([*base, *subject, *added, *signed, "-keyout", str(key_file), "-out", str(out)], stdin=CONFIG)
    key_file.chmod(0o600)
