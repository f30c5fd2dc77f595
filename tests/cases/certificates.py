"""Certificates of a store, right and wrong, and what every judge says of them: made anew, for 127.0.0.1 and localhost.

`openssl` makes those of version 1, which the library does not.
"""

import datetime
import ipaddress
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .answering import STORED, Answering

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
NAMES = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
USAGES: tuple[str, ...] = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
)
USAGES += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
Key = Any


@dataclass
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """Its key."""
        return pem_of(self.key)


def pem_of(key: Key) -> bytes:
    """A private key as openssl writes it."""
    form = serialization.PrivateFormat.PKCS8
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem


@dataclass
class Case:
    """What lies in the CA file, what the server shows, and the beginning of the refusal; empty when it is trusted."""

    refusal: str
    ca: bytes
    chain: bytes
    key: bytes = field(repr=False)


def make(
    name: str,
    signer: Made | None = None,
    *,
    ca: bool | None = False,
    names: list[x509.GeneralName] | None = None,
    since: datetime.datetime = NOW - DAY,
    until: datetime.datetime = NOW + 9 * DAY,
    usage: tuple[str, ...] = (),
    purposes: list[x509.ObjectIdentifier] | None = None,
    key: Key = None,
    length: int | None = None,
) -> Made:
    """One certificate; `ca` None has no basicConstraints."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    build = x509.CertificateBuilder().subject_name(subject).public_key(own.public_key())
    build = build.issuer_name(signer.certificate.subject if signer else subject)
    build = build.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    if ca is not None:
        build = build.add_extension(x509.BasicConstraints(ca, length), critical=True)
    if names:
        build = build.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage:
        given = {one: one in usage for one in USAGES}
        build = build.add_extension(x509.KeyUsage(**given), critical=True)
    if purposes:
        build = build.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    sign_with = signer.key if signer else own
    digest = None if isinstance(sign_with, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Made(build.sign(sign_with, digest), own)


def version_1(name: str, signer: Made | None, folder: Path) -> Made:
    """By openssl."""
    own = ec.generate_private_key(ec.SECP256R1())
    (folder / "own.key").write_bytes(pem_of(own))
    (folder / "v1.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n")
    by = ["-signkey", "own.key"]
    if signer:
        (folder / "signer.key").write_bytes(signer.key_pem)
        (folder / "signer.crt").write_bytes(signer.pem)
        by = ["-CA", "signer.crt", "-CAkey", "signer.key", "-CAcreateserial"]

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-new", "-config", "v1.cnf", "-key", "own.key", "-subj", f"/CN={name}", "-out", "own.csr")
    openssl("x509", "-req", "-in", "own.csr", *by, "-days", "9", "-out", "v1.crt")
    made = x509.load_pem_x509_certificate((folder / "v1.crt").read_bytes())
    assert made.version is x509.Version.v1
    return Made(made, own)


IS_CA = "is a CA certificate (CA:TRUE)"
EXPIRED = "has expired"
NOT_YET = "is not valid yet"
UNKNOWN = "is not signed by a CA of the CA file"
NAME = "is not for 127.0.0.1"
PURPOSE = "is not for a server"
KEY = "has a key or a signature that is not supported"
FILE = "CA file "


def all_cases(folder: Path) -> dict[str, Case]:
    """By name. The folder is for openssl's own files."""
    root = make("root", ca=True, length=1, usage=("key_cert_sign", "crl_sign"))
    other = make("other", ca=True)
    middle = make("middle", root, ca=True, length=0)
    good = make("store", root, names=NAMES, usage=("digital_signature",), purposes=[ExtendedKeyUsageOID.SERVER_AUTH])
    below = make("store", middle, names=NAMES)

    def case(refusal: str, server: Made, *more: Made, ca: bytes = root.pem) -> Case:
        return Case(refusal, ca, b"".join(one.pem for one in (server, *more)), server.key_pem)

    def itself(refusal: str, server: Made) -> Case:
        return case(refusal, server, ca=server.pem)

    def leaf(refusal: str, **how: Any) -> Case:
        return case(refusal, make("store", root, **{"names": NAMES, **how}))

    crlf = root.pem.replace(b"\n", b"\r\n")
    damaged = root.pem.replace(b"\n", b"\n!", 1)
    rsa_of: Callable[[int], Key] = lambda bits: rsa.generate_private_key(65537, bits)  # noqa: E731
    late = make("late", ca=True, since=NOW - 9 * DAY, until=NOW - DAY)
    early = make("early", ca=True, since=NOW + DAY)
    no_signer = make("root", ca=True, usage=("digital_signature",))
    no_ca = make("root", ca=False)
    wide = make("wide", ca=True, key=ec.generate_private_key(ec.SECP521R1()))
    return {
        "right": case("", good),
        "right, by an intermediate": case("", below, middle),
        "right, by an intermediate that the CA file holds": case("", below, ca=root.pem + middle.pem),
        "right, no basicConstraints": leaf("", ca=None),
        "right, a wildcard is no name of an address": leaf("", names=[x509.DNSName("*.localhost"), *NAMES]),
        "right, key of P-384": leaf("", key=ec.generate_private_key(ec.SECP384R1())),
        "right, key of RSA": leaf("", key=rsa_of(2048)),
        "right, key of Ed25519": leaf("", key=ed25519.Ed25519PrivateKey.generate()),
        "right, it signed itself and is pinned": itself("", make("store", names=NAMES)),
        "right, it signed itself without basicConstraints": itself("", make("store", ca=None, names=NAMES)),
        "an intermediate is all that the CA file holds": case(UNKNOWN, below, ca=middle.pem),
        "CA file: text before it": case("", good, ca=b"Certificate:\n    Data:\n        Version: 3\n" + root.pem),
        "CA file: a comment that is not ASCII": case("", good, ca="# Stammzertifikat für Zürich\n".encode() + root.pem),
        "CA file: Latin-1": case("", good, ca=b"# f\xfcr uns\n" + root.pem),
        "CA file: CR LF": case("", good, ca=crlf),
        "CA file: no end of line": case("", good, ca=root.pem.rstrip()),
        "CA file: several": case("", good, ca=other.pem + b"# ours:\n" + root.pem),
        "CA file: several, one has expired": case("", good, ca=late.pem + root.pem),
        "CA file: with a key": case("", good, ca=other.key_pem + root.pem),
        "CA file: of another issuer": case(UNKNOWN, good, ca=other.pem),
        "CA file: empty": case(FILE, good, ca=b""),
        "CA file: text only": case(FILE, good, ca="# für später\n".encode()),
        "CA file: a key only": case(FILE, good, ca=root.key_pem),
        "CA file: damaged": case(FILE, good, ca=damaged),
        "CA file: cut off": case(FILE, good, ca=root.pem[:200] + b"\n-----END CERTIFICATE-----\n"),
        "CA file: it has expired": case(FILE, make("store", late, names=NAMES), ca=late.pem),
        "CA file: it is not valid yet": case(FILE, make("store", early, names=NAMES), ca=early.pem),
        "CA file: it may not sign": case(FILE, make("store", no_signer, names=NAMES), ca=no_signer.pem),
        "CA file: it is no CA": case(UNKNOWN, make("store", no_ca, names=NAMES), ca=no_ca.pem),
        "CA file: a key that is not supported": case(FILE, make("store", wide, names=NAMES), ca=wide.pem),
        "it signed itself, CA:TRUE": itself(IS_CA, make("store", ca=True, names=NAMES)),
        "it signed itself, CA:TRUE, CN only": itself(NAME, make("127.0.0.1", ca=True)),
        "it signed itself, CA:TRUE, not in the CA file": case(UNKNOWN, make("store", ca=True, names=NAMES)),
        "it signed itself, not in the CA file": case(UNKNOWN, make("store", names=NAMES)),
        "CA:TRUE, signed by the CA": leaf(IS_CA, ca=True),
        "version 1, signed by the CA": case(NAME, version_1("127.0.0.1", root, folder)),
        "version 1, it signed itself": itself(NAME, version_1("127.0.0.1", None, folder)),
        "CN only": case(NAME, make("127.0.0.1", root)),
        "another name": leaf(NAME, names=[x509.DNSName("localhost")]),
        "an address written as a name": leaf(NAME, names=[x509.DNSName("127.0.0.1")]),
        "expired": leaf(EXPIRED, since=NOW - 9 * DAY, until=NOW - DAY),
        "not valid yet": leaf(NOT_YET, since=NOW + DAY),
        "a missing intermediate": case(UNKNOWN, below),
        "signed by a server's": case(UNKNOWN, make("store", good, names=NAMES), good),
        "for clients": leaf(PURPOSE, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH]),
        "to sign others": leaf(PURPOSE, usage=("key_cert_sign",)),
    }


NAMES_OF_CASES = [
    line.strip().split('"')[1]
    for line in Path(__file__).read_text(encoding="utf-8").split("    return {\n")[-1].splitlines()
    if line.startswith('        "')
]
"""Those of `all_cases`, which takes a while."""


def serving(case: Case, folder: Path) -> Answering:
    """A store that takes every point and shows this case's certificate."""
    (folder / "chain.pem").write_bytes(case.chain)
    (folder / "chain.key").write_bytes(case.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "chain.key")
    return Answering(STORED, context)
