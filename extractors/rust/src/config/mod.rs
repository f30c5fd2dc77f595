//! What is in force: every setting checked, with a message that names key, value and what is allowed.

pub mod address;
pub mod layers;
mod reader;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::address::{Endpoint, InfluxUrl};
use self::layers::Layers;
use self::reader::Reader;
use crate::core::Settings;
use crate::json::quote;
use crate::logs::Log;
use crate::output::Identity;
use crate::schema::Kind;

/// The configuration of one extractor.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of which extractor it is.
    pub kind: Kind,
    /// Where Redis listens.
    pub redis: Endpoint,
    /// The user at Redis; none is `default`.
    pub redis_username: Option<String>,
    /// The password at Redis.
    pub redis_password: Option<Secret>,
    /// The database at Redis.
    pub redis_database: u32,
    /// Where InfluxDB listens.
    pub influx: InfluxUrl,
    /// The organisation in InfluxDB.
    pub influx_org: String,
    /// The bucket in InfluxDB.
    pub influx_bucket: String,
    /// The token for InfluxDB.
    pub influx_token: Option<Secret>,
    /// How long an answer is waited for; points without one go to the spool after that.
    pub influx_timeout: Duration,
    /// The longest pause between two attempts.
    pub influx_retry: Duration,
    /// How many bytes the spool has at most; 0 is none.
    pub spool_bytes: u64,
    /// How many bytes the own stream has in Redis at most. 120 s of 1000 events a second take 10 MiB.
    pub stream_bytes: i64,
    /// What the core needs.
    pub core: Settings,
    /// Who the features are of.
    pub identity: Identity,
    /// How and how much is logged.
    pub log: Log,
    /// Where to keep what must outlive a restart; none keeps nothing.
    pub state_dir: Option<PathBuf>,
    shown: Vec<(&'static str, String)>,
}

/// A text that no message and no debug print shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
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

/// A mistake in the configuration: the program ends with status 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line is not understood.
    #[error("{}; --help lists the flags", plain(_0))]
    Usage(String),
    /// The command line, or a variable of ours, is no text.
    #[error("{0} is not UTF-8")]
    NoText(&'static str),
    /// The configuration file cannot be read.
    #[error("cannot read the configuration file {}: {}", plain(path.display()), reason(source))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file is no flat YAML.
    #[error("the configuration file is no flat YAML: {}", plain(reason))]
    Yaml {
        /// What is wrong.
        reason: String,
    },
    /// A key of the file is no setting.
    #[error("unknown key {} in the configuration file; --help lists the keys", quoted(key))]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A value is not allowed.
    #[error("{key} is {} ({origin}): allowed is {allowed}", quoted(value))]
    Value {
        /// The setting's key.
        key: &'static str,
        /// The value, masked if it is a secret.
        value: String,
        /// Where it was given.
        origin: String,
        /// What is allowed.
        allowed: String,
    },
    /// Values that are allowed each by itself, and not as they are in force.
    #[error("{key} is {value}: allowed is {allowed}")]
    InForce {
        /// The setting's key.
        key: &'static str,
        /// The value, as YAML.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file that holds a secret cannot be read.
    #[error("cannot read {}, which {key} names: {}", plain(path.display()), reason(source))]
    SecretFile {
        /// The setting's key, or `CREDENTIALS_DIRECTORY`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that holds a secret holds something else, too.
    #[error(
        "{}, which {key} names, {fault}: allowed is one line of printable ASCII without blanks",
        plain(path.display())
    )]
    SecretText {
        /// The setting's key, or `CREDENTIALS_DIRECTORY`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The program was built wrongly.
    #[error(transparent)]
    Schema(#[from] crate::schema::SchemaError),
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    quote(&mut quoted, text);
    plain(quoted)
}

/// For a message of one line.
fn plain(text: impl std::fmt::Display) -> String {
    text.to_string().replace(|c: char| c.is_ascii_control(), "_")
}

/// The system's words for an error.
pub fn reason(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return "it is not UTF-8".to_owned();
    }
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

impl Config {
    /// Checks everything that was given. `flags` are keys and texts; `dev_mode` is the flag of that name.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn new(
        kind: Kind,
        file: Option<&Path>,
        environment: &BTreeMap<String, String>,
        flags: &[(&'static str, String)],
    ) -> Result<Config, ConfigError> {
        let text = file
            .map(|path| {
                std::fs::read_to_string(path)
                    .map_err(|source| ConfigError::File { path: path.to_owned(), source })
            })
            .transpose()?;
        Reader::new(Layers::new(text.as_deref(), environment, flags)?, environment).config(kind)
    }

    /// Whether files and directories that are named are there: for what goes on to use them.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let missing = |key, path: &Path, allowed: &str| {
            let value = quoted(&path.display().to_string());
            Err(ConfigError::InForce { key, value, allowed: allowed.to_owned() })
        };
        if let Endpoint::Tls { ca_file: Some(path), .. } = &self.influx.endpoint
            && std::fs::File::open(path).is_err()
        {
            return missing("influx_ca_file", path, "a file that can be read");
        }
        match &self.state_dir {
            Some(path) if !path.is_dir() => missing("state_dir", path, "a directory that exists"),
            _ => Ok(()),
        }
    }

    /// YAML of what is in force, secrets masked.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.shown {
            text.push_str(key);
            text.push_str(": ");
            text.push_str(value);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests;
