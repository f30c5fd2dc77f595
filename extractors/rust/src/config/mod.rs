//! What is in force: every setting checked, with a message that names key, value and what is allowed.

pub mod address;
pub mod layers;
mod reader;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::address::{Endpoint, InfluxUrl};
use self::layers::Layers;
use self::reader::Reader;
use crate::core::Settings;
use crate::logs::Log;
use crate::output::Identity;
use crate::schema::Kind;

/// The configuration of one extractor.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Redis listens.
    pub redis: Endpoint,
    /// The user at Redis; none is `default`.
    pub redis_username: Option<String>,
    /// The password at Redis.
    pub redis_password: Option<Secret>,
    /// Where InfluxDB listens.
    pub influx: InfluxUrl,
    /// The organisation in InfluxDB.
    pub influx_org: String,
    /// The bucket in InfluxDB.
    pub influx_bucket: String,
    /// The token for InfluxDB.
    pub influx_token: Option<Secret>,
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
    #[error("{0}; --help lists the flags")]
    Usage(String),
    /// The configuration file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file is no flat YAML.
    #[error("the configuration file is no flat YAML: {reason}")]
    Yaml {
        /// What is wrong.
        reason: String,
    },
    /// A key of the file is no setting.
    #[error("unknown key {key} in the configuration file; --help lists the keys")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A value is not allowed.
    #[error("{key} = {value:?} ({origin}) is not allowed: {allowed}")]
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
    /// A file that holds a secret cannot be read.
    #[error("cannot read {}, which {key} names: {source}", path.display())]
    SecretFile {
        /// The setting's key, or `CREDENTIALS_DIRECTORY`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The program was built wrongly.
    #[error(transparent)]
    Schema(#[from] crate::schema::SchemaError),
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
