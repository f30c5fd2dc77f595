"""Settings for all tests."""

from hypothesis import settings

# Steps of `make test` run side by side: an example takes as long as the machine lets it.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
