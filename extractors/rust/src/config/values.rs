//! The value of each setting out of what was configured: its type and limits, one function for each type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::address::{
    INFLUX_URL_FORMS, LONGEST_SOCKET_PATH, REDIS_URL_FORMS, digits, parse_influx_url, parse_redis_url,
};
use super::layers::{Layers, Source};
use super::secret::{Secret, read_secret};
use super::settings::{Address, Seconds, Setting};
use crate::schema::Kind;

const LONGEST_MS: f64 = 86_400_000.0;
const LONGEST_NAME: usize = 256;

/// Reads values of one kind of extractor out of the layers.
pub struct Reader<'a> {
    layers: Layers,
    environment: &'a BTreeMap<String, String>,
    kind: Kind,
}

/// What is in force for a setting, as text.
struct Found<'a> {
    text: Cow<'a, str>,
    /// None for the default.
    source: Option<Source>,
}

type Value<T> = Result<T, ConfigError>;

impl<'a> Reader<'a> {
    /// Reads them out of these layers, and credentials and directories as systemd names them.
    pub fn new(layers: Layers, environment: &'a BTreeMap<String, String>, kind: Kind) -> Reader<'a> {
        Reader { layers, environment, kind }
    }

    fn found(&self, setting: &Setting) -> Found<'_> {
        match self.layers.get(setting.key) {
            Some(configured) => Found { text: Cow::from(&configured.text), source: Some(configured.source) },
            None => Found { text: Cow::from(setting.default.text(self.kind)), source: None },
        }
    }

    /// A value that is not allowed.
    pub fn refused(&self, setting: &Setting, allowed: impl Into<String>) -> ConfigError {
        let Found { text, source } = self.found(setting);
        // An address that is not understood may hold a password anywhere.
        let is_secret = setting.file.is_some() || setting.key.ends_with("_url") && text.contains(['@', '?']);
        let value = if is_secret { "********".to_owned() } else { text.into_owned() };
        let origin = source.map_or("default".to_owned(), |source| source.to_string());
        ConfigError::Value { key: setting.key, value, origin, allowed: allowed.into() }
    }

    /// The value, if this finds one in the text.
    fn checked<T>(
        &self,
        setting: &Setting,
        check: impl FnOnce(&str) -> Option<T>,
        allowed: impl FnOnce() -> String,
    ) -> Value<T> {
        check(&self.found(setting).text).ok_or_else(|| self.refused(setting, allowed()))
    }

    /// Any text.
    pub fn text(&self, setting: &Setting) -> Value<String> {
        self.checked(setting, |text| (!text.contains('\0')).then(|| text.to_owned()), || "text".to_owned())
    }

    /// A text that becomes a tag or a parameter. It is empty only where the default is.
    pub fn name(&self, setting: &Setting) -> Value<String> {
        let may_be_empty = setting.default.text(self.kind).is_empty();
        let fits = |text: &str| {
            (may_be_empty || !text.is_empty()) && text.chars().count() <= LONGEST_NAME && !text.contains('\0')
        };
        let check = |text: &str| fits(text).then(|| text.to_owned());
        self.checked(setting, check, || format!("1 to {LONGEST_NAME} characters"))
    }

