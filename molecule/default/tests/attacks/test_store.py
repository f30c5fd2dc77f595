"""A stolen edge against the store: with its real credential it can write its own points, and nothing else."""

import base64
import gzip
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, INVENTORY, ROOT, hosts
from hostchecks.systemd import EXTRACTORS, GATEWAY, main_pids

testinfra_hosts = ["ansible://seclyzer_edge"]

PLACE = "org=seclyzer&bucket=behavioral_data"
WRITE = f"/api/v2/write?{PLACE}&precision=us"
STORE = "seclyzer_store"
EVER = {"start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z"}
EVERYTHING = json.dumps({**EVER, "predicate": 'host="@other@"'})
HOUR = json.dumps({"retentionRules": [{"type": "expire", "everySeconds": 3600}]})
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Attack:
    """A request and its status. `@other@` is another edge, `@own@` the one that was stolen, `@bucket@` the id."""

    status: int
    method: str = "POST"
    path: str = WRITE
    body: str | bytes = ""
    headers: tuple[tuple[str, str], ...] = ()
    raw: str = ""


def line(host: str, more: str = "") -> str:
    return f"keystroke_features,device_id=d,host={host}{more},user_id=an-attack dwell_mean=2 1"


FLOOD = "\n".join(f"keystroke_features,host=@own@,user_id=an-attack{n} dwell_mean=1 1" for n in range(20_000))
ATTACKS = {
    "delete another's points": Attack(404, path=f"/api/v2/delete?{PLACE}", body=EVERYTHING, headers=(*JSON.items(),)),
    "delete, encoded": Attack(404, path=f"/api/v2/%64elete?{PLACE}", body=EVERYTHING, headers=(*JSON.items(),)),
    "delete, by way of write": Attack(404, path=f"/api/v2/write/../delete?{PLACE}", body=EVERYTHING),
    "delete, doubled slashes": Attack(404, path=f"//api/v2//delete?{PLACE}", body=EVERYTHING),
    "delete the bucket": Attack(404, "DELETE", "/api/v2/buckets/@bucket@"),
    "shorten the retention": Attack(404, "PATCH", "/api/v2/buckets/@bucket@", HOUR, (*JSON.items(),)),
    "ask": Attack(403, path="/api/v2/query?org=seclyzer", body='from(bucket: "behavioral_data") |> range(start: -1h)'),
    "list tokens": Attack(404, "GET", "/api/v2/authorizations"),
    "another's host": Attack(403, body=line("@other@")),
    "another's host, packed": Attack(
        403, body=gzip.compress(b"keystroke_features,host=nobody x=1 1"), headers=(("Content-Encoding", "gzip"),)
    ),
    "host twice": Attack(403, body=line("@own@", ",host=@other@")),
    "host behind escapes": Attack(400, body="keystroke_features,a=b\\\\,host=@own@,host=@other@ dwell_mean=1 1"),
    "host behind a quoted newline": Attack(400, body=f'keystroke_features,host=@own@ a="\n{line("@other@")}\n" 1'),
    "another measurement": Attack(403, body="cpu,host=@own@ value=1"),
    "another bucket": Attack(404, path="/api/v2/write?org=seclyzer&bucket=_monitoring", body=line("@own@")),
    "20,000 series": Attack(403, body=FLOOD),
    "5 MiB": Attack(413, body=b"\n" * (5 << 20)),
    "64 MiB packed": Attack(413, body=gzip.compress(b"\n" * (64 << 20)), headers=(("Content-Encoding", "gzip"),)),
    "another method": Attack(403, "DELETE", WRITE, line("@own@")),
    "no credential": Attack(401, body=line("@own@"), headers=(("Authorization", ""),)),
    "a made-up credential": Attack(401, body=line("@own@"), headers=(("Authorization", "Token " + "0" * 64),)),
    "two lengths": Attack(
        400, raw=f"POST {WRITE} HTTP/1.1\r\nHost: s\r\nAuthorization: Token @token@\r\nContent-Length: 4\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nDELETE /api/v2/buckets/@bucket@ HTTP/1.1\r\n\r\n"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Host:
    """The store's host."""
    (found,) = hosts(STORE)
    return found


@pytest.fixture(scope="module")
def standing(store: Host) -> Iterator[dict[str, Any]]:
    """What stands in the store before the attacks: a point of each edge, the bucket, the tokens."""
    edges = [name(host) for host in hosts(EDGES)]
    run_on(store, "planted", do="add", hosts=edges, at=time.time_ns() // 1000 - 60_000_000)
    try:
        yield run_on(store, "planted", do="look", hosts=edges)
    finally:
        run_on(store, "planted", do="remove", hosts=edges)


@cache
def outcomes(host: Host, bucket: str) -> dict[str, int]:
    """The status of every attack from this edge."""
    own = name(host)
    other = next(name(one) for one in hosts(EDGES) if name(one) != own)

    def filled(text: str | bytes) -> bytes:
        data = text.encode() if isinstance(text, str) else text
        for mark, value in (("@own@", own), ("@other@", other), ("@bucket@", bucket)):
            data = data.replace(mark.encode(), value.encode())
        return data

    requests = [
        {"raw": base64.b64encode(filled(one.raw)).decode()}
        if one.raw
        else {
            "method": one.method,
            "path": filled(one.path).decode(),
            "body": base64.b64encode(filled(one.body)).decode(),
            "headers": dict(one.headers),
        }
        for one in ATTACKS.values()
    ]
    return dict(zip(ATTACKS, run_on(host, "thief", requests=requests), strict=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_refused(host: Host, standing: dict[str, Any], attack: str) -> None:
    assert outcomes(host, standing["buckets"][0][0])[attack] == ATTACKS[attack].status


def test_after_all_of_them_everything_stands(host: Host, store: Host, standing: dict[str, Any]) -> None:
    outcomes(host, standing["buckets"][0][0])
    assert set(standing["points"].values()) == {1}
    assert run_on(store, "planted", do="look", hosts=list(standing["points"])) == standing


def test_no_token_by_which_an_edge_writes_itself_is_left(standing: dict[str, Any]) -> None:
    assert standing["tokens"] == ["seclyzer gateway write", "seclyzer read", "seclyzer's Token"]


def test_its_own_points_are_taken(host: Host) -> None:
    """Nothing, which is no point: the credential is good."""
    assert run_on(host, "thief", requests=[{"method": "POST", "path": WRITE}]) == [204]


def test_the_gateway_alone_is_reached_and_by_tls_1_3_alone(host: Host) -> None:
    doors = [{"port": 8086, "tls": "TLSv1_3"}, {"port": 8086, "tls": "TLSv1_2"}, {"port": 8087}]
    found = run_on(host, "thief", requests=doors)
    assert found[0] == "open"
    assert found[1] != "open"
    assert found[2] == "ConnectionRefusedError"


@pytest.mark.parametrize("edge", [name(host) for host in hosts(EDGES)][:1])
def test_a_revoked_edge_is_out_at_once_and_stays_out_and_others_notice_nothing(store: Host, edge: str) -> None:
    """By the role's own module; what it wrote is put back, so that the hosts are as they were."""
    mine, other = (host for host in hosts(EDGES)[:2])
    before = main_pids(store, [GATEWAY]), main_pids(other, list(EXTRACTORS.values()))
    nothing = [{"method": "POST", "path": WRITE}]
    store.check_output("cp -a /etc/seclyzer/gateway /root/gateway-before")
    try:
        assert revoke(edge)["revoked"] == [edge]
        assert run_on(mine, "thief", requests=nothing) == [401]
        assert run_on(other, "thief", requests=nothing) == [204]
        assert revoke()["revoked"] == [edge], "a run that does not name it"
        made = ansible("seclyzer.edge.influxdb_token", {"name": edge, "host": edge})
        assert f"{edge} was revoked" in made["msg"]
        assert run_on(mine, "thief", requests=nothing) == [401]
        assert (main_pids(store, [GATEWAY]), main_pids(other, list(EXTRACTORS.values()))) == before
    finally:
        store.check_output(
            "rm -f /etc/seclyzer/gateway/revoked; cp -a /root/gateway-before/. /etc/seclyzer/gateway/;"
            " rm -rf /root/gateway-before; systemctl reload influxdb-gateway"
        )
    time.sleep(1)
    assert run_on(mine, "thief", requests=nothing) == [204]


def revoke(*edges: str) -> Any:
    """What the module answers."""
    place = {"url": "https://store:8086", "ca_remote": "/etc/seclyzer/influx-ca.crt"}
    return ansible("seclyzer.edge.influxdb_gateway", place | {"revoked": list(edges)})


def ansible(module: str, arguments: dict[str, Any]) -> Any:
    """The result of a module on the store."""
    done = subprocess.run(
        ["ansible", "-i", str(INVENTORY), STORE, "-m", module, "-a", json.dumps(arguments)],
        cwd=ROOT,
        env=os.environ
        | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
        | {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(done.stdout.partition("=>")[2])
