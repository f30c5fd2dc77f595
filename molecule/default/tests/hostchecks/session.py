"""A session of tests on hosts: the journal of a host whose test failed, a report for the guard, nothing left out."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from hostchecks.host import name
from hostchecks.systemd import journal


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its host's journal says."""
    report = yield
    host = getattr(item, "funcargs", {}).get("host")
    if report.failed and host is not None:
        report.sections.append((f"journal of {name(host)}", journal(host)))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Leave this step's JUnit file where molecule/guard.py looks for it: `03 tests,flow tests,services.xml`."""
    folder = os.environ.get("SECLYZER_MOLECULE_REPORTS")
    if folder:
        number = len(list(Path(folder).glob("*.xml"))) + 1
        config.option.xmlpath = f"{folder}/{number:02} {_step(config).replace('/', ',')}.xml"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which a test was skipped fails: a test that does not run proves nothing."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", []))
    if skipped:
        reporter.write_line(f"ERROR: {skipped} skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _step(config: pytest.Config) -> str:
    """The folders of this run as molecule.yml names them, sorted: `tests/mode tests/services`."""
    folders = {Path(argument.split("::")[0]).resolve() for argument in config.args}
    folders = {path.parent if path.is_file() else path for path in folders}
    return " ".join(sorted(str(folder.relative_to(config.rootpath)) for folder in folders))
