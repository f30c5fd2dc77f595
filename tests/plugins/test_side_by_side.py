"""What is concluded of a comparison on a host, and what the end of a shadow means."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils import shadow_unit, side_by_side, systemd
from plugins.module_utils.comparison import AHEAD_US
from plugins.module_utils.comparison_report import parsed
from plugins.module_utils.layout import Refused
from plugins.module_utils.side_by_side import Comparing, Plan, Seen, conclude
from plugins.module_utils.systemd import Completed

WINDOW = 30_000_000
START = 1_800_000_000_000_000
WHOLE = START + AHEAD_US + WINDOW
LATER = START + 10 * WINDOW
TEXT = "[Service]\nExecStart=/a/mouse_extractor --config x\nUser=seclyzer-mouse\n"


def plan(declared: bool = False) -> Plan:
    times = {"mouse": (WINDOW, 250_000, 2_250_000)}
    return Plan(("running", "staged"), 60, ["mouse"], [{}, {}], times, "/nowhere", declared, job="j")


def outputs(count: int, move: float = 1.5) -> list[str]:
    return [json.dumps({"move_0": move, "ts": WHOLE + i * 5_000_000, "schema": 2}) for i in range(count)]


def side(lines: list[str], **more: object) -> Seen:
    return Seen(**{"lines": lines, "since": START, "last_event": LATER, **more})  # type: ignore[arg-type]


def verdict(left: Seen, right: Seen, ended: int = LATER, declared: bool = False) -> dict[str, str]:
    found = conclude(plan(declared), {(0, "mouse"): left, (1, "mouse"): right}, ended)
    verdicts: dict[str, dict[str, str]] = found["verdicts"]
    return verdicts["mouse"]


def test_equal_outputs_are_equal_and_the_result_is_read_back_as_it_was() -> None:
    found = conclude(plan(), {(0, "mouse"): side(outputs(4)), (1, "mouse"): side(outputs(4))}, LATER)
    assert found["verdicts"] == {"mouse": {"verdict": "equal", "why": ""}}
    (one,), costs = parsed(json.loads(json.dumps(found["report"])))
    assert (one.kind, one.compared, one.equal) == ("mouse", 4, 4)
    assert costs == {"mouse": (None, None)}


def test_other_values_are_different_and_named() -> None:
    assert verdict(side(outputs(4)), side(outputs(4, 2.5))) == {
        "verdict": "different",
        "why": "4 of 4 outputs differ, in move_0",
    }


def test_other_values_that_the_release_declares_are_none() -> None:
    assert verdict(side(outputs(4)), side(outputs(4, 2.5)), declared=True)["verdict"] == "changed"


def test_a_stall_on_either_side_makes_a_missing_output_no_difference() -> None:
    late = {"late": 2}
    assert verdict(side(outputs(4)), side(outputs(3)))["verdict"] == "different"
    assert verdict(side(outputs(4), grown=late), side(outputs(3)))["verdict"] == "unsure"
    assert verdict(side(outputs(4)), side(outputs(3), grown=late)) == {"verdict": "unsure", "why": "late grew by 2"}


def test_what_came_out_before_both_listened_does_not_count() -> None:
    """As after a restart of the running extractor, or a connection made anew by either."""
    restarted = side(outputs(4), since=LATER)
    assert verdict(restarted, side(outputs(3))) == {"verdict": "nothing", "why": ""}
    assert verdict(side(outputs(4)), side(outputs(3), since=LATER))["verdict"] == "nothing"


def test_what_one_side_may_not_have_put_out_yet_does_not_count() -> None:
    last = WHOLE + 3 * 5_000_000
    early = side(outputs(4), last_event=last)
    assert verdict(early, side(outputs(3), last_event=last), ended=last)["verdict"] == "equal"
    assert verdict(early, side(outputs(3), last_event=last), ended=last + 2_250_000)["verdict"] == "different"


def test_a_fault_of_a_program_is_a_difference_and_a_hindrance_is_none() -> None:
    assert verdict(side([]), Seen(fault="it ended")) == {"verdict": "different", "why": "it ended"}
    assert verdict(Seen(hindered="no Redis"), side([])) == {"verdict": "nothing", "why": "no Redis"}


@pytest.mark.parametrize(
    ("early", "how", "field", "words"),
    [
        (True, "exited 3", "fault", "mouse_extractor ended by itself (exited 3): no licence"),
        (True, "dumped SEGV", "fault", "mouse_extractor ended by itself (dumped SEGV): no licence"),
        (True, "exited 0", "fault", "mouse_extractor ended by itself (exited 0): no licence"),
        (False, "killed TERM", "fault", "mouse_extractor did not report its counters when it was stopped: no licence"),
        (True, "killed KILL", "hindered", "mouse_extractor was killed, as when memory is short"),
        (True, "exited 78", "hindered", "mouse_extractor does not take the settings of what runs: no licence"),
        (True, "killed TERM", "hindered", "mouse_extractor was stopped by hand"),
    ],
)
def test_what_the_end_of_a_program_means(early: bool, how: str, field: str, words: str) -> None:
    seen = side_by_side._ended("mouse_extractor", early, how, "no licence")
    assert getattr(seen, field) == words
    assert [seen.fault, seen.hindered].count("") == 1


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """What was run of systemd's."""
    found: list[list[str]] = []

    def run(argv: list[str], timeout: float = 60.0) -> Completed:
        found.append(list(argv))
        return Completed(argv, 0, "", "")

    monkeypatch.setattr(systemd, "run", run)
    monkeypatch.setattr(shadow_unit, "start", lambda *_: ["/bin/sh", "-c", "echo no licence >&2; exit 3"])
    yield found


def test_however_it_ends_no_shadow_is_left(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    shadows = {"mouse": {"text": TEXT, "program": "/b/mouse_extractor"}}
    of = Plan(("running", "staged"), 60, ["mouse"], [{}, shadows], plan().windows, "/nowhere")
    comparing = Comparing(of)
    monkeypatch.setattr(comparing, "_look", lambda *_: (_ for _ in ()).throw(Refused("cut off")))
    with pytest.raises(Refused, match="cut off"):
        comparing.run()
    assert commands == [["systemctl", "stop", "seclyzer-shadow-right-mouse.service"]]


def test_a_program_that_ends_by_itself_is_named_with_its_last_words(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "GRACE_S", 1.0)
    shadows = {"mouse": {"text": TEXT, "program": "/b/mouse_extractor"}}
    of = Plan(("running", "staged"), 0, ["mouse"], [shadows, shadows], plan().windows, "/nowhere")
    found = Comparing(of, sleep=lambda _: None).run()
    assert found["verdicts"]["mouse"]["verdict"] == "different"
    assert "mouse_extractor ended by itself: no licence" in found["verdicts"]["mouse"]["why"]


def test_a_plan_is_kept_as_it_was_and_for_root(tmp_path: Path) -> None:
    plan().save(tmp_path)
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600
    kept = Plan.load(tmp_path)
    assert kept is not None and (tuple(kept.names), kept.seconds, kept.job) == (("running", "staged"), 60, "j")
    assert list(kept.windows["mouse"]) == [WINDOW, 250_000, 2_250_000]
    assert Plan.load(tmp_path / "none") is None
