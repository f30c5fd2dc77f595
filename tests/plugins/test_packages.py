"""Which sources of packages apt could not read, out of its own words."""

from plugins.action.seclyzer_packages import sources

UNREACHABLE = """Hit:1 http://mirror.invalid/debian bookworm InRelease
Err:2 http://127.0.0.1:9/debian stable InRelease
  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)
Reading package lists...
W: Failed to fetch http://127.0.0.1:9/debian/dists/stable/InRelease  Could not connect to 127.0.0.1:9 (127.0.0.1).
W: Some index files failed to download. They have been ignored, or old ones used instead.
"""
UNSIGNED = """E: The repository 'https://ann:secret@apt.invalid/x stable Release' does not have a Release file.
W: GPG error: http://keys.invalid stable InRelease: The following signatures couldn't be verified
E: The repository 'http://keys.invalid stable InRelease' is not signed.
"""


def test_a_source_that_does_not_answer_is_named() -> None:
    assert sources(UNREACHABLE) == ["http://127.0.0.1:9/debian/dists/stable/InRelease"]


def test_a_source_without_release_file_or_signature_is_named_once_and_without_its_password() -> None:
    assert sources(UNSIGNED) == ["https://apt.invalid/x", "http://keys.invalid"]


def test_nothing_is_named_when_all_answered() -> None:
    assert sources("Hit:1 http://mirror.invalid/debian bookworm InRelease\nReading package lists...\n") == []
