"""Redis' settings in force, as the admin reads them."""

from probes.resp import Redis


def main(names: list[str]) -> dict[str, str]:
    """`CONFIG GET` of each name."""
    admin = Redis.user("admin")
    return {name: admin.call("CONFIG", "GET", name)[1] for name in names}
