"""Doctor names each made fault and what to type, also alone when the agent is dead; a marked session; a bundle."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, on_every
from hostchecks.polling import poll
from hostchecks.systemd import AGENT, EDGE_SERVICES, wait_until_active

testinfra_hosts = ["ansible://seclyzer_edge"]

CREDENTIALS = "/etc/seclyzer/credentials"
CURRENT = "/opt/seclyzer/current"
UNIT = "/etc/systemd/system/seclyzer-mouse.service"
SETTINGS = f"{CURRENT}/config/mouse.yaml"
SEEN = "the agent's check units:state"
FOLLOW = 3  # extractors that are cut off from Redis
PID = "$(systemctl show -p MainPID --value redis-server)"


@dataclass(frozen=True)
class Fault:
    """How it is made and mended, the finding and subject that name it, and words that its sentence has."""

    begin: str
    end: str
    finding: str
    words: str
    subject: str = ""


def swap(path: str, by: str = "x" * 64) -> tuple[str, str]:
    """A file with another content, which keeps its owner and mode, and back."""
    return f"cp -p {path} {path}.kept; echo {by} > {path}", f"mv {path}.kept {path}"


REFUSED = "for i in $(seq 30); do redis-cli -s /run/redis/redis-server.sock --user collector --pass wrong PING; done"
FAULTS = {
    "redis is down": Fault(
        "systemctl stop redis-server",
        "systemctl start redis-server",
        "unit-down",
        "is inactive",
        "redis-server.service",
    ),
    "redis hangs": Fault(f"kill -STOP {PID}", f"kill -CONT {PID}", "redis-away", "it hangs", "redis"),
    "an extractor is down": Fault(
        "systemctl stop seclyzer-mouse",
        "systemctl start seclyzer-mouse",
        "unit-down",
        "is inactive",
        UNIT.rpartition("/")[2],
    ),
    "the store is out of reach": Fault(
        "systemctl stop seclyzer-store.socket seclyzer-store.service",
        "systemctl start seclyzer-store.socket seclyzer-store.service",
        "unit-down",
        "is inactive",
        "seclyzer-store.socket",
    ),
    "the token is another": Fault(*swap(f"{CREDENTIALS}/influx-write-token"), "store-token", "token"),
    "the agent's password is another": Fault(*swap(f"{CREDENTIALS}/redis-agent"), "agent-password", "agent in"),
    "a drop-in takes a limit away": Fault(
        "mkdir -p /run/systemd/system/seclyzer-mouse.service.d; printf '[Service]\\nMemoryMax=infinity\\n' > "
        "/run/systemd/system/seclyzer-mouse.service.d/limit.conf",
        "rm -r /run/systemd/system/seclyzer-mouse.service.d",
        "unit-changed",
        "limit.conf changes seclyzer-mouse.service",
    ),
    "a unit file was edited": Fault(
        f"cp -p {UNIT} {UNIT}.kept; echo '# edited' >> {UNIT}",
        f"mv {UNIT}.kept {UNIT}",
        "unit-edited",
        "seclyzer-mouse.service is not the deployment's",
    ),
    "a setting was edited": Fault(
        f"cp -p {SETTINGS} /root/kept; echo '# edited' >> {SETTINGS}",
        f"cp -p /root/kept {SETTINGS}; rm /root/kept",
        "settings-changed",
        "config/mouse.yaml is not what was deployed",
    ),
    "a file of the release was changed": Fault(
        "f=$(sed -n 's/^ExecStart=\\(\\S*\\) .*/\\1/p' " + UNIT + "); cp -p $f /root/kept; echo $f > /root/kept.name; "
        "cp $f $f.new; echo x >> $f.new; mv -f $f.new $f; chmod 555 $f",
        "mv -f /root/kept $(cat /root/kept.name); rm /root/kept.name",
        "release-changed",
        "mouse_extractor",
    ),
    "the manifest is damaged": Fault(*swap(f"{CURRENT}/manifest.json", "'{'"), "deployment", "is not JSON"),
    "a producer is refused": Fault(REFUSED, "true", "redis-refuses", "the user collector"),
}


def doctor(host: Host) -> dict[str, Any]:
    done = host.run("seclyzer doctor --json")
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"rc": done.rc}


def named(found: dict[str, Any], fault: Fault) -> list[dict[str, Any]]:
    return [
        one
        for one in found["findings"]
        if one["id"] == fault.finding and fault.subject in ("", one["componentId"]) and fault.words in _words(one)
    ]


def _words(one: dict[str, Any]) -> str:
    return " ".join([one["output"], *one["how"]])


@pytest.fixture(scope="session")
def alone() -> dict[str, dict[str, dict[str, Any]]]:
    """What doctor says of each fault, made one by one, while the agent is dead; by host and fault."""

    def make(edge: Host) -> dict[str, dict[str, Any]]:
        seen: dict[str, dict[str, Any]] = {}
        edge.check_output("systemctl stop seclyzer-agent.socket seclyzer-agent.service")
        try:
            for title, fault in FAULTS.items():
                edge.check_output(fault.begin)
                try:
                    seen[title] = doctor(edge)
                finally:
                    edge.check_output(fault.end)
                    wait_until_active(edge, [unit for unit in EDGE_SERVICES if unit != AGENT])
        finally:
            edge.check_output("systemctl start seclyzer-agent.socket seclyzer-agent.service")
        return seen

    return on_every(EDGES, make)


@pytest.mark.parametrize("title", FAULTS)
def test_the_fault_is_named_with_what_to_type_while_the_agent_is_dead(
    host: Host, title: str, alone: dict[str, dict[str, dict[str, Any]]]
) -> None:
    found = alone[name(host)][title]
    (one, *_) = named(found, FAULTS[title]) or [{}]
    assert one, found["findings"]
    assert one["command"] and one["how"] and one["runbook"].startswith("docs/runbook.md#")
    assert found["rc"] in (1, 2) and found["agent"] != "reports"


def test_the_dead_agent_is_named_as_well(host: Host, alone: dict[str, dict[str, dict[str, Any]]]) -> None:
    for found in alone[name(host)].values():
        assert ("unit-down", AGENT) in {(one["id"], one["componentId"]) for one in found["findings"]}


def _folded(found: dict[str, Any]) -> bool:
    """Whether the agent has seen the unit down, and what follows from it by now."""
    return any(SEEN in one["how"] and one["follows"] >= FOLLOW for one in found["findings"])


@pytest.fixture(scope="session")
def together() -> dict[str, dict[str, Any]]:
    """Redis is down, and the agent has seen it and what follows: what doctor says then, and when Redis is back."""

    def make(edge: Host) -> dict[str, Any]:
        wait_until_active(edge, EDGE_SERVICES)
        edge.check_output("systemctl stop redis-server")
        try:
            down = poll(lambda: doctor(edge), _folded, 120, 1)
        finally:
            edge.check_output("systemctl start redis-server")
        return {"down": down, "mended": poll(lambda: doctor(edge), lambda found: found["rc"] == 0, 120, 1)}

    return on_every(EDGES, make)


def test_what_the_agent_and_the_command_see_is_one_cause(host: Host, together: dict[str, dict[str, Any]]) -> None:
    down = together[name(host)]["down"]
    causes = [one for one in down["findings"] if one["status"] == "fail"]
    assert [(one["id"], one["componentId"]) for one in causes] == [("unit-down", "redis-server.service")]
    assert causes[0]["follows"] >= FOLLOW and SEEN in causes[0]["how"]


def test_all_is_well_when_it_is_mended(host: Host, together: dict[str, dict[str, Any]]) -> None:
    assert together[name(host)]["mended"]["findings"] == []


def test_a_marked_session_goes_through_and_touches_no_window(host: Host) -> None:
    before = _windows(host)
    done = host.run("seclyzer test-events --json")
    found = json.loads(done.stdout)
    assert done.rc == 0 and found["good"], found
    assert [stage["name"] for stage in found["stages"]][:2] == ["producer → Redis", "Redis → running extractors"]
    assert len(found["stages"]) == 5
    assert _windows(host) == before
    assert host.run("systemctl list-units --all --no-legend 'seclyzer-test-*'").stdout == ""


def _windows(host: Host) -> dict[str, list[int]]:
    """What the running extractors have counted, by kind."""
    found = json.loads(host.run("seclyzer status --json").stdout)["extractors"]
    return {kind: [of["events"], of["windows"], of["malformed"], of["late"]] for kind, of in found.items()}


def test_a_stage_that_fails_is_named_and_leaves_nothing_behind(host: Host) -> None:
    begin, end = swap(f"{CREDENTIALS}/redis-collector")
    host.check_output(begin)
    try:
        done = host.run("seclyzer test-events")
    finally:
        host.check_output(end)
    assert done.rc == 2 and "producer → Redis: WRONGPASS" in done.stderr, done.stderr
    assert host.run("systemctl list-units --all --no-legend 'seclyzer-test-*'").stdout == ""
    assert host.run("test -e /run/seclyzer-test").rc == 1


TITLE, KEY = "Planted-Divorce-Lawyer", "PlantedKey"
PLANT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from command.probes.redis import password
from plugins.module_utils.resp import Redis
now = time.time_ns() // 1000
with Redis("/run/redis/redis-server.sock", "collector", password("collector")) as redis:
    for i, app in enumerate(("PLAIN", "TITLE", "PLAIN")):
        event = '{"type": "app", "ts": %d, "app_name": "%s"}' % (now - 3000000 + i * 1000000, app)
        redis.call("XADD", "seclyzer:stream:app", "*", "e", event)
    key = '{"type": "keystroke", "ts": %d, "key": "KEY", "event": "press", "dev_mode": true}' % now
    redis.call("XADD", "seclyzer:stream:keystroke", "*", "e", key)
"""
FOUND = """
import glob, sys, tarfile
words = [word.encode() for word in sys.argv[2:]]
for path in glob.glob("/etc/seclyzer/credentials/*"):
    words.append(open(path, "rb").read().strip())
packed = tarfile.open(sys.argv[1])
print(len(packed.getnames()))
for member in packed:
    text = packed.extractfile(member).read()
    for word in words:
        if word in text:
            print(member.name, "has one")
"""


