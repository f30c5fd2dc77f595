"""`seclyzer` is on the PATH of every host, root's alone to change, and says that all is well when it is."""

import json

import pytest
from hostchecks.deployment import release
from hostchecks.host import Host

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

INSTALLED = {
    "/usr/local/bin/seclyzer": "755 root root",
    "/usr/local/share/bash-completion/completions/seclyzer": "644 root root",
}
COMMANDS = ("status", "doctor", "history", "logs", "test-events", "support-bundle", "rollback", "compare", "bench")


@pytest.mark.parametrize("path", INSTALLED)
def test_it_is_installed_for_root_alone_to_change(host: Host, path: str) -> None:
    assert host.check_output("stat -c '%%a %%U %%G' %s", path) == INSTALLED[path]


def test_it_is_that_of_the_release_that_runs(host: Host) -> None:
    program = host.check_output("python3 -I - <<'END'\n" + LAUNCHED + "END")
    assert program == f"{release(host)}/command/seclyzer"


LAUNCHED = """
import runpy
from pathlib import Path
launcher = runpy.run_path("/usr/local/bin/seclyzer")
print(launcher["program"](launcher["BASE"], launcher["UNITS"]), end="")
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_any_user_gets_the_help_of_each_command(host: Host, name: str) -> None:
    done = host.run("runuser -u nobody -- seclyzer %s --help", name)
    assert done.rc == 0 and "exit status:" in done.stdout, done.stderr


def test_a_host_that_is_well_is_0_in_status_and_doctor(host: Host) -> None:
    for name in ("status", "doctor"):
        done = host.run("seclyzer %s --json", name)
        found = json.loads(done.stdout)
        assert (done.rc, found["status"], found["findings"], found["agent"]) == (0, "pass", [], "reports"), found


def test_a_user_without_sudo_reads_that_root_sees_more(host: Host) -> None:
    done = host.run("runuser -u nobody -- seclyzer doctor")
    assert done.rc == 0 and "sudo seclyzer doctor" in done.stdout, done.stdout
    refused = host.run("runuser -u nobody -- seclyzer history")
    assert refused.rc == 3 and "sudo seclyzer history" in refused.stderr


def test_the_shell_completes_it(host: Host) -> None:
    script = "source /usr/local/share/bash-completion/completions/seclyzer; COMP_WORDS=(seclyzer doctor store-t); "
    script += "COMP_CWORD=2; _seclyzer; echo ${COMPREPLY[*]}"
    assert host.check_output("bash -c %s", script) == "store-token"
