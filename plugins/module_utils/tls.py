"""Whom TLS trusts, and in words why not: one verdict for all of this project, whatever library judges.

OpenSSL takes certificates that rustls refuses, and the other way round. The stricter verdict holds for all: this
module adds to OpenSSL what rustls asks for. The packages of extractors and agent link to this file.
"""

from __future__ import annotations

import base64
import binascii
import re
import ssl
import time
from typing import Any, NamedTuple

BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
BASIC_CONSTRAINTS = bytes.fromhex("551d13")
KEY_USAGE = bytes.fromhex("551d0f")
SIGNS_CERTIFICATES = 0x04
SERVES = 0x80 | 0x20 | 0x08  # digitalSignature, keyEncipherment, keyAgreement
KEYS = {
    bytes.fromhex("2a864886f70d010101"): "RSA",
    bytes.fromhex("2a8648ce3d030107"): "P-256",
    bytes.fromhex("2b81040022"): "P-384",
    bytes.fromhex("2b6570"): "Ed25519",
}
EC_KEY = bytes.fromhex("2a8648ce3d0201")

IS_CA = "is a CA certificate (CA:TRUE): issue a server certificate (CA:FALSE), signed by the CA"
EXPIRED = "has expired: issue a new one"
NOT_YET = "is not valid yet: check the clocks of both, or issue a new one"
UNKNOWN = (
    "is not signed by a CA of the CA file: check the CA file, or give the server "
    "its certificate with the intermediate ones behind it"
)
PURPOSE = "is not for a server: issue one with keyUsage=digitalSignature and extendedKeyUsage=serverAuth"
NO_SIGNER = "may not sign others: issue a CA certificate with keyUsage=keyCertSign"
KEY = (
    "has a key or a signature that is not supported: issue one with a key of P-256, P-384, Ed25519 or RSA of 2048 bits"
)
WORDS = {
    9: NOT_YET,
    10: EXPIRED,
    **dict.fromkeys((2, 7, 18, 19, 20, 21, 24, 25, 27, 32, 37, 79), UNKNOWN),
    26: PURPOSE,
    **dict.fromkeys((6, 66, 67, 68, 76, 77), KEY),
}
"""OpenSSL's codes of what it finds wrong."""
WRONG_NAME = (62, 64)


class Certificate(NamedTuple):
    """What counts of a certificate; times are UTC as `YYYYMMDDhhmmss`, `key` is None for one that is not supported.

    `usage` is the first byte of keyUsage, all bits where there is none.
    """

    not_before: str
    not_after: str
    ca: bool
    usage: int
    key: str | None


