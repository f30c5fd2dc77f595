"""What doctor looks at by itself, on real parts: a Redis, a store behind TLS, folders; each fault by its cause."""

import hashlib
import shutil
import signal
import socketserver
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

import pytest

from command.host import Host
from command.probes import deployment, extractors, redis, store
from command.probes.seen import Seen
from command.probes.units import judge_now
from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Layout
from seclyzer_agent.model import Status
from seclyzer_agent.stats import FIELDS, parse
from seclyzer_agent.unit import Unit, parse_show
from tests.helpers.redis_server import RedisServer
from tests.helpers.serving import running

PASSWORDS = {"agent": "a" * 64, "admin": "b" * 64}


def known(base: Path, **facts: Any) -> Host:
    """An edge of which root looks at these facts."""
    host = Host(Layout(base=base / "opt", units=base / "units"), "edge1")
    vars(host).update({"is_root": True, "is_edge": True, "is_store": False, "probes": {}} | facts)
    return host


def wrong(seen: Iterator[Seen]) -> list[tuple[str, str, str]]:
    return [(s.entry.measurement, s.entry.finding, s.entry.output) for s in seen if s.entry.status is not Status.PASS]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    rules = [f"user {user} on >{password} ~* &* +@all" for user, password in PASSWORDS.items()]
    (tmp_path / "users.acl").write_text("\n".join(["user default on nopass ~* &* +@all", *rules]) + "\n")
    made = RedisServer(tmp_path, "--aclfile", str(tmp_path / "users.acl"), "--maxmemory", "10mb")
    for user, password in PASSWORDS.items():
        (tmp_path / f"redis-{user}").write_text(f"{password}\n")
    monkeypatch.setattr(redis, "FOLDER", tmp_path)
    with made:
        yield made


def look(server: RedisServer, tmp_path: Path) -> list[tuple[str, str, str]]:
    return wrong(redis.look(known(tmp_path, redis_socket=str(server.socket))))


def test_a_redis_that_is_well_is_well(server: RedisServer, tmp_path: Path) -> None:
    assert look(server, tmp_path) == []


def test_a_redis_that_does_not_run_or_hangs_says_so(server: RedisServer, tmp_path: Path) -> None:
    server.signal(signal.SIGSTOP)
    (found,) = look(server, tmp_path)
    assert found[0] == "responseTime" and "(it hangs)" in found[2]
    server.signal(signal.SIGCONT)
    server.kill()
    (found,) = look(server, tmp_path)
    assert "(it does not run)" in found[2]


def test_a_password_that_is_another_is_the_cause(server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "redis-agent").write_text("c" * 64 + "\n")
    found = look(server, tmp_path)
    assert ("responseTime", "agent-password") in [one[:2] for one in found]
    assert any("WRONGPASS" in one[2] for one in found)


def test_a_full_redis_says_that_it_takes_no_more(server: RedisServer, tmp_path: Path) -> None:
    client = server.client()
    client.config_set("maxmemory", int(1.02 * client.info("memory")["used_memory"]))
    (found,) = look(server, tmp_path)
    assert found[0] == "memory" and "at the limit it takes no events and no features" in found[2]


def test_who_was_refused_is_named(server: RedisServer, tmp_path: Path) -> None:
    client = server.client()
    for _ in range(5):
        with pytest.raises(Exception, match="invalid username-password"):
            client.execute_command("AUTH", "agent", "wrong")
    (found,) = look(server, tmp_path)
    assert found[0] == "refusals" and "the user agent 5 times (password)" in found[2]


def test_a_redis_that_writes_to_a_disk_is_broken(server: RedisServer, tmp_path: Path) -> None:
    server.client().config_set("appendonly", "yes")
    assert ("persistence", "", "Redis appends every write to a file") in look(server, tmp_path)


def stats(**more: str) -> dict[str, str]:
    values = {field.name: "0" if field.type != "label" else "" for field in FIELDS}
    return values | {"implementation": "rust", "version": "0.1.0", "last_id": "0-0", "pid": "5"} | more


