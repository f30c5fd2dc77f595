//! Any bytes as a configuration file, variables and flags: no panic, one line of words for a mistake, and what is in
//! force reads back as what is in force.
//!
//! The input is parted by U+0001: the file; then `NAME=value` variables and `key=value` flags (distinguished by their case).

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::config::Config;
use seclyzer_extractors::config::settings::SETTINGS;
use seclyzer_extractors::schema::Kind;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir_in("/dev/shm").unwrap());

fuzz_target!(|data: &[u8]| {
    // What names files is not to reach any but ours.
    if data.windows(5).any(|part| part.eq_ignore_ascii_case(b"_file"))
        || data.windows(2).any(|part| part == b"Y=")
    {
        return;
    }
    let mut parts = data.split(|byte| *byte == 1);
    let file = FOLDER.path().join("config.yaml");
    fs::write(&file, parts.next().unwrap_or_default()).unwrap();
    let mut environment = BTreeMap::new();
    let mut flags = Vec::new();
    for part in parts {
        let Some((name, value)) = std::str::from_utf8(part).ok().and_then(|part| part.split_once('=')) else {
            return;
        };
        match SETTINGS.iter().find(|setting| setting.key == name && setting.flag.is_some()) {
            Some(setting) => flags.push((setting.key, value.to_owned())),
            None => drop(environment.insert(name.to_owned(), value.to_owned())),
        }
    }
    for kind in Kind::ALL {
        let Some(shown) = shown(kind, &file, &environment, &flags) else {
            continue;
        };
        if !shown.chars().all(is_plain) {
            continue;
        }
        let copy = FOLDER.path().join("copy.yaml");
        fs::write(&copy, &shown).unwrap();
        let again = shown_of(Config::new(kind, Some(&copy), &BTreeMap::new(), &[]));
        assert_eq!(again.as_ref(), Ok(&shown), "what is in force reads back");
    }
});

/// YAML has letters that it takes for line breaks, or does not take at all.
fn is_plain(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

fn shown(
    kind: Kind,
    file: &Path,
    environment: &BTreeMap<String, String>,
    flags: &[(&'static str, String)],
) -> Option<String> {
    match shown_of(Config::new(kind, Some(file), environment, flags)) {
        Ok(shown) => Some(shown),
        Err(error) => {
            assert!(!error.contains('\n') && !error.is_empty(), "not one line: {error:?}");
            None
        }
    }
}

fn shown_of(config: Result<Config, seclyzer_extractors::config::ConfigError>) -> Result<String, String> {
    config.map(|config| config.print()).map_err(|error| error.to_string())
}
