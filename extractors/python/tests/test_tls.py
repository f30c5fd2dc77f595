"""Over TLS, to InfluxDB as a fleet has it, and to Redis: certificates are checked."""

import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from servers import InfluxStub, Passage

from seclyzer_extractors import config
from seclyzer_extractors.check import check
from seclyzer_extractors.influx import InfluxAway, InfluxDB
from seclyzer_extractors.redis import Connection, RedisAway
from seclyzer_extractors.schema import kind
from tests.helpers.ports import free_port
from tests.helpers.redis_server import RedisServer

EXTENSIONS = """
[ca]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[leaf]
subjectAltName=DNS:localhost
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
authorityKeyIdentifier=keyid
subjectKeyIdentifier=hash
"""


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ca.crt, and server.crt and server.key for localhost."""
    directory = tmp_path_factory.mktemp("pki")
    (directory / "extensions").write_text(EXTENSIONS, encoding="ascii")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    for name in ("ca", "server"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN=test {name}", "-out", f"{name}.csr")
    made = ("-extfile", "extensions", "-days", "2", "-out")
    openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-extensions", "ca", *made, "ca.crt")
    signer = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extensions", "leaf")
    openssl("x509", "-req", "-in", "server.csr", *signer, *made, "server.crt")
    return directory


def test_influxdb_is_reached_when_its_certificate_is_the_cas_and_names_the_host(pki: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    stub = InfluxStub(context)

    def write(host: str, ca_file: str) -> int:
        settings = config.settings("app", influx_url=f"https://{host}:{stub.port}", influx_ca_file=ca_file)
        client = InfluxDB(settings)
        try:
            return [client.write(b"m f=1 1", 5).status for _ in range(3)][-1]
        finally:
            client.close()

    ca = str(pki / "ca.crt")
    assert write("localhost", ca) == 204
    with pytest.raises(InfluxAway, match="the server's certificate is not signed by a CA"):
        write("localhost", "")
    with pytest.raises(InfluxAway, match=r"the server's certificate is not for 127\.0\.0\.1: issue one with"):
        write("127.0.0.1", ca)
    assert len(stub.accepted) == 3
    stub.close()


def test_influxdb_is_reached_by_a_socket_and_its_certificate_is_still_for_the_urls_name(
    pki: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    stub = InfluxStub(context)
    passages = [Passage(tmp_path / name, port) for name, port in (("store", stub.port), ("away", 9))]
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left"))
    left.close()

    def error_of(name: str, host: str = "localhost") -> str:
        """What `--check` reports; nothing listens at the URL itself, so nothing but the socket can have been used."""
        values = {"influx_url": f"https://{host}:9", "influx_socket": str(tmp_path / name)}
        settings = config.settings("app", **values, influx_ca_file=str(pki / "ca.crt"), redis_port=9)
        check(kind("app"), settings)
        return capfd.readouterr().out.splitlines()[1].replace(str(tmp_path / name), "SOCKET")

    assert error_of("store").startswith("influxdb: good: localhost:9 (TLS) by SOCKET takes points")
    assert stub.requests[0][1]["Host"] == "localhost:9"
    refused = error_of("store", "127.0.0.1")
    assert "the server's certificate is not for 127.0.0.1" in refused and "check influx_ca_file" in refused
    advice = "; does it run, and what listens at the socket reach it? check influx_url and influx_socket"
    where = "influxdb: bad: localhost:9 (TLS) by SOCKET"
    assert error_of("away") == f"{where}: closed the connection{advice}"
    assert error_of("left") == f"{where}: Connection refused{advice}"
    assert error_of("none") == f"{where}: No such file or directory{advice}"
    for passage in passages:
        passage.close()
    stub.close()


def test_a_socket_where_too_many_wait_is_refused_at_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as waits:
        full.bind(str(tmp_path / "full"))
        full.listen(0)
        waits.connect(str(tmp_path / "full"))
        client = InfluxDB(config.settings("app", influx_socket=str(tmp_path / "full")))
        with pytest.raises(InfluxAway, match="Resource temporarily unavailable"):
            client.write(b"m f=1 1", 5)


def test_redis_over_tls(pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    files = ("--tls-cert-file", str(pki / "server.crt"), "--tls-key-file", str(pki / "server.key"))
    with RedisServer(tmp_path, "--tls-port", str(port), "--tls-auth-clients", "no", *files):
        address = config.settings("app", redis_url=f"rediss://localhost:{port}/3").redis
        with pytest.raises(RedisAway, match="the server's certificate is not signed by a CA"):
            Connection(address, "test")
        monkeypatch.setenv("SSL_CERT_FILE", str(pki / "ca.crt"))
        connection = Connection(address, "test")
        assert connection.call("SET", "large", "x" * 300_000) == b"OK"
        assert connection.call("GET", "large") == b"x" * 300_000
        connection.close()
