//! Records as texts: JSON for Redis, line protocol for InfluxDB (contract, section 4).

use std::fmt::Write as _;

pub use crate::features::Value;
use crate::json::{Object, number};
use crate::patterns::Report;
use crate::schema::{Kind, SCHEMA, Schema};
use crate::timestamp::timestamp;
use crate::{IMPLEMENTATION, VERSION};

/// What is put out at once: the features of a window, or a transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The window's end, or the transition's time, in µs.
    pub ts: i64,
    /// In the schema's order.
    pub values: Vec<Value>,
}

/// Who the features are of: the tags of a point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The tag `user_id`.
    pub user_id: String,
    /// The tag `device_id`; app transitions have none.
    pub device_id: String,
    /// The tag `host`.
    pub host: String,
}

/// Writes the records of one kind of extractor.
#[derive(Clone, Debug)]
pub struct Writer {
    kind: Kind,
    schema: &'static Schema,
}

impl Writer {
    /// A writer of one kind's records.
    pub fn new(kind: Kind, schema: &'static Schema) -> Writer {
        Writer { kind, schema }
    }

    /// The channel and the list's key.
    pub fn channel(&self) -> &'static str {
        self.schema.channel
    }

    /// One flat JSON object.
    pub fn json(&self, record: &Record) -> String {
        let mut object = Object::new();
        for (feature, value) in self.schema.features.iter().zip(&record.values) {
            match value {
                Value::Number(number) => object.number(feature.name, *number),
                Value::Count(count) => object.raw(feature.name, format_args!("{count}")),
                Value::Bool(flag) => object.bool(feature.name, *flag),
                Value::Text(text) => object.text(feature.name, text),
            };
        }
        object.text("timestamp", &timestamp(record.ts)).integer("ts", record.ts);
        end(object, self.kind.name())
    }

    /// One point in line protocol, its time in µs.
    pub fn line(&self, record: &Record, identity: &Identity) -> String {
        let values = || self.schema.features.iter().map(|feature| feature.name).zip(&record.values);
        let mut line = String::from(self.schema.measurement);
        for tag in self.schema.tags {
            let value = match *tag {
                "user_id" => identity.user_id.as_str(),
                "device_id" => identity.device_id.as_str(),
                "host" => identity.host.as_str(),
                tag => values()
                    .find_map(|(name, value)| match value {
                        Value::Text(text) if name == tag => Some(text.as_str()),
                        _ => None,
                    })
                    .unwrap_or_default(),
            };
            let _ = write!(line, ",{tag}={}", tag_value(value));
        }
        let mut separator = ' ';
        for (name, value) in values().filter(|(_, value)| !matches!(value, Value::Text(_))) {
            line.push(separator);
            line.push_str(name);
            line.push('=');
            match value {
                Value::Number(value) => number(&mut line, *value),
                Value::Count(count) => line.push_str(&count.to_string()),
                Value::Bool(flag) => line.push(if *flag { '1' } else { '0' }),
                Value::Text(_) => {}
            }
            separator = ',';
        }
        let _ = write!(line, ",implementation=\"{IMPLEMENTATION}\",schema={SCHEMA}i {}", record.ts);
        line
    }
}

/// The patterns of the application tracker as one JSON object; `taken` is the `ts` of the last event taken.
pub fn patterns_json(report: &Report, taken: Option<i64>) -> String {
    let mut object = Object::new();
    object
        .raw("transition_matrix", format_args!("{}", report.transition_matrix))
        .raw("time_preferences", format_args!("{}", report.time_preferences))
        .raw("usage_stats", format_args!("{}", report.usage_stats))
        .bool("dev_mode", report.dev_mode);
    match taken {
        Some(ts) => object.text("timestamp", &timestamp(ts)).integer("ts", ts),
        None => object.raw("timestamp", format_args!("null")).raw("ts", format_args!("null")),
    };
    end(object, "app_patterns")
}

fn end(mut object: Object, kind: &str) -> String {
    object.text("type", kind).integer("schema", SCHEMA.into());
    object.text("implementation", IMPLEMENTATION).text("version", VERSION);
    object.finish()
}

/// The time (µs) at the end of a line of line protocol; none when there is none.
pub fn line_ts(line: &[u8]) -> Option<i64> {
    let tail = line.rsplit(|byte| *byte == b' ').next()?;
    let digits = tail.iter().all(u8::is_ascii_digit);
    str::from_utf8(tail).ok().filter(|_| digits)?.parse().ok()
}

/// A tag's value: control characters become `_`, a backslash (which could not stand before a separator or at the
/// end) becomes `/`, and separators are escaped.
fn tag_value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x1f' | '\x7f' => escaped.push('_'),
            '\\' => escaped.push('/'),
            ',' | '=' | ' ' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FeatureKind;

    fn transition(from: &str) -> Record {
        let values =
            vec![Value::Text(from.into()), Value::Text("b".into()), Value::Count(15_000), Value::Bool(true)];
        Record { ts: 1_700_000_000_000_001, values }
    }

    fn writer(kind: Kind) -> Writer {
        Writer::new(kind, Schema::of(kind))
    }

    fn identity() -> Identity {
        Identity { user_id: "default".into(), device_id: "keyboard_0".into(), host: "edge 1".into() }
    }

    #[test]
    fn a_transition_is_one_flat_object_in_the_contracts_order() {
        let json = writer(Kind::App).json(&transition("say \"a\""));
        let expected = format!(
            "{{\"from_app\": \"say \\\"a\\\"\", \"to_app\": \"b\", \"duration_ms\": 15000, \"dev_mode\": true, \
             \"timestamp\": \"2023-11-14T22:13:20.000001Z\", \"ts\": 1700000000000001, \"type\": \"app\", \
             \"schema\": 2, \"implementation\": \"rust\", \"version\": \"{VERSION}\"}}"
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn a_tag_cannot_break_its_point() {
        let line = writer(Kind::App).line(&transition("a,b=c d\\\n\u{7f}\\"), &identity());
        assert_eq!(
            line,
            "app_transitions,user_id=default,host=edge\\ 1,from_app=a\\,b\\=c\\ d/__/,to_app=b \
             duration_ms=15000,dev_mode=1,implementation=\"rust\",schema=2i 1700000000000001"
        );
    }

    #[test]
    fn features_are_float_fields_and_names_are_tags() {
        let schema = Schema::of(Kind::Keystroke);
        let values = schema.features.iter().map(|feature| match feature.kind {
            FeatureKind::Count => Value::Count(7),
            FeatureKind::Bool => Value::Bool(false),
            _ => Value::Number(0.5),
        });
        let record = Record { ts: 5, values: values.collect() };
        let line = writer(Kind::Keystroke).line(&record, &identity());
        assert!(line.starts_with(
            "keystroke_features,user_id=default,device_id=keyboard_0,host=edge\\ 1 dwell_mean=0.5,"
        ));
        assert!(line.contains(",total_keys=7,dwell_q10=0.5,"));
        assert!(line.ends_with(",dev_mode=0,implementation=\"rust\",schema=2i 5"));
    }
}
