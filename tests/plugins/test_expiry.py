"""Certificates that have expired or soon will are reported with the date and what to do."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from plugins.module_utils import expiry

NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)


def certificate(end: datetime.datetime) -> bytes:
    """One that ends then; nothing else of it is looked at."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(end - datetime.timedelta(days=400)).not_valid_after(end)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def ending(*days: float, within: int = 30) -> list[str]:
    pem = b"some text\n".join(certificate(NOW + datetime.timedelta(days=one)) for one in days)
    return expiry.ending(pem, "the file", "do this", within, NOW.timestamp())


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (30.5, []),
        (29.5, ["the file expires on 2026-12-29, in 29 days: do this"]),
        (0.2, ["the file expires on 2026-11-29, in 0 days: do this"]),
        (-1, ["the file expired on 2026-11-28: do this"]),
    ],
)
def test_what_expires_within_the_days_is_reported_with_its_date(days: float, words: list[str]) -> None:
    assert ending(days) == words


def test_of_several_in_a_file_each_is_named_by_its_place() -> None:
    assert ending(400, -2, 10) == [
        "the file, certificate 2 of 3 expired on 2026-11-27: do this",
        "the file, certificate 3 of 3 expires on 2026-12-09, in 10 days: do this",
    ]


def test_the_days_are_configured() -> None:
    assert (ending(40), len(ending(40, within=60)), ending(10, within=0)) == ([], 1, [])
    assert len(ending(-1, within=0)) == 1, "what has expired is reported whatever the days are"


def test_what_holds_no_certificate_is_left_to_who_judges_it() -> None:
    block = b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
    for pem in (b"", b"nothing", block % b"!!!", block % b"AAAA"):
        assert (expiry.ending(pem, "f", "a", 30), expiry.all_expired(pem)) == ([], False)


def test_a_file_is_expired_when_all_in_it_are(tmp_path: Path) -> None:
    past, future = certificate(NOW - datetime.timedelta(days=900)), certificate(NOW + datetime.timedelta(days=90000))
    assert [expiry.all_expired(pem) for pem in (past, past + past, past + future)] == [True, True, False]


def test_what_a_server_shows_is_judged_alike() -> None:
    pem = certificate(NOW - datetime.timedelta(days=900))
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    assert expiry.ending_der(der, "it", "do this", 30) == ["it expired on 2024-06-12: do this"]
