"""The soak's own judgement: it reads the engines' words rightly, and nothing that is wrong or missing passes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from . import agree, engines, tools
from .engines import Fuzzed
from .outcome import Outcome
from .report import markdown
from .run import Memory, Result
from .settings_agree import Report as SettingsReport
from .soak import soak

GOOD = Fuzzed("cargo-fuzz", "event", 5000, 10, 7, (1000, 2000), [], "")
FLAT = Memory("mouse_extractor", "rust", 3000, 3100, 3100, 3200, {"events": 2, "malformed": 1})


def passed() -> Outcome:
    report = agree.Report(3, 100, Counter(mouse=2, malformed=1), Counter(mouse=1), Counter({"rust mouse_extractor": 3}))
    return Outcome("s", 10, 1.0, Result("s", report, [FLAT]), [GOOD])


def test_a_good_run_has_no_faults() -> None:
    assert passed().faults() == []
    text = markdown(passed())
    assert "Faults: **0**" in text and "| cargo-fuzz | event | 5 000 |" in text
    assert "python -m tests.fuzz.soak --seed s --messages 3 --seconds 10" in text


def test_each_thing_that_goes_wrong_is_a_fault() -> None:
    difference = agree.Difference("mouse_extractor", "rust", "mouse", "(0, 1, 0)", [b"x"])
    wrong: list[tuple[Outcome, str]] = []
    crashed = passed()
    crashed.fuzzed = [replace(GOOD, crashes=["crash-1"], output="it panicked")]
    wrong.append((crashed, "cargo-fuzz event: crash-1\nit panicked"))
    idle = passed()
    idle.fuzzed = [replace(GOOD, executions=3)]
    wrong.append((idle, "cargo-fuzz event: only 3 executions"))
    differs = passed()
    assert differs.result is not None
    differs.result.report.differences = [difference]
    wrong.append((differs, f"difference: {difference}"))
    found = passed()
    found.found.differences = [difference]
    wrong.append((found, f"difference in what an engine found: {difference}"))
    grown = passed()
    assert grown.result is not None
    grown.result.memory = [replace(FLAT, end=6000)]
    wrong.append((grown, "rust mouse_extractor grew from 3000 to 6000 KiB"))
    miscounted = passed()
    assert miscounted.result is not None
    miscounted.result.wrong = ["mouse in rust: 1 events, 2 were sent"]
    wrong.append((miscounted, "mouse in rust: 1 events, 2 were sent"))
    settings = passed()
    settings.settings = SettingsReport(5, 1, ["x"])
    wrong.append((settings, "configuration: x"))
    for run, fault in wrong:
        assert run.faults() == [fault]
        assert "Faults: **1**" in markdown(run)


def test_a_tool_that_cannot_be_had_fails_the_soak_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.soak.run.run", lambda *_: passed().result)
    monkeypatch.setattr("tests.fuzz.soak.settings_agree.check", lambda *_: SettingsReport())
    monkeypatch.setattr(tools, "NIGHTLY", "nightly-1970-01-01")
    faults = soak("s", 3, 1).faults()
    assert len(faults) == 1 and faults[0].startswith(
        "the nightly compiler cannot be installed: `rustup toolchain install"
    )
    monkeypatch.setenv("PATH", "/nowhere")
    assert soak("s", 3, 1).faults() == [
        "the Rust toolchains cannot be listed: there is no `rustup` on this machine",
    ]


def test_what_the_engines_print_is_understood() -> None:
    text = """#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 40Mb
#9\tNEW    cov: 12 ft: 13 corp: 2/9b lim: 4 exec/s: 9 rss: 41Mb L: 8/8 MS: 1 CMP-
#900\tDONE   cov: 12 ft: 13 corp: 2/9b lim: 4 exec/s: 9 rss: 44Mb
Done 900 runs in 11 second(s)
"""
    assert engines.counted(text) == (900, 11)
    assert engines.memory(text) == (40 * 1024, 44 * 1024)
    note = tools.NOTE + '{"executions": 2000, "start": 55000, "end": 55100}\n'
    assert engines.memory(text + note) == (55000, 55100)
    assert engines.counted("it died") == (0, 0)
