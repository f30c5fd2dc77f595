"""The same session as in the default scenario: journals of what failed, no test left out in silence."""

from hostchecks.session import pytest_configure, pytest_runtest_makereport, pytest_sessionfinish

__all__ = ["pytest_configure", "pytest_runtest_makereport", "pytest_sessionfinish"]
