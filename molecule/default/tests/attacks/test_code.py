"""Code that was changed on a host is found, named, mended, and runs no more; a forged bundle brings nothing."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostchecks import deployment
from hostchecks.host import Host, name, run_on
from hostchecks.lab import INVENTORY, ROOT, hosts
from hostchecks.rollout import Run, roll_out
from hostchecks.systemd import AGENT, EXTRACTORS, main_pids, wait_until_active

from scripts.bundle import signing

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

# What is done to each host. The first runs what was changed; the others would, at their next start.
TAMPERING = {"edge1": ["program"], "edge2": ["package", "config"], "store": ["listed"]}
Change = Callable[[Path], None]
OWNED = "/etc/cron.d/seclyzer-owned"
LOGIN_TMP = "find /home/*/.ansible/tmp /root/.ansible/tmp -mindepth 1 2>/dev/null || true"


@dataclass
class Attacked:
    """What was changed on each host, what its agent reported of that, and two runs of site.yml after it."""

    changed: dict[str, list[str]] = field(default_factory=dict)
    agent: dict[str, str] = field(default_factory=dict)
    before: dict[str, dict[str, int]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)


def units(host: Host) -> list[str]:
    """The services that run from a release on this host."""
    return [AGENT] if name(host) == "store" else [*EXTRACTORS.values(), AGENT]


def everywhere() -> list[Host]:
    return [*hosts("seclyzer_edge"), *hosts("seclyzer_store")]


@pytest.fixture(scope="session")
def attacked() -> Attacked:
    found = Attacked()
    for host in everywhere():
        host.check_output("rm -rf /home/*/.ansible/tmp/*")
        release = deployment.release(host)
        found.changed[name(host)] = [run_on(host, "tampering", how=how) for how in TAMPERING[name(host)]]
        found.before[name(host)] = main_pids(host, units(host))
        # As the agent's own user: what it may read is enough to tell.
        program = f"{release}/venv/bin/seclyzer_agent"
        asked = f"runuser -u seclyzer-agent -- {program} --config {deployment.HOME}/current/config/agent.yaml --compare"
        done = host.run(asked)
        found.agent[name(host)] = f"{done.rc} {done.stdout}"
    found.runs = [roll_out(), roll_out()]
    return found


def test_the_agent_names_what_was_changed_in_the_release(host: Host, attacked: Attacked) -> None:
    output = attacked.agent[name(host)]
    reported = attacked.changed[name(host)][0] if name(host) != "store" else "checksums/python3.11.sha256"
    assert output.startswith("1 ") and reported in output


def test_the_rollout_mends_names_and_restarts(host: Host, attacked: Attacked) -> None:
    first = attacked.runs[0]
    assert first.status == 0, first.text
    line = first.line(name(host))
    assert "was damaged: " in line and "; mended; " in line and "restarted agent" in line
    assert [path for path in attacked.changed[name(host)] if path not in line] == []


def test_what_ran_before_runs_no_more(host: Host, attacked: Attacked) -> None:
    wait_until_active(host, units(host))
    now, before = main_pids(host, units(host)), attacked.before[name(host)]
    assert [unit for unit in before if now[unit] == before[unit] or not now[unit]] == []


def test_the_program_that_runs_is_the_one_that_was_packed(host: Host, attacked: Attacked) -> None:
    release = deployment.release(host)
    assert host.run("cd %s && sha256sum --quiet --check checksums/*.sha256", release).rc == 0
    if name(host) == "edge1":
        pid = main_pids(host, [EXTRACTORS["keystroke"]])[EXTRACTORS["keystroke"]]
        runs, packed = host.check_output(f"sha256sum /proc/{pid}/exe {release}/bin/keystroke_extractor").splitlines()
        assert runs.split()[0] == packed.split()[0]


def test_the_next_run_has_nothing_to_do(host: Host, attacked: Attacked) -> None:
    assert attacked.runs[1].status == 0
    assert attacked.runs[1].line(name(host)).endswith("[nothing to do]")
    assert attacked.runs[1].changed == []


def test_nothing_that_was_added_is_left(host: Host, attacked: Attacked) -> None:
    assert host.check_output("find %s -name '*zz_attack*'", deployment.HOME) == ""
    assert host.run(f"grep -rl '# changed' {deployment.HOME}/deployments").stdout == ""


def test_no_folder_is_left_where_archives_were_sent(host: Host, attacked: Attacked) -> None:
    assert host.check_output(LOGIN_TMP) == ""


def test_no_other_user_reads_configuration_history_or_what_runs(host: Host) -> None:
    home = deployment.HOME
    files = host.check_output(f"ls -d {home}/history.json {home}/.lock {home}/deployments/*/manifest.json").split()
    files += host.check_output(f"ls -d {home}/deployments/*/config/*").split()
    assert len(files) > 3
    assert host.run(f"runuser -u nobody -- cat {' '.join(files)} 2>/dev/null").stdout == ""
    held = host.run(f"runuser -u nobody -- flock --nonblock {home}/.lock true")
    assert held.rc != 0 and "ermission denied" in held.stderr  # who could hold it would keep every rollout waiting


def test_each_service_reads_its_own_configuration_only(host: Host) -> None:
    config = f"{deployment.HOME}/current/config"
    kinds = [path.removesuffix(".yaml") for path in host.check_output(f"ls {config}").split()]
    for kind in kinds:
        readable = [one for one in kinds if host.run(f"runuser -u seclyzer-{kind} -- cat {config}/{one}.yaml").rc == 0]
        assert readable == [kind]


def forged(folder: Path) -> Path:
    """The lab's bundle with a link to /etc/cron.d in an archive, and a file through it; all papers agree."""
    honest = ROOT / "build" / "bundle"
    manifest: dict[str, Any] = json.loads((honest / "manifest.json").read_text())
    release = manifest["release"].rpartition("-")[0] + "-" + "f0" * 6
    job = b"* * * * * root touch /run/seclyzer-owned\n"
    with tarfile.open(honest / "common.tar.gz") as old, tarfile.open(folder / "common.tar.gz", "w:gz") as new:
        for entry in old:
            data = old.extractfile(entry) if entry.isreg() else None
            content = data.read() if data else b""
            if entry.name == "checksums/common.sha256":
                content += f"{hashlib.sha256(job).hexdigest()}  vectors/esc/seclyzer-owned\n".encode()
                entry.size = len(content)
                manifest["archives"]["common"]["list"] = hashlib.sha256(content).hexdigest()
            new.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("vectors/esc")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/cron.d"
        new.addfile(link)
        owned = tarfile.TarInfo("vectors/esc/seclyzer-owned")
        owned.size = len(job)
        new.addfile(owned, io.BytesIO(job))
    manifest["release"] = release
    manifest["archives"]["common"]["sha256"] = digest(folder / "common.tar.gz")
    manifest["archives"]["common"]["unpacked"] += 1 << 20
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for archive in honest.glob("python*.tar.gz"):
        (folder / archive.name).symlink_to(archive)
    (folder / "SHA256SUMS").write_text("".join(f"{digest(path)}  {path.name}\n" for path in sorted(folder.iterdir())))
    signing.ensure(folder, signing.own())  # as who has the key could
    return folder


