"""What the tests ask hosts, and how: read-only where it can be, each module one subject."""

import pytest

# Its assertions say what they compared, as a test's do.
pytest.register_assert_rewrite("hostchecks.limits", "hostchecks.implementations")
