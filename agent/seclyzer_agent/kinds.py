"""The kinds of extractors."""

KINDS = ("keystroke", "mouse", "app")