def of(kind: str, raw: dict[str, str], text: str = "reading events") -> list[tuple[str, str, str]]:
    return wrong(extractors.of(kind, parse(raw), {"implementations": {kind: "rust"}}, text, 1_790_000_000.0))


@pytest.mark.parametrize(
    ("fault", "finding"),
    [("401", "store-token"), ("404", "store-bucket"), ("500", "store-full"), ("unreachable", "store-away")],
)
def test_why_the_store_takes_no_points_is_the_extractors_own_word(fault: str, finding: str) -> None:
    found = of("mouse", stats(influxdb_fault=fault, influxdb_reason="so it is", influxdb_since="5"))
    assert [(one[0], one[1]) for one in found] == [("store", finding)]


def test_a_spool_that_cannot_be_written_and_an_extractor_that_is_another() -> None:
    sick = stats(
        influxdb_fault="500", influxdb_reason="full", influxdb_since="5", spool_reason="No space left on device"
    )
    assert ("spool", "spool-unwritable") in [one[:2] for one in of("mouse", sick)]
    assert "the python implementation runs, not the rust one" in of("mouse", stats(implementation="python"))[0][2]
    assert "waiting for Redis: WRONGPASS" in of("mouse", stats(), "waiting for Redis: WRONGPASS")[0][2]
    assert "no heartbeat" in of("app", {})[0][2]
    assert of("app", stats()) == []


UNITS = dict.fromkeys(("seclyzer-keystroke.service", "seclyzer-mouse.service"), "")


def away(server: RedisServer, base: Path, limit: str = "", **facts: Any) -> list[Any]:
    """What doctor finds of a store that is away, and of the spools of an edge, by status, finding and words."""
    config = base / "opt" / "current" / "config"
    config.mkdir(parents=True, exist_ok=True)
    for kind in ("keystroke", "mouse"):
        (config / f"{kind}.yaml").write_text(f'influx_org: "seclyzer"\n{limit}\n')
    where = {"influx_url": "http://store:8086", "influx_socket": str(base / "none.sock")}
    host = known(base, probes=where, units=UNITS, redis_socket=str(server.socket), **facts)
    seen = [*extractors.look(host), *store.look(host)]
    return [(one.entry.status, one.entry.finding, one.entry.output) for one in seen if one.entry.status]


def report(server: RedisServer, spool: int, kinds: tuple[str, ...] = ("keystroke", "mouse"), **more: str) -> None:
    for kind in kinds:
        server.client().hset(f"seclyzer:stats:{kind}", mapping=stats(spool_bytes=str(spool), **more))


def test_a_store_that_is_away_is_a_warning_while_the_spools_keep_every_point(
    server: RedisServer, tmp_path: Path
) -> None:
    report(server, 1 << 20)
    (found,) = [one for one in away(server, tmp_path) if one[1] == "store-away"]
    assert found[0] is Status.WARN
    assert found[2].endswith("No such file or directory; no point is lost: 2.0 MiB of points are in the spool")


@pytest.mark.parametrize("broken", ["full", "no spool", "cannot be written", "one is not known"])
def test_a_store_that_is_away_is_a_failure_where_points_are_lost_or_it_is_not_known(
    broken: str, server: RedisServer, tmp_path: Path
) -> None:
    report(server, 64 << 20 if broken == "full" else 0, ("keystroke",) if broken == "one is not known" else (*KINDS,))
    if broken == "cannot be written":
        report(server, 0, influxdb_fault="unreachable", spool_reason="Read-only file system")
    limit = "spool_bytes: 0" if broken == "no spool" else ""
    (found,) = [one for one in away(server, tmp_path, limit) if one[2].startswith("the store cannot be reached")]
    assert found[0] is Status.FAIL and "no point is lost" not in found[2]


def test_a_store_that_is_away_from_itself_is_a_failure(server: RedisServer, tmp_path: Path) -> None:
    report(server, 0)
    (found,) = [one for one in away(server, tmp_path, is_store=True) if one[1] == "store-away"]
    assert found[0] is Status.FAIL


