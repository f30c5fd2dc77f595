//! What is in force: every setting checked, with a message that names key, value and what is allowed.

pub mod address;
pub mod layers;
mod secret;
pub mod settings;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use self::address::{
    Endpoint, INFLUX_URL_FORMS, InfluxUrl, PRIVATE_FORMS, parse_influx_url, parse_redis_url,
};
use self::layers::Layers;
pub use self::secret::Secret;
use self::settings::{SETTINGS, Shown, Values};
use self::values::Reader;
use crate::core::Settings;
use crate::json::quote;
use crate::logs::{Format, Level, Log};
use crate::output::Identity;
use crate::schema::Kind;
use crate::window::Windows;

/// The configuration of one extractor.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of which extractor it is.
    pub kind: Kind,
    /// Every setting, as it is in force.
    pub values: Values,
    /// Where Redis listens.
    pub redis: Endpoint,
    /// The database at Redis.
    pub redis_database: u32,
    /// Where InfluxDB listens.
    pub influx: InfluxUrl,
    /// What the core needs.
    pub core: Settings,
    /// Who the features are of.
    pub identity: Identity,
    /// How and how much is logged.
    pub log: Log,
    /// Where to keep what must outlive a restart; none keeps nothing.
    pub state_dir: Option<PathBuf>,
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
    /// Checks everything that was configured. `flags` are keys and texts.
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
        let reader = Reader::new(Layers::new(text.as_deref(), environment, flags)?, environment, kind);
        let values = Values::read(&reader)?;
        let state_dir = reader.state_dir(&values.state_dir);
        let influx = influx(&values, &reader)?;
        Config::of(kind, values, influx, state_dir)
    }

    /// What follows from the values. A user and a password in Redis' URL beat those beside it.
    fn of(
        kind: Kind,
        mut values: Values,
        influx: InfluxUrl,
        state_dir: Option<PathBuf>,
    ) -> Result<Config, ConfigError> {
        let redis = parse_redis_url(&values.redis_url.0);
        let port = u16::try_from(values.redis_port).unwrap_or_default();
        let plain = || Endpoint::Tcp { host: values.redis_host.clone(), port };
        let (redis, redis_database) = match redis {
            None => (plain(), 0),
            Some(redis) => {
                values.redis_username = redis.username.unwrap_or(values.redis_username);
                values.redis_password = redis.password.or(values.redis_password);
                (redis.endpoint, redis.database)
            }
        };
        values.state_dir = state_dir.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        Ok(Config {
            kind,
            redis,
            redis_database,
            influx,
            core: core(&values)?,
            identity: Identity {
                user_id: values.user_id.clone(),
                device_id: values.device_id.clone(),
                host: values.host.clone(),
            },
            log: Log {
                level: Level::of(values.log_level),
                format: if values.log_format == "json" { Format::Json } else { Format::Logfmt },
            },
            state_dir,
            values,
        })
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

    /// The user at Redis.
    pub fn user(&self) -> &str {
        Some(self.values.redis_username.as_str()).filter(|user| !user.is_empty()).unwrap_or("default")
    }

    /// YAML of what is in force, secrets masked.
    pub fn print(&self) -> String {
        self.values.shown().iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
    }
}

fn influx(values: &Values, reader: &Reader<'_>) -> Result<InfluxUrl, ConfigError> {
    let refused = |allowed: &str| {
        let setting = SETTINGS.iter().find(|setting| setting.key == "influx_url");
        setting.map_or(ConfigError::NoText("influx_url"), |setting| reader.refused(setting, allowed))
    };
    let path = |text: &String| Some(PathBuf::from(text)).filter(|_| !text.is_empty());
    let url = parse_influx_url(&values.influx_url, path(&values.influx_ca_file))
        .ok_or_else(|| refused(INFLUX_URL_FORMS))?;
    if values.influx_token.is_some() && !url.private() {
        return Err(refused(PRIVATE_FORMS));
    }
    Ok(InfluxUrl { socket: path(&values.influx_socket), ..url })
}

fn core(values: &Values) -> Result<Settings, ConfigError> {
    let count = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    if values.update_interval > values.window_seconds {
        return Err(ConfigError::InForce {
            key: "update_interval",
            value: values.update_interval.shown(),
            allowed: format!("at most window_seconds ({})", values.window_seconds.shown()),
        });
    }
    Ok(Settings {
        windows: Windows {
            interval: values.update_interval.us,
            window: values.window_seconds.us,
            lateness: values.lateness_ms * 1000,
        },
        idle_timeout: values.idle_timeout_ms * 1000,
        min_events: count(values.min_events),
        buffer_events: count(values.buffer_events),
        dev_mode: values.dev_mode,
    })
}

#[cfg(test)]
mod tests;