    /// What goes into a header.
    pub fn token(&self, setting: &Setting) -> Value<String> {
        let check = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned());
        self.checked(setting, check, || "a token: printable ASCII without spaces".to_owned())
    }

    /// A whole number within limits.
    pub fn whole(&self, setting: &Setting, min: i64, max: i64) -> Value<i64> {
        let check = |text: &str| digits(text, 18).filter(|number| (min..=max).contains(number));
        self.checked(setting, check, || format!("a whole number from {min} to {max}"))
    }

    /// The same, or 0.
    pub fn size_or_zero(&self, setting: &Setting, min: i64, max: i64) -> Value<i64> {
        let fits = |size: &i64| *size == 0 || (min..=max).contains(size);
        let check = |text: &str| digits(text, 18).filter(fits);
        self.checked(setting, check, || format!("0 (no spool), or a whole number from {min} to {max}"))
    }

    /// Seconds in whole ms.
    pub fn seconds(&self, setting: &Setting) -> Value<Seconds> {
        let check = |text: &str| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let is_plain = [whole, fraction].iter().all(|part| digits(part, 9).is_some());
            let ms = text.parse::<f64>().ok().filter(|_| is_plain)? * 1000.0;
            let fits = (1.0..=LONGEST_MS).contains(&ms) && (ms - ms.round()).abs() < 1e-6;
            fits.then(|| Seconds { us: ms.round() as i64 * 1000 })
        };
        self.checked(setting, check, || "seconds in whole milliseconds, from 0.001 to 86400".to_owned())
    }

    /// True or false.
    pub fn flag(&self, setting: &Setting) -> Value<bool> {
        let check = |text: &str| match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        };
        self.checked(setting, check, || "true or false (also yes, no, on, off, 1, 0)".to_owned())
    }

    /// One of some words.
    pub fn choice(&self, setting: &Setting, choices: &[&'static str]) -> Value<&'static str> {
        let check = |text: &str| choices.iter().copied().find(|choice| text.eq_ignore_ascii_case(choice));
        self.checked(setting, check, || format!("one of {}", choices.join(", ")))
    }

    /// Where Redis listens; empty for host and port by themselves.
    pub fn redis_url(&self, setting: &Setting) -> Value<Address> {
        let is_good = |text: &str| text.is_empty() || parse_redis_url(text).is_some();
        let check = |text: &str| is_good(text).then(|| Address(text.to_owned()));
        self.checked(setting, check, || REDIS_URL_FORMS.to_owned())
    }

    /// Where InfluxDB listens, without a slash at its end.
    pub fn influx_url(&self, setting: &Setting) -> Value<String> {
        let check = |text: &str| parse_influx_url(text, None).map(|url| url.url);
        self.checked(setting, check, || INFLUX_URL_FORMS.to_owned())
    }

    /// The path of a unix socket, or nothing.
    pub fn socket_path(&self, setting: &Setting) -> Value<String> {
        let fits = |text: &str| {
            text.is_empty()
                || text.starts_with('/') && !text.contains('\0') && text.len() <= LONGEST_SOCKET_PATH
        };
        let check = |text: &str| fits(text).then(|| text.to_owned());
        self.checked(setting, check, || {
            format!("a unix socket's path from /, of at most {LONGEST_SOCKET_PATH} bytes, or empty")
        })
    }

    /// A secret: itself or in a file, the higher layer first; else a systemd credential of that name.
    pub fn secret(
        &self,
        setting: &Setting,
        check: fn(&Self, &Setting) -> Value<String>,
    ) -> Value<Option<Secret>> {
        let configured = |key: &str| self.layers.get(key).filter(|configured| !configured.text.is_empty());
        let (text, file_key) = (configured(setting.key), setting.file.as_ref().map(|file| file.key));
        let checked = check(self, setting)?;
        match (text, file_key.and_then(|key| Some((key, configured(key)?)))) {
            (Some(text), Some((_, file))) if text.source.layer() >= file.source.layer() => {
                Ok(Secret::of(checked))
            }
            (_, Some((key, file))) => read_secret(key, Path::new(&file.text)).map(Some),
            (Some(_), None) => Ok(Secret::of(checked)),
            (None, None) => match self.environment.get("CREDENTIALS_DIRECTORY") {
                Some(directory) if Path::new(directory).join(setting.key).exists() => {
                    read_secret("CREDENTIALS_DIRECTORY", &Path::new(directory).join(setting.key)).map(Some)
                }
                _ => Ok(None),
            },
        }
    }

    /// Where state is kept: a flag beats systemd's `$STATE_DIRECTORY` (the first of a list), which beats the rest.
    pub fn state_dir(&self, configured: &str) -> Option<PathBuf> {
        let is_flag = self
            .layers
            .get("state_dir")
            .is_some_and(|found| matches!(found.source, Source::Flag(_)) && !found.text.is_empty());
        let systemd = self.environment.get("STATE_DIRECTORY").and_then(|list| list.split(':').next());
        let systemd = systemd.filter(|directory| !directory.is_empty() && !is_flag);
        Some(systemd.unwrap_or(configured)).filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}
