//! Where settings come from: flags beat environment beats file beats defaults.

use std::collections::BTreeMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::ConfigError;

/// One setting: its key in the file, its environment variable and, for the common ones, its flag.
#[derive(Debug)]
pub struct Setting {
    /// The key in the configuration file.
    pub key: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// The flag, and what its value is called in the help.
    pub flag: Option<(&'static str, &'static str)>,
    /// Whether it is part of what is in force: the name of a secret's file is not, the secret is.
    pub shown: bool,
}

const fn plain(key: &'static str, variable: &'static str) -> Setting {
    Setting { key, variable, flag: None, shown: true }
}

const fn file_of_secret(key: &'static str, variable: &'static str) -> Setting {
    Setting { key, variable, flag: None, shown: false }
}

const fn flag(key: &'static str, variable: &'static str, flag: &'static str, value: &'static str) -> Setting {
    Setting { key, variable, flag: Some((flag, value)), shown: true }
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    flag("redis_url", "REDIS_URL", "--redis-url", "URL"),
    plain("redis_host", "REDIS_HOST"),
    plain("redis_port", "REDIS_PORT"),
    plain("redis_username", "REDIS_USERNAME"),
    plain("redis_password", "REDIS_PASSWORD"),
    file_of_secret("redis_password_file", "REDIS_PASSWORD_FILE"),
    flag("influx_url", "INFLUX_URL", "--influx-url", "URL"),
    flag("influx_socket", "INFLUX_SOCKET", "--influx-socket", "PATH"),
    plain("influx_org", "INFLUX_ORG"),
    plain("influx_bucket", "INFLUX_BUCKET"),
    plain("influx_token", "INFLUX_TOKEN"),
    file_of_secret("influx_token_file", "INFLUX_TOKEN_FILE"),
    plain("influx_ca_file", "INFLUX_CA_FILE"),
    plain("influx_timeout_seconds", "SECLYZER_INFLUX_TIMEOUT_SECONDS"),
    plain("influx_retry_seconds", "SECLYZER_INFLUX_RETRY_SECONDS"),
    plain("spool_bytes", "SECLYZER_SPOOL_BYTES"),
    plain("stream_bytes", "SECLYZER_STREAM_BYTES"),
    flag("window_seconds", "WINDOW_SECONDS", "--window", "S"),
    flag("update_interval", "UPDATE_INTERVAL", "--interval", "S"),
    flag("lateness_ms", "SECLYZER_LATENESS_MS", "--lateness", "MS"),
    flag("idle_timeout_ms", "SECLYZER_IDLE_TIMEOUT_MS", "--idle-timeout", "MS"),
    flag("min_events", "SECLYZER_MIN_EVENTS", "--min-events", "N"),
    flag("buffer_events", "SECLYZER_BUFFER_EVENTS", "--buffer-events", "N"),
    plain("dev_mode", "SECLYZER_DEV_MODE"),
    flag("user_id", "SECLYZER_USER_ID", "--user-id", "ID"),
    flag("device_id", "SECLYZER_DEVICE_ID", "--device-id", "ID"),
    flag("host", "SECLYZER_HOST", "--host", "NAME"),
    flag("log_level", "SECLYZER_LOG_LEVEL", "--log-level", "LEVEL"),
    flag("log_format", "SECLYZER_LOG_FORMAT", "--log-format", "FORMAT"),
    flag("state_dir", "SECLYZER_STATE_DIR", "--state-dir", "DIR"),
];

/// Where a value was given.
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

/// A text that was given for a setting. It may be a secret, so there is no debug print of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The text as given.
    pub text: String,
    /// Where.
    pub source: Source,
}

/// Everything that was given, by key.
#[derive(Default)]
pub struct Layers {
    given: BTreeMap<&'static str, Given>,
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
            let setting = SETTINGS.iter().find(|setting| setting.key == key);
            let setting = setting.ok_or(ConfigError::UnknownKey { key })?;
            layers.give(setting.key, text, Source::File);
        }
        for setting in SETTINGS {
            if let Some(text) = environment.get(setting.variable).filter(|text| !text.is_empty()) {
                layers.give(setting.key, text.clone(), Source::Environment(setting.variable));
            }
        }
        for (key, text) in flags {
            let setting = SETTINGS.iter().find(|setting| setting.key == *key);
            let flag = setting.and_then(|setting| setting.flag).map_or("--dev-mode", |(flag, _)| flag);
            layers.give(key, text.clone(), Source::Flag(flag));
        }
        Ok(layers)
    }

    fn give(&mut self, key: &'static str, text: String, source: Source) {
        self.given.insert(key, Given { text, source });
    }

    /// What was given for a key.
    pub fn get(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }
}

/// The keys and texts of a flat YAML mapping; a key without a value is left out.
fn flat_yaml(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
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
        let text = |key| layers.get(key).map(|given| given.text.as_str());
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
