//! The kinds of extractor (`extractors/schema/kinds.json`), and their features as data: names, order and measurement.
//!
//! `extractors/schema/features.json` is the only list of features; it is compiled in as tables, so a program and its
//! schema cannot come apart.

include!(concat!(env!("OUT_DIR"), "/kinds.rs"));
include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// The version of each state that outlives a restart (`extractors/schema/state.json`). What a later one wrote is left alone.
pub mod state_version {
    include!(concat!(env!("OUT_DIR"), "/state.rs"));
}

/// What is known of a kind: a row of `extractors/schema/kinds.json`.
struct KindSpec {
    name: &'static str,
    program: &'static str,
    unit: &'static str,
    min_events: usize,
    buffer_events: usize,
    session_after: u32,
}

impl Kind {
    fn spec(self) -> &'static KindSpec {
        &KINDS[self as usize]
    }

    /// The name in channels, keys and the `type` of events and features.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The name of the program.
    pub fn program(self) -> &'static str {
        self.spec().program
    }

    /// The name of the systemd service.
    pub fn unit(self) -> &'static str {
        self.spec().unit
    }

    /// How many events a window needs to be emitted, unless configured otherwise.
    pub fn default_min_events(self) -> usize {
        self.spec().min_events
    }

    /// How many events are held, unless configured otherwise.
    pub fn default_buffer_events(self) -> usize {
        self.spec().buffer_events
    }

    /// The how-many-th late event in a row starts a new session.
    pub fn session_after(self) -> u32 {
        self.spec().session_after
    }
}

/// How a feature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// A float64.
    Number,
    /// A whole number.
    Count,
    /// True or false.
    Bool,
    /// A text: a tag in InfluxDB.
    String,
}

/// One feature.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// Its name in every output.
    pub name: &'static str,
    /// How it is written.
    pub kind: FeatureKind,
}

/// What one kind of extractor puts out.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The pub/sub channel, which is the list's key as well.
    pub channel: &'static str,
    /// The measurement in InfluxDB.
    pub measurement: &'static str,
    /// The point's tags, in order.
    pub tags: &'static [&'static str],
    /// The default of the tag `device_id`, where there is one.
    pub device_id: Option<&'static str>,
    /// All features in the order in which they are written.
    pub features: &'static [Feature],
}

pub use crate::features::SCHEMA;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_features() {
        assert_eq!(
            Kind::ALL.map(Kind::name).to_vec(),
            KINDS.iter().map(|spec| spec.name).collect::<Vec<_>>()
        );
        for kind in Kind::ALL {
            assert!(!Schema::of(kind).features.is_empty(), "{}", kind.name());
        }
    }

    #[test]
    fn measurements_and_channels_are_those_of_the_existing_deployments() {
        let keystroke = Schema::of(Kind::Keystroke);
        assert_eq!(keystroke.channel, "seclyzer:features:keystroke");
        assert_eq!(keystroke.measurement, "keystroke_features");
        assert_eq!(keystroke.device_id, Some("keyboard_0"));
        let app = Schema::of(Kind::App);
        assert_eq!(app.tags, ["user_id", "host", "from_app", "to_app"]);
        assert_eq!(app.device_id, None);
    }
}
