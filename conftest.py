"""Settings for all tests."""

from hypothesis import HealthCheck, settings

# Steps of `make test` run side by side: an example takes, and is made in, as long as the machine lets it.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
