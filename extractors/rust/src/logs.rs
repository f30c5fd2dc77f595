//! Logs: one line per event of note on stderr, logfmt or JSON, for the journal.

use std::fmt::{Display, Write as _};
#[cfg(not(test))]
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::json::{Object, quote};
use crate::output::timestamp;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Debug,
    /// What is worth knowing.
    Info,
    /// What is not as it should be.
    Warning,
    /// What somebody has to mend.
    Error,
}

impl Level {
    /// From least to most urgent.
    pub const NAMES: [(&str, Level); 4] = [
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warning", Level::Warning),
        ("error", Level::Error),
    ];

    /// Its name in the configuration and in the lines.
    pub fn name(self) -> &'static str {
        Level::NAMES[self as usize].0
    }
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `ts=… level=info msg="…" key=value`
    Logfmt,
    /// The same as one flat JSON object.
    Json,
}

/// A field of a line.
pub type Field<'a> = (&'a str, &'a dyn Display);

/// Writes lines to stderr.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// What is below this is not written.
    pub level: Level,
    /// How lines are written.
    pub format: Format,
}

impl Log {
    /// Says what is only of interest when something is searched for.
    pub fn debug(&self, message: &str, fields: &[Field<'_>]) {
        self.write(Level::Debug, message, fields);
    }

    /// Says what is worth knowing.
    pub fn info(&self, message: &str, fields: &[Field<'_>]) {
        self.write(Level::Info, message, fields);
    }

    /// Says what is not as it should be.
    pub fn warning(&self, message: &str, fields: &[Field<'_>]) {
        self.write(Level::Warning, message, fields);
    }

    /// Says what somebody has to mend.
    pub fn error(&self, message: &str, fields: &[Field<'_>]) {
        self.write(Level::Error, message, fields);
    }

    /// From now on a crash says where, in one line, and not why: a panic's text could hold what a person typed.
    pub fn crashes(self) {
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("unknown".to_owned(), ToString::to_string);
            self.error("crashed", &[("where", &place)]);
        }));
    }

    fn write(&self, level: Level, message: &str, fields: &[Field<'_>]) {
        if level < self.level {
            return;
        }
        let mut line = self.line(&timestamp(wall_us()), level, message, fields);
        line.push('\n');
        say(&line);
    }

    fn line(&self, ts: &str, level: Level, message: &str, fields: &[Field<'_>]) -> String {
        if self.format == Format::Json {
            let mut object = Object::new();
            object.text("ts", ts).text("level", level.name()).text("msg", message);
            for (key, value) in fields {
                object.text(key, &value.to_string());
            }
            return object.finish();
        }
        let mut line = format!("ts={ts} level={} msg=", level.name());
        quote(&mut line, message);
        for (key, value) in fields {
            let value = value.to_string();
            let _ = write!(line, " {key}=");
            if value.is_empty() || value.contains(|c: char| c <= ' ' || matches!(c, '"' | '=' | '\\')) {
                quote(&mut line, &value);
            } else {
                line.push_str(&value);
            }
        }
        line
    }
}

#[cfg(not(test))]
fn say(line: &str) {
    // A journal that is gone is no reason to stop.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Shown for tests that fail.
#[cfg(test)]
fn say(line: &str) {
    eprint!("{line}");
}

/// The host's clock, in µs since the Unix epoch.
pub fn wall_us() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field<'static>] = &[("try", &3), ("error", &"no \"way\"\n")];

    #[test]
    fn logfmt_quotes_what_needs_it() {
        let log = Log { level: Level::Info, format: Format::Logfmt };
        assert_eq!(
            log.line("T", Level::Warning, "Redis is away", FIELDS),
            r#"ts=T level=warning msg="Redis is away" try=3 error="no \"way\"\n""#
        );
    }

    #[test]
    fn json_lines_hold_the_same() {
        let log = Log { level: Level::Info, format: Format::Json };
        assert_eq!(
            log.line("T", Level::Info, "up", FIELDS),
            r#"{"ts": "T", "level": "info", "msg": "up", "try": "3", "error": "no \"way\"\n"}"#
        );
    }
}
