//! Where settings come from: flags beat environment beats file beats defaults.

use std::collections::BTreeMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::ConfigError;
use super::settings::SETTINGS;

/// Where a value was configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file.
    File,
    /// This environment variable.
    Environment(&'static str),
    /// This flag of the command line.
    Flag(&'static str),
}

impl Source {
    /// What is higher beats what is lower.
    pub fn layer(self) -> u8 {
        match self {
            Source::File => 0,
            Source::Environment(_) => 1,
            Source::Flag(_) => 2,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => write!(f, "flag {flag}"),
            Source::Environment(variable) => write!(f, "environment {variable}"),
            Source::File => f.write_str("file"),
        }
    }
}

/// A text that was configured. It may be a secret, so there is no debug print of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Configured {
    /// The text as it was.
    pub text: String,
    /// Where.
    pub source: Source,
}

/// Everything that was configured, by key.
#[derive(Default)]
pub struct Layers {
    configured: BTreeMap<&'static str, Configured>,
}

impl Layers {
    /// Lays the environment over the file, and the flags (by key) over both. An empty variable is not set.
    ///
    /// # Errors
    /// When the file is no flat mapping, or has a key that is no setting.
    pub fn new(
        file: Option<&str>,
        environment: &BTreeMap<String, String>,
        flags: &[(&'static str, String)],
    ) -> Result<Layers, ConfigError> {
        let mut layers = Layers::default();
        for (key, text) in file.map(flat_yaml).transpose()?.unwrap_or_default() {
            let known = names().map(|(known, _)| known).find(|known| *known == key);
            let known = known.ok_or(ConfigError::UnknownKey { key })?;
            layers.put(known, text, Source::File);
        }
        for (key, variable) in names() {
            if let Some(text) = environment.get(variable).filter(|text| !text.is_empty()) {
                layers.put(key, text.clone(), Source::Environment(variable));
            }
        }
        for (key, text) in flags {
            let flag = SETTINGS.iter().find(|setting| setting.key == *key).and_then(|setting| setting.flag);
            layers.put(key, text.clone(), Source::Flag(flag.unwrap_or_default()));
        }
        Ok(layers)
    }

    fn put(&mut self, key: &'static str, text: String, source: Source) {
        self.configured.insert(key, Configured { text, source });
    }

    /// What was configured for a key.
    pub fn get(&self, key: &str) -> Option<&Configured> {
        self.configured.get(key)
    }
}

/// Key and environment variable of every setting, and of what names a secret's file.
pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_files = SETTINGS.iter().filter_map(|setting| setting.file.as_ref());
    let settings = SETTINGS.iter().map(|setting| (setting.key, setting.variable));
    settings.chain(of_files.map(|file| (file.key, file.variable)))
}

/// Control characters, and what else readers of YAML do not agree about: line separators, a BOM, no characters.
fn is_strange(character: char) -> bool {
    let is_control = character.is_control() && !matches!(character, '\n' | '\r');
    is_control || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// The keys and texts of a flat YAML mapping; a key without a value is left out.
fn flat_yaml(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((before, _)) = text.find(is_strange).map(|at| text.split_at(at)) {
        return Err(no_yaml(before.replace("\r\n", "\n").matches(['\n', '\r']).count() + 1));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut key: Option<String> = None;
    let mut inside = false;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| no_yaml(error.marker().line()))?;
        match event {
            Event::Scalar(scalar, style, _, _) if inside => match key.take() {
                None => key = Some(scalar.into_owned()),
                Some(key) if pairs.iter().any(|(known, _)| *known == key) => {
                    return Err(ConfigError::Yaml { reason: format!("{key} is given twice") });
                }
                Some(key) => {
                    if style != ScalarStyle::Plain
                        || !matches!(scalar.as_ref(), "" | "~" | "null" | "Null" | "NULL")
                    {
                        pairs.push((key, scalar.into_owned()));
                    }
                }
            },
            Event::MappingStart(..) if !inside => inside = true,
            Event::Scalar(scalar, ..) if scalar.is_empty() => {}
            Event::Scalar(..) | Event::MappingStart(..) | Event::SequenceStart(..) | Event::Alias(_) => {
                return Err(no_yaml(span.start.line()));
            }
            _ => {}
        }
    }
    Ok(pairs)
}

/// The parser's own words may quote a secret.
fn no_yaml(line: usize) -> ConfigError {
    ConfigError::Yaml { reason: format!("only `key: value` lines are known (line {line})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn flags_beat_environment_beats_file() {
        let file = "window_seconds: 10\nupdate_interval: 2\nlateness_ms: 5\nhost:\n";
        let environment =
            environment(&[("WINDOW_SECONDS", "20"), ("UPDATE_INTERVAL", "4"), ("SECLYZER_HOST", "")]);
        let layers = Layers::new(Some(file), &environment, &[("window_seconds", "40".into())]).unwrap();
        let text = |key| layers.get(key).map(|configured| configured.text.as_str());
        assert_eq!(text("window_seconds"), Some("40"));
        assert_eq!(text("update_interval"), Some("4"));
        assert_eq!(text("lateness_ms"), Some("5"));
        assert_eq!(text("host"), None);
    }

    #[test]
    fn yaml_that_is_not_flat_is_refused() {
        for text in
            ["a:\n  b: 1\n", "- a\n", "host: [a]\n", "just text\n", "host: a\nhost: b\n", "host: \"\n"]
        {
            assert!(matches!(flat_yaml(text), Err(ConfigError::Yaml { .. })), "{text:?}");
        }
        assert_eq!(flat_yaml("# nothing\n").unwrap(), []);
        assert_eq!(flat_yaml("---\nhost: 'null' # quoted\n").unwrap(), [("host".into(), "null".into())]);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = Layers::new(Some("windw_seconds: 3\n"), &BTreeMap::new(), &[]).err().unwrap();
        assert!(error.to_string().contains("windw_seconds"));
    }
}
