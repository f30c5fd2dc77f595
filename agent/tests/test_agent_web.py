"""Who comes from elsewhere: by TLS, with a password or a certificate of `web.yml`, read again when it changes."""

from __future__ import annotations

import asyncio
import base64
import http.client
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from agent_world import Agent, Answer, Host
from test_agent_flood import LIVELY, MANY, closed, descriptors, say

from seclyzer_agent import bcrypt_hash, guard, passwords
from seclyzer_agent.passwords import MOST_KNOWN, MOST_WAITING, Busy, Passwords
from seclyzer_agent.web import Web
from tests.cases.certificates import NAMES, Made, make
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

Start = Callable[..., Agent]
PASSWORD = "correct horse"
HASHED = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
"""PASSWORD's."""
USERS = {"prometheus": HASHED}
CLIENT = "RequireAndVerifyClientCert"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD = basic("prometheus", PASSWORD)


class Way:
    """A host with a `web.yml`, its authority, and clients of it."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder, self.port = host, folder, free_port()
        folder.mkdir()
        self.authority = make("ca", ca=True)
        (folder / "ca.crt").write_bytes(self.authority.pem)
        self.show("server", make("server", self.authority, names=NAMES))
        self.tls: dict[str, object] = {"cert_file": "server.crt", "key_file": str(folder / "server.key")}
        self.write(basic_auth_users=USERS)
        host.config |= {"web_listen": f"127.0.0.1:{self.port}", "web_config_file": str(folder / "web.yml")}
        host.config["checks"]["web"] = {"interval_seconds": 0.2, "deadline_seconds": 2, "rise": 1, "fall": 1}

    def show(self, name: str, made: Made) -> None:
        (self.folder / f"{name}.crt").write_bytes(made.pem)
        (self.folder / f"{name}.key").write_bytes(made.key_pem)

    def write(self, **parts: object) -> None:
        """Put a new web.yml in the place of the last."""
        (self.folder / "web.new").write_text(yaml.safe_dump({"tls_server_config": self.tls, **parts}))
        (self.folder / "web.new").rename(self.folder / "web.yml")

    def context(self, client: str = "") -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        if client:
            made.load_cert_chain(self.folder / f"{client}.crt", self.folder / f"{client}.key")
        return made

    def get(self, path: str, credential: str = GOOD, client: str = "") -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.context(client))
        headers = {"Authorization": credential} if credential else {}
        return Agent._ask(connection, path, "GET", headers)


@pytest.fixture
def way(host: Host, tmp_path: Path) -> Way:
    return Way(host, tmp_path / "web")


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
    until(lambda: _answers(way, "", "client").status == 401)
    assert way.get("/metrics", GOOD, "client").status == 200
    way.tls["client_auth_type"] = "VerifyClientCertIfGiven"
    way.write(basic_auth_users=USERS)
    until(lambda: _answers(way, "").status == 401)
    assert way.get("/metrics", GOOD).status == 200
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        way.get("/metrics", GOOD, "stranger")


def _answers(way: Way, credential: str, client: str = "") -> Answer:
    """What is answered; a status of 0 when the connection is refused, or closed for a change."""
    try:
        return way.get("/metrics", credential, client)
    except (OSError, http.client.RemoteDisconnected):
        return Answer(0, {}, "", 0.0)


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
    until(lambda: _answers(way, GOOD).status == 401)
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


def test_handshakes_that_never_end_hold_up_neither_a_scrape_nor_a_check(way: Way, start: Start) -> None:
    agent = start()
    hello = ssl.MemoryBIO()
    client = way.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    first = hello.read()
    with ExitStack() as held:
        slow = []
        for n in range(MANY):
            slow.append(held.enter_context(socket.create_connection(("127.0.0.1", way.port), timeout=5)))
            say(slow[-1], first if n % 2 else first[:20])
        assert way.get("/metrics").status == 200  # once its turn has come, behind those that came before
        answers = [way.get("/metrics") for _ in range(10)]
        assert [answer.status for answer in answers] == [200] * 10
        assert sorted(answer.seconds for answer in answers)[5] < LIVELY
        assert descriptors(agent) < guard.MOST_CONNECTIONS + 100
        assert agent.get("/livez").seconds < LIVELY
        assert all(closed(connection, 2 * guard.HEAD_SECONDS) for connection in slow[-20:])
        code, log = agent.stop()
        assert code == 0 and len(log) < 4096, log[:2000]


def test_a_client_that_speaks_a_byte_a_second_is_closed_in_time(way: Way, start: Start) -> None:
    start()
    with socket.create_connection(("127.0.0.1", way.port), timeout=5) as connection:
        tls = way.context().wrap_socket(connection, server_hostname="127.0.0.1")
        began = time.monotonic()
        with pytest.raises((ConnectionError, ssl.SSLError)):
            for byte in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-A: bbbbbbbbbbbbbbbbbbbbbbbbb":
                tls.sendall(bytes([byte]))
                time.sleep(0.2)
        assert time.monotonic() - began < 2 * guard.HEAD_SECONDS


def test_guesses_take_little_of_the_processor_and_nothing_from_who_is_known(way: Way, start: Start) -> None:
    dear = subprocess.run(
        [sys.executable, "-c", DEAR, PASSWORD], capture_output=True, text=True, check=True
    ).stdout.strip()
    way.write(basic_auth_users={"prometheus": dear})
    agent = start()
    assert way.get("/metrics").status == 200
    end, seen = threading.Event(), list[int]()

    def guess(name: int) -> None:
        tries = 0
        while not end.is_set():
            tries += 1
            seen.append(_answers(way, basic("prometheus", f"{name} {tries}")).status)

    before = _cpu(agent)
    began = time.monotonic()
    threads = [threading.Thread(target=guess, args=(n,)) for n in range(MOST_WAITING + 4)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: 429 in seen and 401 in seen)
        answers = [way.get("/metrics") for _ in range(20)]
    finally:
        end.set()
        for thread in threads:
            thread.join()
    took, hashed = time.monotonic() - began, seen.count(401)
    assert [answer.status for answer in answers] == [200] * 20
    assert set(seen) <= {401, 429, 0}
    assert hashed * 0.9 <= 1 + took / (passwords.REST * 0.01), (hashed, took)  # cost 10 takes 50 ms, never under 10
    assert _cpu(agent) - before < took


DEAR = (
    "import ctypes, sys; c = ctypes.CDLL('libcrypt.so.1').crypt; c.restype = ctypes.c_char_p; "
    "print(c(sys.argv[1].encode(), b'$2b$10$abcdefghijklmnopqrstuu').decode())"
)


def _cpu(agent: Agent) -> float:
    fields = Path(f"/proc/{agent.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_password_is_hashed_once_and_a_stranger_costs_as_much_as_a_user() -> None:
    asked: list[str] = []

    def matches(password: str, hashed: str) -> bool:
        asked.append(hashed)
        return password == PASSWORD

    async def main() -> None:
        found = Passwords({"a": HASHED.replace("$04$", "$05$"), "b": HASHED}, matches)
        assert found.known("a", PASSWORD) is None
        assert [await found.check("a", PASSWORD) for _ in range(3)] == [True] * 3
        assert found.known("a", PASSWORD) is True and len(asked) == 1
        assert await found.check("stranger", PASSWORD) is False
        assert asked[-1].startswith("$2b$05$")
        assert [await found.check("b", "wrong") for _ in range(3)] == [False] * 3
        assert len(asked) == 3
        for n in range(MOST_KNOWN + 1):
            await found.check("b", f"wrong {n}")
        assert found.known("b", "wrong") is None and found.known("a", PASSWORD) is True

    asyncio.run(main())


def test_who_comes_while_many_wait_is_sent_away() -> None:
    go = threading.Event()

    async def main() -> None:
        found = Passwords(USERS, lambda *_: go.wait())
        waiting = [asyncio.create_task(found.check("prometheus", str(n))) for n in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await found.check("prometheus", "one more")
        go.set()
        assert await asyncio.gather(*waiting) == [True] * MOST_WAITING

    asyncio.run(main())


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_bcrypt_of_every_prefix_is_known_and_nothing_else_matches(prefix: str) -> None:
    hashed = HASHED.replace("$2b$", prefix)
    assert bcrypt_hash.matches(PASSWORD, hashed)
    for password in ("", PASSWORD + "x", PASSWORD[:-1], "\0", PASSWORD + "\0", "é", "\udcff"):
        assert not bcrypt_hash.matches(password, hashed), password
    assert not bcrypt_hash.matches(PASSWORD, bcrypt_hash.unmatched(4))
    assert [bcrypt_hash.cost_of(text) for text in (hashed, "", "$1$x", hashed + "=", hashed + "\n")] == [4] + [None] * 4


def test_what_has_not_changed_is_not_read_again(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    web = Web(way.folder / "web.yml")
    before = web.now
    assert web.refresh() == "" and web.now is before
    way.write(basic_auth_users={"other": HASHED})
    assert web.refresh() == "" and web.now is not before


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