def test_a_spool_is_full_at_the_limit_that_was_deployed(server: RedisServer, tmp_path: Path) -> None:
    report(server, 100 << 20, ("mouse",))
    for limit, words in (
        ("spool_bytes: 1073741824", "mouse: 100.0 MiB of points wait on disk for InfluxDB, at most 1024.0 MiB may"),
        ("", "mouse: the spool is full, its oldest points go: 100.0 MiB of 64.0 MiB"),
    ):
        assert words in [one[2] for one in away(server, tmp_path, limit)]


def unit(**more: Any) -> Unit:
    """A unit that systemd has restarted five times, the last time 30 s before the moment 1000."""
    text = "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=5\nMainPID=7"
    return replace(parse_show(text, ("x.service",))["x.service"], **({"main_started": 970.0} | more))


def test_a_restart_just_now_is_a_warning_without_a_count_that_one_look_cannot_know() -> None:
    entry = judge_now(unit(), 1000.0)
    assert (entry.status, entry.finding) == (Status.WARN, "unit-restarts")
    assert entry.output == "x.service runs, but systemd restarted it 30 s ago"


def test_restarts_of_before_are_over_by_one_look() -> None:
    assert judge_now(unit(main_started=900.0), 1000.0).status is Status.PASS
    assert judge_now(unit(restarts=0), 1000.0).status is Status.PASS


def test_a_unit_that_waits_for_its_next_restart_or_is_down_is_a_failure_by_one_look() -> None:
    waits = judge_now(unit(active="activating", sub="auto-restart", main_pid=0, result="signal"), 1000.0)
    assert (waits.status, waits.finding) == (Status.FAIL, "unit-restarts")
    assert waits.output == "x.service has stopped (Result=signal) and waits for its restart"
    down = judge_now(unit(active="failed", sub="failed", main_pid=0), 1000.0)
    assert (down.status, down.finding, down.output) == (Status.FAIL, "", "x.service is failed")


def certificates(folder: Path) -> None:
    """A CA, and a certificate of `store` that is good, and one that has expired."""
    run = """
    set -e; new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    $new -x509 -subj /CN=ca -keyout ca.key -out ca.crt -days 2 -addext basicConstraints=critical,CA:TRUE
    printf 'subjectAltName=DNS:store\\n' > leaf.ext
    $new -subj /CN=store -keyout leaf.key -out leaf.csr
    openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 40 -extfile leaf.ext -out good.crt
    touch index.txt; echo 01 > serial
    printf '%s\\n' '[ca]' default_ca=d '[d]' database=index.txt serial=serial new_certs_dir=. default_md=sha256 \
        policy=p '[p]' commonName=supplied > ca.cnf
    openssl ca -batch -config ca.cnf -in leaf.csr -cert ca.crt -keyfile ca.key -extfile leaf.ext \
        -startdate 20200101000000Z -enddate 20200201000000Z -out expired.crt -notext
    """
    subprocess.run(["bash", "-c", run], cwd=folder, check=True, capture_output=True)


class Answer(BaseHTTPRequestHandler):
    """A store as the gateway answers: healthy, and with this status to a write."""

    status = 204

    def do_GET(self) -> None:
        self._answer(200, b'{"name":"influxdb","status":"pass"}')

    def do_POST(self) -> None:
        self._answer(self.status, b"" if self.status == 204 else b'{"code":"x","message":"so it is"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""

    def address_string(self) -> str:
        return "a socket"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    certificates(folder)
    return folder


@pytest.fixture
def shown(tmp_path: Path, pki: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, str, str]]]:
    """What doctor finds of a store that shows this certificate and answers a write with this status."""
    monkeypatch.setattr(store, "TOKEN", tmp_path / "token")
    (tmp_path / "token").write_text("t" * 64 + "\n")

    def see(certificate: str = "good", status: int = 204, ca: str = "ca") -> list[tuple[str, str, str]]:
        path = tmp_path / "influx.sock"
        where = {
            "influx_url": "https://store:8086",
            "influx_socket": str(path),
            "influx_ca_file": str(pki / f"{ca}.crt"),
        }

        with serving(path, pki / f"{certificate}.crt", pki / "leaf.key", status):
            return wrong(store.look(known(tmp_path, probes=where)))

    return see


