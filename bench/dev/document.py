"""docs/bench.md: the results of a run, and what each figure means."""

from pathlib import Path

from ..report import USERS_WORDS, all_figures, users_table
from ..result import Result

TEXT = Path(__file__).with_name("bench.md.in")


def markdown(result: Result) -> str:
    """The whole file."""
    about = result.about
    faults = "".join(f"* {fault}\n" for fault in result.faults()) or "* none\n"
    missed = [
        f"* {v.implementation}: {v.expectation.title}\n"
        for v in result.verdicts()
        if v.holds is False and not v.expectation.gate
    ]
    return TEXT.read_text().format(
        machine=f"{about['cpu']}, {about['cores']} cores, {about['memory_mib']} MiB; Linux {about['kernel']}, "
        f"{about['system']}; {about['redis']}; {about['python']}",
        at=about["at"],
        seconds=about["seconds"],
        load=about["load_before"],
        loop=f"{about['loop_ns_least']} to {about['loop_ns_most']}",
        store=about["store"],
        instructions=about["instructions"],
        users=users_table(result),
        users_words=USERS_WORDS,
        figures=all_figures(result),
        faults=faults,
        missed="".join(missed) or "* none\n",
    )
