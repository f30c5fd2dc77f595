//! The settings as a table: `extractors/schema/settings.json`.

use std::time::Duration;

use super::address::masked;
use super::values::Reader;
use super::{ConfigError, Secret};
use crate::json::quote;
use crate::schema::{Kind, Schema};

/// One setting: its key in the file, its environment variable and, for the common ones, its flag.
#[derive(Debug)]
pub struct Setting {
    /// The key in the configuration file.
    pub key: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// The flag.
    pub flag: Option<&'static str>,
    /// What the flag's value is called in the help; none for a flag without a value.
    pub metavar: Option<&'static str>,
    /// What is in force when nothing is configured.
    pub default: Default,
    /// Of a secret: what names a file that holds it.
    pub file: Option<FileOf>,
    /// A sentence for people.
    pub help: &'static str,
}

/// What names a secret's file.
#[derive(Debug)]
pub struct FileOf {
    /// The key in the configuration file.
    pub key: &'static str,
    /// The environment variable.
    pub variable: &'static str,
}

/// What is in force when nothing is configured.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// A text.
    Text(&'static str),
    /// A number, true or false.
    Plain(&'static str),
    /// A text that the kind or the host determines.
    TextOf(fn(Kind) -> String),
    /// A number that the kind determines.
    PlainOf(fn(Kind) -> String),
}

/// Defaults that the kind or the host determines.
mod default_of {
    use super::{Default, device_id, hostname};

    pub const KIND_MIN_EVENTS: Default = Default::PlainOf(|kind| kind.default_min_events().to_string());
    pub const KIND_BUFFER_EVENTS: Default = Default::PlainOf(|kind| kind.default_buffer_events().to_string());
    pub const FEATURES_DEVICE_ID: Default = Default::TextOf(device_id);
    pub const HOSTNAME: Default = Default::TextOf(|_| hostname());
}

include!(concat!(env!("OUT_DIR"), "/settings.rs"));

impl Default {
    /// As a person would write it.
    pub fn text(self, kind: Kind) -> String {
        match self {
            Default::Text(text) | Default::Plain(text) => text.to_owned(),
            Default::TextOf(text) | Default::PlainOf(text) => text(kind),
        }
    }

    /// As JSON.
    pub fn json(self, kind: Kind) -> String {
        let text = self.text(kind);
        match self {
            Default::Text(_) | Default::TextOf(_) => quoted(&text),
            Default::Plain(_) | Default::PlainOf(_) => text,
        }
    }
}

/// Empty for the points of applications, which have no such tag.
fn device_id(kind: Kind) -> String {
    Schema::of(kind).device_id.unwrap_or_default().to_owned()
}

/// The host's name, as the kernel knows it.
fn hostname() -> String {
    // Not from /proc/sys: a unit's sandbox hides it.
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// A time that may have a fraction, in µs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds {
    /// In µs.
    pub us: i64,
}

impl Seconds {
    /// The same.
    pub fn duration(self) -> Duration {
        Duration::from_micros(self.us.unsigned_abs())
    }
}

/// An address that may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub String);

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

/// A value as YAML, secrets masked.
pub trait Shown {
    /// The YAML.
    fn shown(&self) -> String;
}

impl Shown for String {
    fn shown(&self) -> String {
        quoted(self)
    }
}

impl Shown for &str {
    fn shown(&self) -> String {
        quoted(self)
    }
}

impl Shown for i64 {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for bool {
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Shown for Seconds {
    fn shown(&self) -> String {
        (self.us as f64 / 1e6).to_string()
    }
}

impl Shown for Address {
    fn shown(&self) -> String {
        quoted(&masked(&self.0))
    }
}

impl Shown for Option<Secret> {
    fn shown(&self) -> String {
        quoted(if self.is_some() { "********" } else { "" })
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    quote(&mut quoted, text);
    quoted
}
