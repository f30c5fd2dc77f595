"""How an edge comes to a token by which the gateway takes its own points, and a CA it can trust."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lab.gateway import Gateway
from plugins.module_utils import credentials
from plugins.module_utils.gateway import Files
from plugins.module_utils.influxdb_api import Away, InfluxDB, keep_ca, read_ca
from plugins.module_utils.layout import Refused
from plugins.modules.influxdb_access import Access
from tests.cases import cases
from tests.cases.answering import Answering
from tests.plugins.influxdb_fake import Fake

BACKEND = "backend"
STRANGERS: list[dict[str, Any]] = [
    {"status": 200, "type": "text/html", "body": "<html>Welcome</html>"},
    {"status": 201},
    {"status": 302},
    {"status": 304},
]


@dataclass
class Store:
    """A real gateway before a fake InfluxDB; `files` are the ones on the store."""

    gateway: Gateway
    fake: Fake
    files: Files


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that was set up."""
    fake = Fake()
    wish = {"username": "seclyzer", "org": "seclyzer", "bucket": "behavioral_data"}
    fake.answer("POST", "/api/v2/setup", "", {}, {**wish, "retentionPeriodSeconds": 0, "token": BACKEND})
    folder = tmp_path / "gateway"
    folder.mkdir()
    gateway = Gateway(folder, fake.server.server_port, BACKEND)
    gateway.start()
    yield Store(gateway, fake, Files(folder))
    gateway.kill()
    fake.stop()


@pytest.fixture
def access(store: Store, tmp_path: Path) -> Access:
    where = tmp_path / "credentials/token"
    return Access(InfluxDB(store.gateway.url), "seclyzer", "behavioral_data", where, "edge1", dry=False)


def admitted(store: Store, token: str, edge: str = "edge1", host: str = "edge1") -> str:
    """As the module influxdb_token does it on the store."""
    store.files.admit_edge(edge, host, token)
    return token


def test_an_edge_takes_a_token_that_the_gateway_knows(store: Store, access: Access) -> None:
    assert access.look() == (False, "missing")
    assert access.take(admitted(store, "new")) == (True, "good")
    assert access.token_file.read_text() == "new\n"
    assert access.token_file.stat().st_mode & 0o777 == 0o600
    assert access.look() == (False, "good")


def test_a_token_that_the_gateway_does_not_know_is_not_written_down(access: Access) -> None:
    with pytest.raises(Refused, match="answers 401 to the token that this host was given"):
        access.take("nonsense")
    assert not access.token_file.exists()


def test_in_check_mode_a_token_that_was_given_is_sent_nowhere(store: Store, access: Access, tmp_path: Path) -> None:
    dry = Access(InfluxDB("https://127.0.0.1:9", dry=True), "o", "b", access.token_file, "edge1", dry=True)
    assert dry.take("given") == (True, "unknown")
    assert not access.token_file.exists()
    access.take(admitted(store, "given"))
    assert dry.take("given") == (False, "unknown")


def test_a_token_that_the_gateway_has_forgotten_or_that_may_not_write_is_refused(store: Store, access: Access) -> None:
    access.take(admitted(store, "old"))
    admitted(store, "new")
    store.gateway.reload()
    assert access.look() == (False, "refused")
    store.files.admit_reader("old")
    store.gateway.reload()
    assert access.look() == (False, "refused")


def test_a_host_that_calls_itself_otherwise_now_needs_another_token(store: Store, access: Access) -> None:
    access.take(admitted(store, "old"))
    assert replace(access, host="edge1-new").look() == (False, "renamed")


def test_an_influxdb_that_refuses_the_gateway_costs_no_edge_its_token(store: Store, access: Access) -> None:
    access.take(admitted(store, "good"))
    store.fake.authorizations.clear()
    with pytest.raises(Refused, match="does not answer this host: it answers 503"):
        access.look()


def test_a_token_that_others_could_read_is_closed(store: Store, access: Access) -> None:
    access.take(admitted(store, "new"))
    access.token_file.chmod(0o644)
    assert replace(access, dry=True).look() == (True, "good")
    assert access.look() == (True, "good")
    assert access.token_file.stat().st_mode & 0o777 == 0o600