def test_a_support_bundle_has_no_secret_no_key_and_no_application(host: Host) -> None:
    lib = host.check_output("dirname $(ls -d /opt/seclyzer/releases/*/command/lib/command | tail -1)")
    plant = PLANT.replace("PLAIN", "seclyzer-test-a").replace("TITLE", TITLE).replace("KEY", KEY)
    host.check_output("python3 -IB -c %s %s", plant, lib)
    host.check_output("logger -t keystroke_extractor -- %s", f"redis_password={'ab12' * 16} focus on {TITLE}")
    transition = poll(
        lambda: host.run("grep -c . /var/lib/seclyzer/app/app-state.json; seclyzer status --json").stdout,
        lambda text: '"windows": 0' not in text.partition('"app"')[2],
        30,
    )
    assert transition
    host.check_output("rm -f /root/support.tar.gz")
    done = host.run("seclyzer support-bundle -o /root/support.tar.gz --json")
    assert done.rc == 0, done.stderr
    assert host.check_output("stat -c '%a %U' /root/support.tar.gz") == "600 root"
    lines = host.check_output("python3 -I -c %s /root/support.tar.gz %s %s", FOUND, TITLE, KEY).splitlines()
    assert int(lines[0]) > 25 and lines[1:] == []
    assert len(json.loads(done.stdout)["members"]) == int(lines[0]) - 1
    assert host.run("seclyzer support-bundle -o /root/support.tar.gz").rc == 3
