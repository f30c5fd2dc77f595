//! Typed values out of texts, each checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::{
    Endpoint, INFLUX_URL_FORMS, InfluxUrl, LONGEST_SOCKET_PATH, PRIVATE_FORMS, REDIS_URL_FORMS, RedisUrl,
    digits, parse_influx_url, parse_redis_url,
};
use super::layers::{Given, Layers, SETTINGS, Source};
use super::{Config, ConfigError, Secret, address};
use crate::core::Settings;
use crate::json::quote;
use crate::logs::{Format, Level, Log};
use crate::output::Identity;
use crate::schema::{Kind, Schema};
use crate::window::Windows;

const LONGEST_WINDOW_S: f64 = 86_400.0;
const LONGEST_LATENESS_MS: i64 = 3_600_000;
const LONGEST_IDLE_TIMEOUT_MS: i64 = 3_600_000;
const INFLUX_TIMEOUT_S: i64 = 10;
const INFLUX_RETRY_S: i64 = 60;
const SPOOL_BYTES: i64 = 64 << 20;
const SMALLEST_SPOOL: i64 = 1 << 20;
const LARGEST_SPOOL: i64 = 1 << 40;
/// Three such streams leave room in Redis' 128 MiB for the rest.
const STREAM_BYTES: i64 = 24 << 20;
const SMALLEST_STREAM: i64 = 1 << 20;
const LARGEST_STREAM: i64 = 1 << 30;
const MOST_MIN_EVENTS: i64 = 1_000_000;
const MOST_BUFFER_EVENTS: i64 = 10_000_000;