def unsigned(folder: Path) -> None:
    (folder / "SHA256SUMS.sig").unlink()


def by_another(folder: Path) -> None:
    """Signed by a key that is not trusted."""
    run = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder.parent / "thief")]
    subprocess.run(run, check=True)
    signing.ensure(folder, folder.parent / "thief")


def altered(folder: Path) -> None:
    """SHA256SUMS that agree with another manifest."""
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    sums = (folder / "SHA256SUMS").read_text().splitlines(True)
    (folder / "SHA256SUMS").write_text(f"{digest(manifest)}  {manifest.name}\n" + "".join(sums[1:]))


def cut_short(folder: Path) -> None:
    archive = folder / "common.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1])


NO_BUNDLE: dict[Change, str] = {
    unsigned: "the bundle is not signed: `make bundle` signs it",
    by_another: "which seclyzer_release_signers does not name",
    altered: "the bundle's signature is not one of its SHA256SUMS",
    cut_short: "common.tar.gz is not the archive its manifest describes",
}


@pytest.mark.parametrize("change", NO_BUNDLE, ids=lambda change: str(change.__name__))
def test_a_bundle_that_was_not_signed_so_is_refused_before_any_host_is_reached(tmp_path: Path, change: Change) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(ROOT / "build" / "bundle", folder)
    change(folder)
    run = roll_out("-e", f"seclyzer_bundle={folder}", "--limit", "edge1")
    assert run.status != 0 and "Nothing was changed." in run.text
    assert NO_BUNDLE[change] in run.text and "Read what the host is" not in run.text


def test_an_unsigned_bundle_is_accepted_on_request_and_the_report_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(ROOT / "build" / "bundle", folder)
    unsigned(folder)
    typed = ["-e", f"seclyzer_bundle={folder}", "-e", '{"seclyzer_release_allow_unsigned": true}']
    run = roll_out(*typed, "--limit", "edge1", "--tags", "preflight")
    assert run.status == 0, run.text
    assert "the bundle is not signed: seclyzer_release_allow_unsigned accepts it" in run.text


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class Forgery:
    """What came of the forged bundle: a run of site.yml, and the module on the host, asked without preflight."""

    run: Run
    module: str


@pytest.fixture(scope="session")
def forgery(tmp_path_factory: pytest.TempPathFactory, attacked: Attacked) -> Iterator[Forgery]:
    (host,) = [host for host in everywhere() if name(host) == "edge1"]
    folder = forged(tmp_path_factory.mktemp("forged"))
    run = roll_out("-e", f"seclyzer_bundle={folder}", "--limit", name(host))
    arguments = {"state": "staged", "bundle": str(folder), "mode": "rust", "by": "an attack"}
    done = subprocess.run(
        [
            "ansible",
            "-i",
            INVENTORY,
            name(host),
            "-m",
            "seclyzer.edge.seclyzer_deployment",
            "-a",
            json.dumps(arguments),
        ],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    yield Forgery(run, f"{done.returncode} {done.stdout}")
    host.check_output("rm -rf %s /opt/seclyzer/releases/*-f0f0f0f0f0f0", OWNED)


def test_a_forged_bundle_is_refused_before_any_host_is_reached(forgery: Forgery) -> None:
    assert forgery.run.status != 0 and "Nothing was changed." in forgery.run.text
    assert "the link 'vectors/esc' to '/etc/cron.d', which no release has" in forgery.run.text


def test_a_forged_bundle_is_refused_by_the_host_too(forgery: Forgery) -> None:
    assert forgery.module.startswith("2 ") and "FAILED" in forgery.module
    assert "the link 'vectors/esc' to '/etc/cron.d', which no release has" in forgery.module


def test_a_forged_bundle_leaves_nothing_on_a_host(host: Host, forgery: Forgery) -> None:
    assert host.run("test -e %s", OWNED).rc != 0
    assert host.check_output(f"find {deployment.HOME}/releases -mindepth 1 -maxdepth 1 -name '*f0f0f0f0f0f0*'") == ""
    assert host.check_output(LOGIN_TMP) == ""
    shown = wait_until_active(host, units(host))
    assert [unit for unit in shown if shown[unit]["ActiveState"] != "active"] == []
