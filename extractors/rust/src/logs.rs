//! Logs: one line per event of note on stderr, logfmt or JSON, for the journal. What is logged stands in
//! `extractors/schema/log.json`; no line holds what a person typed.

use std::fmt::{Display, Write as _};
#[cfg(not(test))]
use std::io::Write as _;

use crate::json::{Object, quote};
use crate::timestamp::{timestamp, wall_us};

/// How urgent a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Of interest when something is searched for.
    Debug,
    /// Worth knowing.
    Info,
    /// Not as it should be.
    Warning,
    /// To be mended by an operator.
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

    /// The level of this name.
    pub fn of(name: &str) -> Level {
        Level::NAMES.iter().find(|(known, _)| *known == name).map_or(Level::Info, |(_, level)| *level)
    }

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

/// A kind of line, with the names of its fields.
#[derive(Debug)]
pub struct Line<const N: usize> {
    level: Level,
    message: &'static str,
    fields: [&'static str; N],
}

/// Every line, the words of STATUS and the names of dependencies, from the spec.
pub mod lines {
    use super::{Level, Line};

    include!(concat!(env!("OUT_DIR"), "/log.rs"));
}

/// A field's value.
#[derive(Clone, Copy)]
pub enum Field<'a> {
    /// A number, in JSON too.
    Number(i128),
    /// A text.
    Text(&'a dyn Display),
    /// The field is left out.
    Absent,
}

macro_rules! numbers {
    ($($number:ty)*) => {
        $(impl From<$number> for Field<'_> {
            fn from(number: $number) -> Self {
                Field::Number(number as i128)
            }
        })*
    };
}

numbers!(u16 u32 u64 i64 usize);

impl<'a, T: Display> From<&'a T> for Field<'a> {
    fn from(text: &'a T) -> Self {
        Field::Text(text)
    }
}

impl<'a, T: Into<Field<'a>>> From<Option<T>> for Field<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Field::Absent, Into::into)
    }
}

/// Writes lines to stderr.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// What is below this is not written.
    pub level: Level,
    /// How lines are written.
    pub format: Format,
}

impl Log {
    /// Writes a line; `fields` are the values of its fields, in the spec's order.
    pub fn line<const N: usize>(&self, line: &Line<N>, fields: [Field<'_>; N]) {
        self.write(line.level, line.message, &line.fields, &fields);
    }

    /// The same, of a dependency.
    pub fn of<const N: usize>(&self, dependency: &str, line: &Line<N>, fields: [Field<'_>; N]) {
        let message = line.message.replace("{dependency}", dependency);
        self.write(line.level, &message, &line.fields, &fields);
    }

    /// From now on a crash logs where, in one line, and not why: a panic's text could hold what a person typed.
    pub fn crashes(self) {
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("unknown".to_owned(), ToString::to_string);
            self.line(&lines::CRASHED, [(&"panic").into(), (&place).into()]);
        }));
    }

    fn write(&self, level: Level, message: &str, names: &[&str], fields: &[Field<'_>]) {
        if level < self.level {
            return;
        }
        let mut line = self.text(&timestamp(wall_us()), level, message, names, fields);
        line.push('\n');
        put(&line);
    }

    fn text(&self, ts: &str, level: Level, message: &str, names: &[&str], fields: &[Field<'_>]) -> String {
        let present = names.iter().zip(fields).filter(|(_, field)| !matches!(field, Field::Absent));
        if self.format == Format::Json {
            let mut object = Object::compact();
            object.text("ts", ts).text("level", level.name()).text("msg", message);
            for (name, field) in present {
                match field {
                    Field::Number(number) => object.raw(name, format_args!("{number}")),
                    Field::Text(text) => object.text(name, &text.to_string()),
                    Field::Absent => &mut object,
                };
            }
            return object.finish();
        }
        let mut line = format!("ts={ts} level={} msg=", level.name());
        put_value(&mut line, message);
        for (name, field) in present {
            let _ = write!(line, " {name}=");
            match field {
                Field::Number(number) => _ = write!(line, "{number}"),
                Field::Text(text) => put_value(&mut line, &text.to_string()),
                Field::Absent => {}
            }
        }
        line
    }
}

/// A value of logfmt: quoted if it has to be.
fn put_value(line: &mut String, value: &str) {
    let is_plain = |c: char| c > ' ' && !matches!(c, '"' | '=' | '\\' | '\u{7f}');
    if value.is_empty() || !value.chars().all(is_plain) {
        quote(line, value);
    } else {
        line.push_str(value);
    }
}

#[cfg(not(test))]
fn put(line: &str) {
    // A journal that is gone is no reason to stop.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Shown for tests that fail.
#[cfg(test)]
fn put(line: &str) {
    eprint!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["after_s", "reason", "advice", "host"];

    fn text(format: Format, message: &str) -> String {
        let log = Log { level: Level::Info, format };
        let absent: Option<u64> = None;
        let fields = [3u64.into(), (&"no \"way\"\n").into(), absent.into(), (&"tür").into()];
        log.text("T", Level::Warning, message, &NAMES, &fields)
    }

    #[test]
    fn logfmt_quotes_what_needs_it() {
        assert_eq!(
            text(Format::Logfmt, "Redis is away"),
            r#"ts=T level=warning msg="Redis is away" after_s=3 reason="no \"way\"\n" host=tür"#
        );
        assert!(text(Format::Logfmt, "up").contains(" msg=up "), "no more than what needs it");
    }

    #[test]
    fn json_lines_hold_the_same_and_numbers_stay_numbers() {
        assert_eq!(
            text(Format::Json, "up"),
            r#"{"ts":"T","level":"warning","msg":"up","after_s":3,"reason":"no \"way\"\n","host":"tür"}"#
        );
    }
}
