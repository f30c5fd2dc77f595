//! Secrets: a text that no message shows, and the files that hold one.

use std::path::Path;

use super::ConfigError;

/// A text that no message and no debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(super) String);

impl Secret {
    /// Of this text; none for an empty one.
    pub fn of(text: String) -> Option<Secret> {
        Some(Secret(text)).filter(|secret| !secret.0.is_empty())
    }

    /// The text itself, for the wire.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("********")
    }
}

/// The secret in a file, which `key` names.
///
/// # Errors
/// When the file cannot be read, or holds anything but one line of printable ASCII.
pub fn read_secret(key: &'static str, path: &Path) -> Result<Secret, ConfigError> {
    let data = std::fs::read(path);
    let data = data.map_err(|source| ConfigError::SecretFile { key, path: path.to_owned(), source })?;
    let line = data.strip_suffix(b"\r\n").or(data.strip_suffix(b"\n")).unwrap_or(&data);
    match (secret_fault(line), str::from_utf8(line)) {
        (None, Ok(text)) => Ok(Secret(text.to_owned())),
        (fault, _) => {
            Err(ConfigError::SecretText { key, path: path.to_owned(), fault: fault.unwrap_or_default() })
        }
    }
}

/// What a file with a secret must not hold: it would be sent as it is, and refused without a word of why.
fn secret_fault(line: &[u8]) -> Option<&'static str> {
    const MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];
    let has = |wrong: fn(&u8) -> bool| line.iter().any(wrong);
    let faults = [
        (line.is_empty(), "is empty"),
        (MARKS.iter().any(|mark| line.starts_with(mark)), "begins with a byte order mark"),
        (has(|byte| *byte == b'\n'), "has more than one line"),
        (has(|byte| matches!(byte, b' ' | b'\t')), "has a blank in it"),
        (has(|byte| !byte.is_ascii()), "has a character in it that is not ASCII"),
        (has(u8::is_ascii_control), "has a control character in it"),
    ];
    faults.into_iter().find_map(|(wrong, words)| wrong.then_some(words))
}