def context(ca_file: str) -> ssl.SSLContext:
    """For connections to servers whose certificate a CA of this file has signed; without a file, one of the system's.

    ValueError says what is wrong with the file.
    """
    if not ca_file:
        return context_of(None)
    try:
        with open(ca_file, "rb") as file:
            return context_of(file.read())
    except OSError as error:
        raise ValueError(f"CA file {ca_file}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"CA file {ca_file}: {error}") from None


def context_of(ca: bytes | None) -> ssl.SSLContext:
    """As `context`, by what is in the file; None for the system's authorities."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST  # newer versions of Python set more by themselves
    made.hostname_checks_common_name = False
    made.sslsocket_class, made.sslobject_class = _Socket, _Object
    if ca is None:
        made.load_default_certs()
    else:
        made.load_verify_locations(cadata=b"".join(anchors(ca)))
    return made


def anchors(ca: bytes) -> list[bytes]:
    """The certificates (DER) of a CA file that may be trusted: its PEM blocks count, whatever stands around them.

    ValueError when there is none.
    """
    try:
        ders = [base64.b64decode(b"".join(block.split()), validate=True) for block in BLOCK.findall(ca)]
        faults = [_anchor_fault(read(der)) for der in ders]
    except (ValueError, binascii.Error):
        raise ValueError("it holds a certificate that is damaged") from None
    usable = [der for der, fault in zip(ders, faults, strict=True) if not fault]
    if not usable:
        raise ValueError(f"it holds a certificate that {faults[0]}" if faults else "it holds no certificate")
    return usable


def words(error: ssl.SSLError | ValueError, host: str) -> str:
    """Why a server is not trusted, and what to do about it."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return getattr(error, "strerror", None) or str(error)
    if error.verify_code in WRONG_NAME:
        return f"the server's certificate {wrong_name(host)}"
    fault = WORDS.get(error.verify_code, error.verify_message)
    return f"the server's certificate {fault}"


def wrong_name(host: str) -> str:
    """Also of one without any: of version 1, or with a CN only."""
    kind = "IP" if ":" in host or host.replace(".", "").isdigit() else "DNS"
    return f"is not for {host}: issue one with subjectAltName={kind}:{host} (a CN alone does not count)"


def server_fault(der: bytes) -> str:
    """What rustls refuses of a server's certificate and OpenSSL does not; empty when nothing is."""
    try:
        found = read(der)
    except ValueError:
        return "is damaged"
    if found.ca:
        return IS_CA
    if not found.usage & SERVES:
        return PURPOSE
    return "" if found.key else KEY


def _anchor_fault(found: Certificate) -> str:
    now = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    if now > found.not_after:
        return EXPIRED
    if now < found.not_before:
        return NOT_YET
    if found.ca and not found.usage & SIGNS_CERTIFICATES:
        return NO_SIGNER
    return "" if found.key else KEY


def read(der: bytes) -> Certificate:
    """ValueError for what is no certificate."""
    try:
        (_, body), *_ = _parts(_only(der))
        fields = _parts(body)
        if fields[0][0] == 0xA0:  # the version, which those of version 1 do not say
            fields.pop(0)
        key = _parts(_parts(fields[5][1])[0][1])
        before, after = (_time(*time_) for time_ in _parts(fields[3][1]))
        known = {BASIC_CONSTRAINTS: b"", KEY_USAGE: b"\x03\x02\x00\xff"}
        for extensions in (_parts(_only(value)) for tag, value in fields[6:] if tag == 0xA3):
            known |= {(_parts(value)[0][1]): _parts(value)[-1][1] for _, value in extensions}
        constraints = _parts(_only(known[BASIC_CONSTRAINTS])) if known[BASIC_CONSTRAINTS] else []
        ca = constraints[:1] == [(1, b"\xff")]
        usage = _only(known[KEY_USAGE])[1]
        oid = key[1][1] if key[0][1] == EC_KEY else key[0][1]
    except (IndexError, ValueError, UnicodeDecodeError):
        raise ValueError("no certificate") from None
    return Certificate(before, after, ca, usage, KEYS.get(oid))


def _time(tag: int, value: bytes) -> str:
    text = value.decode("ascii").removesuffix("Z")
    if tag == 0x17:
        text = ("19" if text[0] in "56789" else "20") + text
    if not re.fullmatch("[0-9]{14}", text):
        raise ValueError("no time")
    return text


def _only(data: bytes) -> bytes:
    """The contents of the one part that the data is."""
    [(_, value)] = _parts(data)
    return value


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents that stand one behind the other, as DER has them."""
    parts, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size > 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + size > len(data):
            raise ValueError("cut off")
        parts.append((tag, data[at : at + size]))
        at += size
    return parts


class _Judged:
    """A connection that ends when what rustls would refuse shows."""

    def do_handshake(self, *arguments: Any) -> None:
        super().do_handshake(*arguments)  # type: ignore[misc]
        fault = server_fault(self.getpeercert(True) or b"")  # type: ignore[attr-defined]
        if fault:
            error = ssl.SSLCertVerificationError(1, f"certificate verify failed: it {fault}")
            error.verify_code, error.verify_message = 0, fault
            raise error


class _Socket(_Judged, ssl.SSLSocket):
    pass


class _Object(_Judged, ssl.SSLObject):
    pass
