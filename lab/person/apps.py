"""Applications: long work in one, short looks into others, and now and then the same focus reported twice."""

from collections.abc import Iterator
from random import Random

from lab.person.event import Event, around

APPS = (
    ("Code", "code.Code", 8),
    ("Firefox", "Navigator.firefox", 6),
    ("Terminal", "gnome-terminal-server.Gnome-terminal", 5),
    ("Slack", "slack.Slack", 3),
    ("Thunderbird", "Mail.thunderbird", 2),
    ("Files", "org.gnome.Nautilus", 1),
    ("Schreibübung", "gedit.Gedit", 1),
)


def focuses(seed: int) -> Iterator[Event]:
    """Endless switching between applications."""
    rng = Random(f"{seed}:app")
    at = around(rng, 0.2, 0.5, 0.01, 1.0)
    current = APPS[0]
    made = 0
    while True:
        fields = {"type": "app", "event": "focus", "app_name": current[0], "window_class": current[1]}
        yield Event(at, made, fields)
        made += 1
        if rng.random() < 0.05:
            yield Event(at + 0.3, made, fields)
            made += 1
        at += around(rng, 2.5 if rng.random() < 0.4 else 14.0, 0.7, 0.4, 300.0)
        others = [app for app in APPS if app is not current]
        current = rng.choices(others, [app[2] for app in others])[0]
