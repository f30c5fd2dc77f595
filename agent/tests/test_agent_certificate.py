"""How long certificates are good: read from a real handshake, over TCP and through a unix socket, expired ones too."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from seclyzer_agent.checks.certificate import CertificateCheck, authority_ends_at, judge
from seclyzer_agent.model import Reading, Status
from seclyzer_agent.store_address import parse_influx_url

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
DAY = 86400.0


def make(place: Path, name: str, begins: float, ends: float) -> None:
    """A certificate that signs itself, good between these days from now."""
    first, last = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * DAY)) for days in (begins, ends))
    (place / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={place}/{name}.db\nnew_certs_dir={place}\ndefault_md=sha256\nrand_serial=yes\n"
        "policy=any\n[any]\ncommonName=supplied\n"
    )
    (place / f"{name}.db").write_text("")
    key = f"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name}"
    for command in (
        f"{key} -keyout {name}.key -out {name}.csr",
        f"openssl ca -batch -config ca.cnf -selfsign -keyfile {name}.key -in {name}.csr -out {name}.crt "
        f"-startdate {first} -enddate {last} -notext",
    ):
        subprocess.run(command.split(), cwd=place, check=True, capture_output=True)


def look(place: Path, name: str | None, *, by_socket: bool = False) -> Reading:
    """One reading of a store that shows this certificate, or (None) of one that is away; the CA file is `ca.crt`."""

    async def main() -> Reading:
        port, server = 9, None
        if name is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(place / f"{name}.crt", place / f"{name}.key")

            async def end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.close()

            if by_socket:
                server = await asyncio.start_unix_server(end, place / "store", ssl=context)
            else:
                server = await asyncio.start_server(end, "127.0.0.1", 0, ssl=context)
                port = server.sockets[0].getsockname()[1]
        address = parse_influx_url(f"https://127.0.0.1:{port}")
        socket = str(place / "store") if by_socket else ""
        try:
            return await CertificateCheck(address, socket, str(place / "ca.crt"), 30).read()
        finally:
            if server is not None:
                server.close()

    return asyncio.run(main())


@pytest.mark.parametrize("by_socket", [False, True])
@pytest.mark.parametrize(("days", "status"), [(-1, FAIL), (2, FAIL), (20, WARN), (40, PASS)])
def test_a_certificate_that_ends_is_seen_before_and_after(
    tmp_path: Path, days: int, status: Status, by_socket: bool
) -> None:
    make(tmp_path, "leaf", -50, days)
    make(tmp_path, "ca", -50, 100)
    server, authority = look(tmp_path, "leaf", by_socket=by_socket).entries
    date = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY))
    assert server.status is status and date in server.output
    assert ("expired on" in server.output) is (days < 0)
    assert (authority.measurement, authority.status) == ("authority", PASS)


def test_an_authority_that_ends_is_seen_while_the_store_is_away(tmp_path: Path) -> None:
    make(tmp_path, "ca", -50, 20)
    server, authority = look(tmp_path, None).entries
    assert (server.status, server.value) == (PASS, None) and "is not known" in server.output
    assert authority.status is WARN and "renew it" in authority.output


def test_of_several_authorities_the_one_that_is_good_longest_counts(tmp_path: Path) -> None:
    make(tmp_path, "old", -50, -1)
    make(tmp_path, "new", -50, 100)
    both = (tmp_path / "old.crt").read_bytes() + b"words between\n" + (tmp_path / "new.crt").read_bytes()
    ends = authority_ends_at(both)
    assert ends is not None and abs(ends - time.time() - 100 * DAY) < 3600
    assert authority_ends_at(b"no certificate") is None


def test_the_words_say_the_date() -> None:
    entry = judge("server", "the certificate of store", 1_700_000_000.0, 1_700_000_001.0, 30)
    assert (entry.status, entry.output) == (FAIL, "the certificate of store expired on 2023-11-14 22:13 UTC")
