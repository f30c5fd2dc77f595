"""The table of mechanisms fits the code: what is to be taken out is there once, and its test is there."""

import pytest

from scripts.mechanisms import Mechanism, load
from tests.helpers import ROOT


@pytest.mark.parametrize("mechanism", load(), ids=lambda one: one.name)
def test_what_is_taken_out_is_there_and_so_is_its_test(mechanism: Mechanism) -> None:
    source = (ROOT / mechanism.file).read_text()
    assert mechanism.without(source) != source
    place = ROOT / "molecule" / mechanism.tests.split()[0]
    files = [place] if place.is_file() else sorted(place.glob("test_*.py"))
    assert f"def {mechanism.fails.partition('[')[0]}(" in "".join(file.read_text() for file in files)


def test_a_text_that_is_not_there_once_is_refused() -> None:
    one = Mechanism("x", "p", "file.py", "a\n", "", "long/tests/x", "test_x")
    for source in ("b\n", "a\na\n"):
        with pytest.raises(ValueError, match=r"the text of x is \d times in file.py"):
            one.without(source)
