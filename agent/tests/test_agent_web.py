"""Who comes from elsewhere: by TLS, with a password or a certificate of `web.yml`, read again when it changes."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from agent_world import Host
from web_access import GOOD, HASHED, PASSWORD, USERS, Start, Way, answered, basic

from seclyzer_agent.web import Web
from tests.cases.certificates import NAMES, make
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

CLIENT = "RequireAndVerifyClientCert"


def test_only_who_has_a_users_password_is_answered_and_reads_the_full_figures(way: Way, start: Start) -> None:
    agent = start()
    answer = way.get("/metrics")
    assert answer.status == 200 and "seclyzer_extractor_events_total" in answer.body
    assert way.get("/healthz?exclude=influxdb&exclude=web").json["status"] == "pass"
    wrong = [
        "",
        basic("prometheus", "guess"),
        basic("stranger", PASSWORD),
        basic("", ""),
        f"Bearer {PASSWORD}",
        "Basic ?",
    ]
    for credential in wrong:
        for path in ("/metrics", "/healthz", "/", "/livez", "/nothing"):
            refused = way.get(path, credential)
            assert refused.status == 401, (credential, path)
            assert refused.headers["www-authenticate"].startswith("Basic ")
            assert "seclyzer_" not in refused.body
    assert agent.get("/metrics", Authorization=GOOD).status == 401  # a user of web.yml is none of this host's readers
    code, log = agent.stop()
    assert code == 0 and PASSWORD not in log and HASHED not in log and "guess" not in log


def test_a_reader_of_this_host_is_none_from_elsewhere(way: Way, start: Start, tmp_path: Path) -> None:
    (tmp_path / "readers").write_text("a-long-password-of-readers\n")
    way.host.config["reader_password_file"] = str(tmp_path / "readers")
    start()
    for credential in ("Bearer a-long-password-of-readers", basic("x", "a-long-password-of-readers")):
        assert way.get("/metrics", credential).status == 401


def test_a_client_certificate_is_enough_or_asked_for_beside_the_password(way: Way, start: Start) -> None:
    way.show("client", make("prometheus", way.authority))
    way.show("stranger", make("prometheus", make("ca", ca=True)))
    way.tls |= {"client_auth_type": CLIENT, "client_ca_file": "ca.crt"}
    way.write()
    start()
    assert way.get("/metrics", "", "client").status == 200
    for client in ("", "stranger"):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            way.get("/metrics", GOOD, client)
    way.write(basic_auth_users=USERS)
    until(lambda: answered(way, "", "client").status == 401)
    assert way.get("/metrics", GOOD, "client").status == 200
    way.tls["client_auth_type"] = "VerifyClientCertIfGiven"
    way.write(basic_auth_users=USERS)
    until(lambda: answered(way, "").status == 401)
    assert way.get("/metrics", GOOD).status == 200
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        way.get("/metrics", GOOD, "stranger")


def test_who_speaks_http_to_it_gets_words_and_old_tls_is_refused(way: Way, start: Start) -> None:
    start()
    with socket.create_connection(("127.0.0.1", way.port), timeout=5) as plain:
        plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP request to an HTTPS server" in plain.recv(1000)
    way.tls["min_version"] = "TLS13"
    way.write(basic_auth_users=USERS)
    old = way.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2

    def refused() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", way.port), timeout=5) as connection:
                old.wrap_socket(connection, server_hostname="127.0.0.1").close()
        except (ssl.SSLError, ConnectionError):
            return True
        return False

    until(refused)
    assert way.get("/livez").status == 200


def test_new_users_and_certificates_count_at_once_and_for_open_connections_too(way: Way, start: Start) -> None:
    agent = start()
    kept = http.client.HTTPSConnection("127.0.0.1", way.port, timeout=10, context=way.context())
    kept.request("GET", "/livez", headers={"Authorization": GOOD})
    assert kept.getresponse().read() == b"alive\n"
    way.write(basic_auth_users={"other": HASHED})
    until(lambda: answered(way, GOOD).status == 401)
    assert way.get("/livez", basic("other", PASSWORD)).status == 200
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        kept.request("GET", "/livez", headers={"Authorization": GOOD})
        kept.getresponse()
    renewed = make("server", way.authority, names=NAMES)
    way.show("server", renewed)

    def shown() -> bytes:
        pem = ssl.get_server_certificate(("127.0.0.1", way.port))
        return pem.encode()

    until(lambda: shown() == renewed.pem)
    assert agent.status("web") == "warn"  # the one of the test is good for 9 days


@pytest.mark.parametrize("broken", ["yaml", "open", "key", "gone"])
def test_a_wrong_web_yml_leaves_the_one_before_in_force_says_so_once_and_is_a_finding(
    way: Way, start: Start, broken: str
) -> None:
    agent = start()
    before = {path: path.read_bytes() for path in way.folder.iterdir()}
    if broken == "yaml":
        (way.folder / "web.yml").write_text("tls_server_config: [")
    elif broken == "open":
        way.write()
    elif broken == "key":
        (way.folder / "server.key").write_bytes(make("x").key_pem)
    else:
        (way.folder / "web.yml").unlink()
    until(lambda: agent.status("web") == "fail")
    time.sleep(1.0)  # five more readings
    assert way.get("/metrics").status == 200
    assert way.get("/metrics", "").status == 401
    (finding,) = [one for one in agent.inside("/healthz").json["findings"] if one["id"] == "web-config"]
    assert finding["status"] == "fail" and "the one before is in force" in finding["output"]
    assert "seclyzer_web_config_good 0.0" in agent.inside("/metrics").body
    for path, content in before.items():
        path.write_bytes(content)
    until(lambda: agent.status("web") != "fail")
    lines = [line for line in agent.stop()[1].splitlines() if "check=web" in line and "now=fail" in line]
    assert len(lines) == 1 and "web.yml" in lines[0]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"tls_server_config": {}, "basic_auth_users": USERS}, "has no tls_server_config with cert_file and key_file"),
        ({"tls_server_config": {"cert_file": "server.crt"}}, "has no tls_server_config with cert_file and key_file"),
        ({}, "lets in anybody: it needs basic_auth_users, or client_auth_type: RequireAndVerifyClientCert"),
        ({"tls": {"client_auth_type": "VerifyClientCertIfGiven", "client_ca_file": "ca.crt"}}, "lets in anybody"),
        ({"tls": {"client_auth_type": CLIENT}}, "has to name client_ca_file with a client_auth_type that verifies"),
        ({"tls": {"client_auth_type": "RequestClientCert"}, "basic_auth_users": USERS}, "has client_auth_type"),
        ({"tls": {"min_version": "TLS10"}, "basic_auth_users": USERS}, "the agent takes TLS12, TLS13"),
        ({"tls": {"cipher_suites": []}, "basic_auth_users": USERS}, "has 'cipher_suites' in tls_server_config"),
        ({"rate_limit": {}, "basic_auth_users": USERS}, "has 'rate_limit' in the file"),
        ({"basic_auth_users": {"a": "plain text"}}, "has for 'a' no hash of bcrypt"),
        (
            {"basic_auth_users": {"a": HASHED.replace("$04$", "$15$")}},
            "has cost 15, with which a scrape takes too long",
        ),
        ({"basic_auth_users": {"a:b": HASHED}}, "has a name that is none"),
        ({"tls": {"key_file": "none.key"}, "basic_auth_users": USERS}, "none.key cannot be read: No such file"),
        ({"tls": {"key_file": "server.crt"}, "basic_auth_users": USERS}, "cannot be used"),
        ({"tls": {"client_ca_file": "server.key", "client_auth_type": CLIENT}}, "client_ca_file"),
        ({"tls": {"cert_file": "/proc/self/mem"}, "basic_auth_users": USERS}, "cannot be used"),
    ],
)
def test_what_is_no_web_yml_is_refused_at_the_start_with_a_sentence(
    way: Way, document: dict[str, dict[str, object]], words: str
) -> None:
    whole = {"tls_server_config": {**way.tls, **document.get("tls", {})}, **document}
    whole.pop("tls", None)
    (way.folder / "web.yml").write_text(yaml.safe_dump(whole))
    ended = way.host.run("--check")
    assert ended.returncode == 78 and ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"seclyzer_agent: configuration: web_listen is 127.0.0.1:{way.port}")
    assert words in ended.stderr
    assert HASHED[7:] not in ended.stderr and "plain text" not in ended.stderr


def test_an_address_for_others_needs_a_web_yml(host: Host) -> None:
    host.config["web_listen"] = f"0.0.0.0:{free_port()}"
    ended = host.run()
    assert ended.returncode == 78
    assert "which needs TLS and a password or a client certificate: set web_config_file" in ended.stderr
    host.config["web_listen"] = "host.example:9485"
    assert "must be an address and a port" in host.run().stderr


def test_a_key_with_a_password_waits_for_no_one(way: Way) -> None:
    subprocess.run(
        ["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", "server.key", "-out", "locked.key"],
        cwd=way.folder, check=True, capture_output=True,
    )  # fmt: skip
    way.tls["key_file"] = "locked.key"
    way.write(basic_auth_users=USERS)
    ended = way.host.run()
    assert ended.returncode == 78 and "locked.key cannot be used: the key has a password" in ended.stderr


def test_what_has_not_changed_is_not_read_again(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    web = Web(way.folder / "web.yml")
    before = web.now
    assert web.refresh() == "" and web.now is before
    way.write(basic_auth_users={"other": HASHED})
    assert web.refresh() == "" and web.now is not before
