"""Which mode a host gets, and what runs its extractors."""

import pytest

from plugins.module_utils.kinds import KINDS
from plugins.module_utils.modes import MODES, ModeError, choose, implementations


@pytest.mark.parametrize(
    ("typed", "inventory", "running", "expected"),
    [
        ("rust", "python", "hybrid", ("rust", "-e mode=")),
        (None, "python", "hybrid", ("python", "seclyzer_mode")),
        ("", "", "rust", ("rust", "it runs")),
        (None, None, None, ("hybrid", "a blank host")),
    ],
)
def test_command_line_beats_inventory_beats_what_runs_beats_hybrid(
    typed: object, inventory: object, running: str | None, expected: tuple[str, str]
) -> None:
    assert choose(typed, inventory, running) == expected


@pytest.mark.parametrize("typed", ["Rust", "both", 1, ["rust"]])
def test_a_mode_that_does_not_exist_is_refused_with_those_that_do(typed: object) -> None:
    with pytest.raises(ModeError, match=r"-e mode=: .* there are python, rust, hybrid"):
        choose(typed, "python", None)


def test_hybrid_is_rust_for_keys_and_mouse_and_python_for_apps() -> None:
    hybrid = implementations("hybrid")
    assert tuple(hybrid) == KINDS
    assert {kind: hybrid[kind] for kind in ("keystroke", "mouse", "app")} == {
        "keystroke": "rust",
        "mouse": "rust",
        "app": "python",
    }


def test_one_extractor_may_be_another_than_the_mode_says() -> None:
    assert implementations("hybrid", {"app": "rust"}) == dict.fromkeys(KINDS, "rust")
    assert MODES["hybrid"]["app"] == "python"


@pytest.mark.parametrize(
    ("overrides", "reported"),
    [
        ({"keyboard": "rust"}, "there is no extractor 'keyboard'; there are keystroke, mouse, app"),
        ({"app": "go"}, "app cannot be 'go'; it is python or rust"),
        ("rust", "no mapping"),
    ],
)
def test_a_wrong_override_is_refused(overrides: object, reported: str) -> None:
    with pytest.raises(ModeError, match=reported):
        implementations("rust", overrides)
