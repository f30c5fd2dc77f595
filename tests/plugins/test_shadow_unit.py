"""The unit of a shadow: the extractor's user, sandbox and limits, and no way to write or to reach the store."""

import pytest

from plugins.module_utils import shadow_unit

TEXT = """[Unit]
Wants=seclyzer-store.socket
[Service]
Type=notify
NotifyAccess=main
ExecStart=/opt/seclyzer/releases/a/bin/mouse_extractor --config /opt/seclyzer/current/config/mouse.yaml
Restart=always
WatchdogSec=30
User=seclyzer-mouse
SupplementaryGroups=redis
StateDirectory=seclyzer/mouse
StateDirectoryMode=0700
LoadCredential=redis_password:/etc/seclyzer/credentials/redis-mouse
LoadCredential=influx_token:/etc/seclyzer/credentials/influx-write-token
SupplementaryGroups=seclyzer-store
MemoryMax=64M
CPUQuota=50%
ProtectSystem=strict
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
"""


def settings(memory_max: str = "") -> list[tuple[str, str]]:
    return shadow_unit.settings(TEXT, "seclyzer-compare.service", 60, memory_max)


def test_it_has_the_extractors_user_sandbox_and_limits() -> None:
    assert {("User", "seclyzer-mouse"), ("ProtectSystem", "strict"), ("MemoryMax", "64M"), ("CPUQuota", "50%")} <= {
        *settings()
    }
    assert [value for key, value in settings() if key == "SystemCallFilter"] == ["@system-service", "~@privileged"]


def test_it_reaches_redis_and_nothing_else() -> None:
    values = [value for _, value in settings()]
    assert "redis" in values and "redis_password:/etc/seclyzer/credentials/redis-mouse" in values
    assert not [value for value in values if "store" in value or "influx" in value]
    assert not [key for key, _ in settings() if key.startswith("StateDirectory")]


def test_it_ends_with_the_comparison_and_goes_first_when_memory_is_short() -> None:
    assert {
        ("BindsTo", "seclyzer-compare.service"),
        ("After", "seclyzer-compare.service"),
        ("OOMScoreAdjust", "1000"),
        ("RuntimeMaxSec", "120"),
    } <= {*settings()}
    assert not [key for key, _ in settings() if key in ("Restart", "WatchdogSec", "NotifyAccess")]


def test_the_other_implementation_has_its_own_memory_limit() -> None:
    assert [value for key, value in settings("96M") if key == "MemoryMax"] == ["96M"]


def test_it_runs_another_program_by_the_settings_of_what_runs() -> None:
    assert shadow_unit.command(TEXT, "/b/mouse_extractor") == [
        *("/b/mouse_extractor", "--config", "/opt/seclyzer/current/config/mouse.yaml"),
        *("--shadow", "0", "--stats"),
    ]


@pytest.mark.parametrize(
    ("printed", "how", "words"),
    [
        (
            [
                "Running as unit: seclyzer-shadow-right-mouse.service",
                "no licence",
                "Finished with result: exit-code",
                "Main processes terminated with: code=exited/status=3",
                "Service runtime: 5ms",
                "CPU time consumed: 3ms",
            ],
            "exited 3",
            "no licence",
        ),
        (["Main processes terminated with: code=killed, status=9/KILL"], "killed KILL", ""),
        (["Main processes terminated with: code=killed/status=KILL"], "killed KILL", ""),
        (["Main processes terminated with: code=exited, status=78/CONFIG"], "exited 78", ""),
        (["Job failed. See systemctl status."], "", "Job failed. See systemctl status."),
        ([], "", ""),
    ],
)
def test_how_it_ended_is_reported_by_systemd_and_its_last_words_are_its_own(
    printed: list[str], how: str, words: str
) -> None:
    assert shadow_unit.ended(printed) == (how, words)


def test_memory_limits_are_added_up() -> None:
    assert shadow_unit.memory([TEXT, "[Service]\nMemoryMax=1G\n", "[Service]\nMemoryMax=infinity\n"]) == (64 << 20) + (
        1 << 30
    )
