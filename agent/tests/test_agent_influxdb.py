"""InfluxDB's readiness, over http and https."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from seclyzer_agent.checks.influxdb import InfluxCheck
from seclyzer_agent.http_client import CLOSED, HttpClient
from seclyzer_agent.model import Reading, Status, Unreadable
from seclyzer_agent.store_address import parse_influx_url
from seclyzer_agent.tls import context
from tests.helpers.ports import free_port

PASS = Status.PASS


def influx(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], tls: Path | None = None, other: bool = False
) -> Reading:
    """One reading of an InfluxDB that answers so; with `tls` over https, with the keys in that folder."""

    async def main() -> Reading:
        app = web.Application()
        app.router.add_get("/health", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        server = None
        if tls is not None:
            server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            server.load_cert_chain(tls / "leaf.crt", tls / "leaf.key")
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=server).start()
        trust: ssl.SSLContext | None = None
        if tls is not None and (tls / "trusted.crt").exists():
            trust = context(str(tls / "trusted.crt"))
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        try:
            client = HttpClient(parse_influx_url(url), "", trust, "test")
            return await InfluxCheck(client, 0.4, timeout=0.5, other=other).read()
        finally:
            await runner.cleanup()

    return asyncio.run(main())


async def ready(_: web.Request) -> web.Response:
    return web.json_response({"name": "influxdb", "status": "pass", "message": "ready", "version": "v2.9.1"})


def test_a_ready_influxdb_passes_with_its_time() -> None:
    entry = influx(ready).entries[0]
    assert entry.status is PASS and 0 < float(entry.value or 0) < 400


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (web.json_response({"status": "fail"}, status=503), "answers GET /health with 503"),
        (web.json_response({"name": "influxdb", "status": "starting"}), "does not say that it is ready"),
        (web.Response(text="<html>"), "answers GET /health with 200 as no InfluxDB 2 does: check influx_url"),
        (
            web.json_response({"name": "x", "status": "pass"}),
            "answers GET /health with 200 as no InfluxDB 2 does: check influx_url",
        ),
        (web.json_response({"name": "influxdb", "status": "pass"}, status=201), "with 201 as no InfluxDB 2 does"),
        (web.Response(status=302, headers={"Location": "/"}), "with 302 as no InfluxDB 2 does: check influx_url"),
        (web.Response(status=304), "with 304 as no InfluxDB 2 does"),
    ],
)
def test_an_influxdb_that_is_not_ready_is_unreadable_in_words(answer: web.Response, words: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return answer

    with pytest.raises(Unreadable, match=words):
        influx(handler)


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (web.Response(text="OK"), True),
        (web.Response(status=404), True),
        (web.Response(status=401), True),
        (web.Response(status=302, headers={"Location": "/"}), False),
        (web.Response(status=503), False),
    ],
)
def test_another_server_that_may_be_the_store_has_to_answer_and_no_more(answer: web.Response, good: bool) -> None:
    async def handler(_: web.Request) -> web.Response:
        return answer

    if good:
        entry = influx(handler, other=True).entries[0]
        assert entry.status is PASS and entry.output.startswith("the store answered in ")
    else:
        with pytest.raises(Unreadable, match=f"with {answer.status}"):
            influx(handler, other=True)


def test_an_influxdb_that_is_silent_after_its_headers_does_not_answer() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.sleep(5)
        return response

    with pytest.raises(Unreadable, match="does not answer"):
        influx(handler)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA and a leaf for 127.0.0.1, made with openssl as the guide says."""
    place = tmp_path_factory.mktemp("pki")
    (place / "leaf.ext").write_text(
        "subjectAltName=IP:127.0.0.1\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    new = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for command in (
        f"{new} -x509 -subj /CN=ca -keyout ca.key -out ca.crt -days 2 "
        "-addext keyUsage=critical,keyCertSign,cRLSign -addext basicConstraints=critical,CA:TRUE,pathlen:0",
        f"{new} -subj /CN=store -keyout leaf.key -out leaf.csr",
        "openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial "
        "-days 2 -extfile leaf.ext -out leaf.crt",
    ):
        subprocess.run(command.split(), cwd=place, check=True, capture_output=True)
    return place


def test_https_needs_the_ca_that_signed_the_certificate(certificates: Path) -> None:
    with pytest.raises(Unreadable, match="is not trusted: the server's certificate is not signed by a CA"):
        influx(ready, certificates)
    (certificates / "trusted.crt").write_bytes((certificates / "ca.crt").read_bytes())
    assert influx(ready, certificates).entries[0].status is PASS


def by_socket(place: Path, name: str, host: str, tls: Path | None, through: bool = True) -> Reading:
    """One reading of a ready InfluxDB at the unix socket `name` in `place`; nothing listens at the URL itself.

    What is not let `through` is accepted and closed, as systemd-socket-proxyd does when the store is away.
    """

    async def main() -> Reading:
        app = web.Application()
        app.router.add_get("/health", ready)
        runner = web.AppRunner(app)
        await runner.setup()
        server = None
        trust: ssl.SSLContext | None = None
        if tls is not None:
            server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            server.load_cert_chain(tls / "leaf.crt", tls / "leaf.key")
            trust = context(str(tls / "ca.crt"))
        away = None
        if through:
            await web.UnixSite(runner, str(place / "store"), ssl_context=server).start()
        else:
            away = await asyncio.start_unix_server(lambda _, writer: writer.close(), str(place / "store"))
        url = f"{'https' if tls else 'http'}://{host}:9"
        try:
            client = HttpClient(parse_influx_url(url), str(place / name), trust, "test")
            check = InfluxCheck(client, 1, timeout=2)
            await check.read()
            return await check.read()  # over the same connection
        finally:
            await runner.cleanup()
            if away is not None:
                away.close()

    return asyncio.run(main())


def test_a_store_behind_a_socket_is_asked_in_its_own_name(certificates: Path, tmp_path: Path) -> None:
    assert by_socket(tmp_path, "store", "127.0.0.1", certificates).entries[0].status is PASS
    assert by_socket(tmp_path, "store", "store.example", None).entries[0].status is PASS
    with pytest.raises(Unreadable, match="is not trusted: the server's certificate is not for localhost"):
        by_socket(tmp_path, "store", "localhost", certificates)


def test_what_is_wrong_with_the_way_through_a_socket_is_reported(certificates: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=f"cannot be reached by {tmp_path}/none: No such file or directory"):
        by_socket(tmp_path, "none", "127.0.0.1", certificates)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    with pytest.raises(Unreadable, match=f"cannot be reached by {tmp_path}/left: Connection refused"):
        by_socket(tmp_path, "left", "127.0.0.1", certificates)
    words = rf"cannot be reached by {tmp_path}/store: {CLOSED} \(journalctl -u seclyzer-store\)"
    with pytest.raises(Unreadable, match=words):
        by_socket(tmp_path, "store", "127.0.0.1", certificates, through=False)
    with pytest.raises(Unreadable, match="broke off the answer"):
        by_socket(tmp_path, "store", "127.0.0.1", None, through=False)