@contextmanager
def serving(path: Path, certificate: Path, key: Path, status: int) -> Iterator[None]:
    path.unlink(missing_ok=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = type("Of", (Answer,), {"status": status})

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def get_request(self) -> Any:
            plain, address = super().get_request()
            return context.wrap_socket(cast(Any, plain), server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: Any) -> None:
            """A client that does not trust us leaves."""

    with running(Server(str(path), handler)):
        yield


def test_a_store_that_takes_writes_is_well(shown: Callable[..., list[tuple[str, str, str]]]) -> None:
    assert [one for one in shown() if one[0] != "authority"] == []


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (401, "store-token"),
        (403, "store-token"),
        (404, "store-bucket"),
        (429, "store-away"),
        (500, "store-full"),
        (503, "store-away"),
        (302, "store-wrong"),
    ],
)
def test_a_write_that_is_refused_has_its_cause(
    status: int, finding: str, shown: Callable[..., list[tuple[str, str, str]]]
) -> None:
    found = [one for one in shown(status=status) if one[0] == "responseTime"]
    assert [one[1] for one in found] == [finding] and str(status) in found[0][2]


def test_a_store_that_cannot_take_a_write_is_reported_with_its_own_words(
    shown: Callable[..., list[tuple[str, str, str]]],
) -> None:
    (words,) = [one[2] for one in shown(status=503) if one[0] == "responseTime"]
    assert words == "a write into seclyzer/behavioral_data is refused: it answers 503, so it is"


def test_an_expired_certificate_is_the_cause_and_its_date_is_named(
    shown: Callable[..., list[tuple[str, str, str]]],
) -> None:
    found = {one[0]: one for one in shown("expired")}
    assert found["server"][2] == "the certificate of store expired on 2020-02-01 00:00 UTC"
    assert found["responseTime"][1] == "store-untrusted" and "expired" in found["responseTime"][2]


def test_another_ca_is_untrusted(shown: Callable[..., list[tuple[str, str, str]]]) -> None:
    (found,) = [one for one in shown(ca="good") if one[0] == "responseTime"]
    assert found[1] == "store-untrusted"


def test_a_socket_that_no_one_listens_at_is_away(tmp_path: Path) -> None:
    where = {"influx_url": "http://store:8086", "influx_socket": str(tmp_path / "none.sock")}
    (found,) = wrong(store.look(known(tmp_path, probes=where)))
    assert found[1] == "store-away" and "No such file or directory" in found[2]


def test_a_setting_that_was_edited_is_named_though_the_agent_is_dead(tmp_path: Path) -> None:
    layout = Layout(base=tmp_path / "opt", units=tmp_path / "units")
    for folder in ("units", "config"):
        (layout.deployments / "1" / folder).mkdir(parents=True)
    layout.current.symlink_to("deployments/1")
    digest = hashlib.sha256(b"window: 5\n").hexdigest()
    unit = f"# settings: sha256:{digest}\nExecStart=/bin/x --config /opt/seclyzer/current/config/mouse.yaml\n"
    (layout.current / "units" / "seclyzer-mouse.service").write_text(unit)
    (layout.current / "config" / "mouse.yaml").write_text("window: 5\n")
    (layout.current / "manifest.json").write_text("{}")

    def found() -> list[str]:
        return [one[2] for one in wrong(deployment.look(Host(layout, "edge1"))) if one[0] == "settings"]

    assert found() == []
    (layout.current / "config" / "mouse.yaml").write_text("window: 6\n")
    assert [words.partition(";")[0] for words in found()] == ["config/mouse.yaml is not what was deployed"]


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "is missing: nothing was deployed here"), ("{", "is not JSON"), ("[]", "is not a JSON object")],
)
def test_a_deployment_that_is_gone_or_damaged_is_named(text: str | None, words: str, tmp_path: Path) -> None:
    layout = Layout(base=tmp_path / "opt", units=tmp_path / "units")
    (layout.deployments / "1").mkdir(parents=True)
    layout.current.symlink_to("deployments/1")
    if text is not None:
        (layout.deployments / "1" / "manifest.json").write_text(text)
    (found,) = wrong(deployment.look(Host(layout, "edge1")))
    assert words in found[2]
    shutil.rmtree(layout.base)
