"""What the tests ask the hosts, and how: read-only where it can be, each module one subject."""