/// Reads typed values out of the layers.
pub struct Reader<'a> {
    layers: Layers,
    environment: &'a BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    /// Reads them out of these layers, and credentials and directories as systemd names them.
    pub fn new(layers: Layers, environment: &'a BTreeMap<String, String>) -> Reader<'a> {
        Reader { layers, environment }
    }

    /// Everything, checked.
    ///
    /// # Errors
    /// The first mistake found.
    pub fn config(&self, kind: Kind) -> Result<Config, ConfigError> {
        let schema = Schema::of(kind)?;
        let password = self.secret("redis_password", "redis_password_file")?;
        let token = self.secret("influx_token", "influx_token_file")?;
        let redis = self.redis()?;
        let influx = self.influx(token.is_some())?;
        let identity = Identity {
            user_id: self.name("user_id", "default")?,
            device_id: self.device_id(schema.device_id)?,
            host: self.name("host", &host_name())?,
        };
        let core = Settings {
            windows: self.windows()?,
            idle_timeout: self.integer("idle_timeout_ms", 2000, 0, LONGEST_IDLE_TIMEOUT_MS)? * 1000,
            min_events: self.count("min_events", kind.default_min_events(), MOST_MIN_EVENTS)?,
            buffer_events: self.count("buffer_events", kind.default_buffer_events(), MOST_BUFFER_EVENTS)?,
            dev_mode: self.dev_mode()?,
        };
        let log = Log {
            level: self.one_of("log_level", Level::Info, &Level::NAMES)?,
            format: self.one_of(
                "log_format",
                Format::Logfmt,
                &[("logfmt", Format::Logfmt), ("json", Format::Json)],
            )?,
        };
        let mut config = Config {
            kind,
            redis: redis.endpoint,
            redis_username: redis.username.or_else(|| self.text("redis_username")),
            redis_password: redis.password.or(password),
            redis_database: redis.database,
            influx,
            influx_org: self.name("influx_org", "seclyzer")?,
            influx_bucket: self.name("influx_bucket", "behavioral_data")?,
            influx_token: token,
            influx_timeout: self.duration("influx_timeout_seconds", INFLUX_TIMEOUT_S)?,
            influx_retry: self.duration("influx_retry_seconds", INFLUX_RETRY_S)?,
            spool_bytes: self.spool_bytes()?,
            stream_bytes: self.integer("stream_bytes", STREAM_BYTES, SMALLEST_STREAM, LARGEST_STREAM)?,
            core,
            identity,
            log,
            state_dir: self.state_dir(),
            shown: Vec::new(),
        };
        config.shown = SETTINGS
            .iter()
            .filter(|setting| setting.shown)
            .map(|setting| (setting.key, self.shown(setting.key, &config)))
            .collect();
        Ok(config)
    }

    fn text(&self, key: &str) -> Option<String> {
        self.layers.get(key).map(|given| given.text.clone()).filter(|text| !text.is_empty())
    }

    fn refused(&self, key: &'static str, given: &Given, allowed: impl Into<String>) -> ConfigError {
        // An address that is not understood may hold a password anywhere.
        let secret = key == "influx_token" || key.ends_with("_url") && given.text.contains(['@', '?']);
        let value = if secret { "********".to_owned() } else { given.text.clone() };
        ConfigError::Value { key, value, origin: given.source.to_string(), allowed: allowed.into() }
    }

    /// Only the points of applications have no such tag.
    fn device_id(&self, default: Option<&str>) -> Result<String, ConfigError> {
        match (default, self.layers.get("device_id")) {
            (None, None) => Ok(String::new()),
            (None, Some(given)) if given.text.is_empty() => Ok(String::new()),
            (default, _) => self.name("device_id", default.unwrap_or_default()),
        }
    }

    /// A text that becomes a tag or a parameter.
    fn name(&self, key: &'static str, default: &str) -> Result<String, ConfigError> {
        match self.layers.get(key) {
            None => Ok(default.to_owned()),
            Some(given) if given.text.is_empty() || given.text.chars().count() > 256 => {
                Err(self.refused(key, given, "1 to 256 characters"))
            }
            Some(given) => Ok(given.text.clone()),
        }
    }

    fn integer(&self, key: &'static str, default: i64, least: i64, most: i64) -> Result<i64, ConfigError> {
        let Some(given) = self.layers.get(key) else {
            return Ok(default);
        };
        let number = digits(&given.text, 18).filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| self.refused(key, given, format!("a whole number from {least} to {most}")))
    }

    fn count(&self, key: &'static str, default: usize, most: i64) -> Result<usize, ConfigError> {
        let default = i64::try_from(default).unwrap_or(most);
        let count = self.integer(key, default, 1, most)?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Seconds in whole ms, as µs.
    fn seconds(&self, key: &'static str, default: i64) -> Result<i64, ConfigError> {
        let Some(given) = self.layers.get(key) else {
            return Ok(default * 1_000_000);
        };
        let (whole, fraction) = given.text.split_once('.').unwrap_or((&given.text, "0"));
        let plain = [whole, fraction].iter().all(|part| digits(part, 9).is_some());
        let ms = given.text.parse::<f64>().ok().filter(|_| plain).map(|seconds| seconds * 1000.0);
        let whole =
            ms.filter(|ms| (1.0..=LONGEST_WINDOW_S * 1000.0).contains(ms) && (ms - ms.round()).abs() < 1e-6);
        let allowed = "seconds in whole milliseconds, from 0.001 to 86400";
        whole.map(|ms| ms.round() as i64 * 1000).ok_or_else(|| self.refused(key, given, allowed))
    }

    fn duration(&self, key: &'static str, default: i64) -> Result<Duration, ConfigError> {
        Ok(Duration::from_micros(self.seconds(key, default)?.unsigned_abs()))
    }

    fn spool_bytes(&self) -> Result<u64, ConfigError> {
        let Some(given) = self.layers.get("spool_bytes") else {
            return Ok(SPOOL_BYTES.unsigned_abs());
        };
        let sensible = |bytes: &i64| *bytes == 0 || (SMALLEST_SPOOL..=LARGEST_SPOOL).contains(bytes);
        let bytes = digits(&given.text, 18).filter(sensible).map(i64::unsigned_abs);
        bytes.ok_or_else(|| {
            let allowed = format!("0 (no spool), or a whole number from {SMALLEST_SPOOL} to {LARGEST_SPOOL}");
            self.refused("spool_bytes", given, allowed)
        })
    }

    fn windows(&self) -> Result<Windows, ConfigError> {
        let windows = Windows {
            interval: self.seconds("update_interval", 5)?,
            window: self.seconds("window_seconds", 30)?,
            lateness: self.integer("lateness_ms", 250, 0, LONGEST_LATENESS_MS)? * 1000,
        };
        if windows.interval <= windows.window {
            return Ok(windows);
        }
        let allowed = format!("at most window_seconds ({})", shown_seconds(windows.window));
        Err(ConfigError::InForce { key: "update_interval", value: shown_seconds(windows.interval), allowed })
    }

    fn dev_mode(&self) -> Result<bool, ConfigError> {
        let Some(given) = self.layers.get("dev_mode") else {
            return Ok(false);
        };
        match given.text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(self.refused("dev_mode", given, "true or false (also yes, no, on, off, 1, 0)")),
        }
    }

    fn one_of<T: Copy>(
        &self,
        key: &'static str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let Some(given) = self.layers.get(key) else {
            return Ok(default);
        };
        let chosen = choices.iter().find(|(name, _)| given.text.eq_ignore_ascii_case(name));
        let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        chosen
            .map(|(_, choice)| *choice)
            .ok_or_else(|| self.refused(key, given, format!("one of {}", names())))
    }

    fn redis(&self) -> Result<RedisUrl, ConfigError> {
        let host = self.name("redis_host", "127.0.0.1")?;
        let port = self.integer("redis_port", 6379, 1, 65_535)?;
        if let Some(given) = self.layers.get("redis_url").filter(|given| !given.text.is_empty()) {
            return parse_redis_url(&given.text)
                .ok_or_else(|| self.refused("redis_url", given, REDIS_URL_FORMS));
        }
        let endpoint = Endpoint::Tcp { host, port: u16::try_from(port).unwrap_or(6379) };
        Ok(RedisUrl { endpoint, database: 0, username: None, password: None })
    }

    fn influx(&self, with_token: bool) -> Result<InfluxUrl, ConfigError> {
        let default = Given { text: DEFAULT_INFLUX_URL.to_owned(), source: Source::File };
        let given = self.layers.get("influx_url").unwrap_or(&default);
        let ca_file = self.text("influx_ca_file").map(PathBuf::from);
        let url = parse_influx_url(&given.text, ca_file)
            .ok_or_else(|| self.refused("influx_url", given, INFLUX_URL_FORMS))?;
        if with_token && !url.private() {
            return Err(self.refused("influx_url", given, PRIVATE_FORMS));
        }
        Ok(InfluxUrl { socket: self.influx_socket()?, ..url })
    }

    fn influx_socket(&self) -> Result<Option<PathBuf>, ConfigError> {
        let Some(given) = self.layers.get("influx_socket").filter(|given| !given.text.is_empty()) else {
            return Ok(None);
        };
        let path = &given.text;
        if path.starts_with('/') && !path.contains('\0') && path.len() <= LONGEST_SOCKET_PATH {
            return Ok(Some(path.into()));
        }
        let allowed =
            format!("a unix socket's path from /, of at most {LONGEST_SOCKET_PATH} bytes, or empty");
        Err(self.refused("influx_socket", given, allowed))
    }

    /// A secret: given itself or as a file, the higher layer first; else a systemd credential of that name.
    fn secret(&self, key: &'static str, file_key: &'static str) -> Result<Option<Secret>, ConfigError> {
        let text = self.layers.get(key).filter(|given| !given.text.is_empty());
        let file = self.layers.get(file_key).filter(|given| !given.text.is_empty());
        if let Some(given) = text
            .filter(|given| key == "influx_token" && !given.text.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(self.refused(key, given, "a token: printable ASCII without spaces"));
        }
        match (text, file) {
            (Some(text), Some(file)) if text.source.layer() >= file.source.layer() => {
                Ok(Some(Secret(text.text.clone())))
            }
            (_, Some(file)) => read_secret(file_key, Path::new(&file.text)),
            (Some(text), None) => Ok(Some(Secret(text.text.clone()))),
            (None, None) => match self.environment.get("CREDENTIALS_DIRECTORY") {
                Some(directory) if Path::new(directory).join(key).exists() => {
                    read_secret("CREDENTIALS_DIRECTORY", &Path::new(directory).join(key))
                }
                _ => Ok(None),
            },
        }
    }

    /// A flag beats systemd's `$STATE_DIRECTORY` (the first of a list), which beats the rest.
    fn state_dir(&self) -> Option<PathBuf> {
        let given = self.layers.get("state_dir").filter(|given| !given.text.is_empty());
        let systemd = self.environment.get("STATE_DIRECTORY").and_then(|list| list.split(':').next());
        match (given, systemd.filter(|directory| !directory.is_empty())) {
            (Some(Given { text, source: Source::Flag(_) }), _) => Some(text.into()),
            (_, Some(directory)) => Some(directory.into()),
            (given, None) => given.map(|given| given.text.clone().into()),
        }
    }

    /// A setting's value as YAML.
    fn shown(&self, key: &str, config: &Config) -> String {
        let masked = |secret: &Option<Secret>| if secret.is_some() { "********" } else { "" };
        let text = match key {
            "redis_url" => address::masked(&self.text(key).unwrap_or_default()),
            "redis_host" => self.text(key).unwrap_or_else(|| "127.0.0.1".to_owned()),
            "redis_port" => {
                return self.text(key).and_then(|text| digits(&text, 18)).unwrap_or(6379).to_string();
            }
            "redis_username" => config.redis_username.clone().unwrap_or_default(),
            "redis_password" => masked(&config.redis_password).to_owned(),
            "influx_url" => config.influx.url.clone(),
            "influx_org" => config.influx_org.clone(),
            "influx_bucket" => config.influx_bucket.clone(),
            "influx_token" => masked(&config.influx_token).to_owned(),
            "influx_timeout_seconds" => return config.influx_timeout.as_secs_f64().to_string(),
            "influx_retry_seconds" => return config.influx_retry.as_secs_f64().to_string(),
            "spool_bytes" => return config.spool_bytes.to_string(),
            "stream_bytes" => return config.stream_bytes.to_string(),
            "window_seconds" => return shown_seconds(config.core.windows.window),
            "update_interval" => return shown_seconds(config.core.windows.interval),
            "lateness_ms" => return (config.core.windows.lateness / 1000).to_string(),
            "idle_timeout_ms" => return (config.core.idle_timeout / 1000).to_string(),
            "min_events" => return config.core.min_events.to_string(),
            "buffer_events" => return config.core.buffer_events.to_string(),
            "dev_mode" => return config.core.dev_mode.to_string(),
            "user_id" => config.identity.user_id.clone(),
            "device_id" => config.identity.device_id.clone(),
            "host" => config.identity.host.clone(),
            "log_level" => config.log.level.name().to_owned(),
            "log_format" => if config.log.format == Format::Json { "json" } else { "logfmt" }.to_owned(),
            "state_dir" => config.state_dir.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default(),
            _ => self.text(key).unwrap_or_default(),
        };
        let mut quoted = String::new();
        quote(&mut quoted, &text);
        quoted
    }
}

const DEFAULT_INFLUX_URL: &str = "http://127.0.0.1:8086";

fn read_secret(key: &'static str, path: &Path) -> Result<Option<Secret>, ConfigError> {
    let data = std::fs::read(path);
    let data = data.map_err(|source| ConfigError::SecretFile { key, path: path.to_owned(), source })?;
    let line = data.strip_suffix(b"\r\n").or(data.strip_suffix(b"\n")).unwrap_or(&data);
    match (secret_fault(line), str::from_utf8(line)) {
        (None, Ok(text)) => Ok(Some(Secret(text.to_owned()))),
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

fn shown_seconds(us: i64) -> String {
    (us as f64 / 1e6).to_string()
}

/// The host's name, as the kernel knows it.
fn host_name() -> String {
    // Not from /proc/sys: a unit's sandbox hides it.
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