def test_a_store_that_is_away_or_still_starting_is_named(store: Store, access: Access) -> None:
    access.take(admitted(store, "new"))
    store.fake.starting = 1
    with pytest.raises(Refused, match="does not answer this host: it answers 503"):
        access.look()
    store.gateway.kill()
    with pytest.raises(Refused, match=f"InfluxDB at {store.gateway.url} does not answer this host: .*refused"):
        access.look()


def test_looking_only_never_fails_for_a_store_that_is_not_there_yet(store: Store, access: Access) -> None:
    store.gateway.kill()
    look = replace(access, dry=True)
    assert look.look() == (True, "missing")
    access.token_file.parent.mkdir()
    access.token_file.write_text("x")
    assert look.look() == (True, "unknown")


def test_a_ca_is_put_where_it_was_not_or_differs(tmp_path: Path) -> None:
    path = tmp_path / "etc/ca.crt"
    assert keep_ca(path, "one\n", dry=True) and not path.exists()
    assert keep_ca(path, "one\n", dry=False) and path.read_text() == "one\n"
    assert not keep_ca(path, "one\n", dry=False)
    assert keep_ca(path, "two\n", dry=False) and path.read_text() == "two\n"
    assert not keep_ca(path, "", dry=False)


def test_a_ca_comes_from_a_text_or_a_file_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("remote")
    assert read_ca("", str(tmp_path / "ca.crt")) == "remote\n"
    assert read_ca("text\n\n", str(tmp_path / "ca.crt")) == "text\n"
    assert read_ca("", "") == ""
    with pytest.raises(Refused, match="influxdb_ca_remote names /nope"):
        read_ca("", "/nope")


def test_only_the_blocks_of_a_ca_are_kept_and_read_as_bytes(tmp_path: Path) -> None:
    block = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    noted = b"# f\xfcr Z\xc3\xbcrich\r\nCertificate:\n    Data: x\n" + block.replace("\n", "\r\n").encode()
    (tmp_path / "ca.crt").write_bytes(noted + b"# more:\n" + block.encode())
    assert read_ca("", str(tmp_path / "ca.crt")) == block * 2
    assert read_ca(noted.decode("utf-8", "surrogateescape"), "") == block


@pytest.mark.parametrize("case", STRANGERS, ids=str)
def test_what_answers_as_no_influxdb_does_is_a_wrong_address(case: dict[str, Any], tmp_path: Path) -> None:
    with Answering(case) as server:
        influxdb = InfluxDB(f"{server.url}/")
        wrong = "as no InfluxDB 2 does: check influxdb_url"
        for ask in (
            lambda: influxdb.writes_nothing("t", "o", "b"),
            lambda: influxdb.bucket("t", "o", "b"),
            lambda: influxdb.must("GET", "/api/v2/setup"),
            lambda: influxdb.stream("POST", "/api/v2/query", "t", {}),
        ):
            with pytest.raises(Refused, match=f"with {case['status']} {wrong}"):
                ask()
        with pytest.raises(Away, match=f"with {case['status']} {wrong}"):
            influxdb.wait(0)
        access = Access(influxdb, "seclyzer", "behavioral_data", tmp_path / "token", "edge1", dry=False)
        with pytest.raises(Refused, match=wrong):
            access.look()


@pytest.mark.parametrize("case", cases("secret_files"), ids=lambda case: case["name"])
def test_a_file_with_a_secret_is_judged_as_by_the_extractors(case: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(bytes.fromhex(case["hex"]))
    assert credentials.read_secret(path) == case.get("secret")
    if "secret" in case:
        assert credentials.read_provided(path) == case["secret"]
    else:
        with pytest.raises(Refused, match=f"^{path} {case['fault']}: allowed is one line of printable ASCII"):
            credentials.read_provided(path)


def test_a_ca_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="the CA for https://store:8086 cannot be read"):
        InfluxDB("https://store:8086", "nonsense\n")
