"""What the tests ask the hosts, and how: read-only where it can be, each module one subject."""

import pytest

# Its assertions say what they compared, as a test's do.
pytest.register_assert_rewrite("witness.limits", "witness.implementations")
