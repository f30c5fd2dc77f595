//! What the application tracker learns: who follows whom, at what hours, for how long.
//!
//! At most [`KEPT_NAMES`] names are kept. Past that, the one whose last focus is the longest ago is folded into
//! [`OTHER`], which is not one of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many names are kept beside [`OTHER`].
pub const KEPT_NAMES: usize = 200;
/// The name that stands for all that were folded.
pub const OTHER: &str = "(other)";
const MOST_USED: usize = 10;
const US_PER_HOUR: i64 = 3_600_000_000;

/// The counts of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    name: String,
    /// The number of its last gain of the focus.
    gain: u64,
    /// How often it gained the focus, by hour of day in UTC.
    hours: BTreeMap<u8, u64>,
    /// How long it had the focus before the transitions out of it, in µs.
    duration_us: i64,
    /// Transitions out of it, by name.
    to: BTreeMap<String, u64>,
}

impl App {
    fn transitions(&self) -> u64 {
        self.to.values().sum()
    }
}

/// All counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Any event taken ever was in developer mode.
    pub dev_mode: bool,
    /// The `ts` of the event taken last, in µs.
    pub taken_ts: Option<i64>,
    /// All transitions ever.
    pub total_transitions: u64,
    /// How often a name was newly kept.
    pub unique_apps: u64,
    /// All gains of the focus ever, which number them.
    pub gains: u64,
    /// In order of first appearance.
    pub apps: Vec<App>,
}

impl Patterns {
    /// `name` gained the focus at `ts`.
    pub fn gain(&mut self, name: &str, ts: i64) {
        self.gains += 1;
        let gain = self.gains;
        let app = self.enter(name);
        app.gain = gain;
        *app.hours.entry(hour_of(ts)).or_default() += 1;
    }

    /// The focus went from one name to another after `duration` µs.
    pub fn transition(&mut self, from: &str, to: &str, duration: i64) {
        self.total_transitions += 1;
        let from = self.enter(from);
        from.duration_us += duration;
        *from.to.entry(to.to_owned()).or_default() += 1;
    }

    /// The counts of a name, which is kept from now on.
    fn enter(&mut self, name: &str) -> &mut App {
        if let Some(known) = self.apps.iter().position(|app| app.name == name) {
            return &mut self.apps[known];
        }
        if name != OTHER {
            self.unique_apps += 1;
            self.make_room();
        }
        self.apps.push(App { name: name.to_owned(), ..App::default() });
        let new = self.apps.len() - 1;
        &mut self.apps[new]
    }

    fn make_room(&mut self) {
        let kept = self.apps.iter().enumerate().filter(|(_, app)| app.name != OTHER);
        if kept.clone().count() >= KEPT_NAMES
            && let Some((oldest, _)) = kept.min_by_key(|(_, app)| app.gain)
        {
            self.fold(oldest);
        }
    }

    /// Adds all counts of one name to those of [`OTHER`]: its row, its column, its hours and durations.
    fn fold(&mut self, index: usize) {
        let folded = self.apps.remove(index);
        let other = self.enter(OTHER);
        other.duration_us += folded.duration_us;
        for (hour, count) in folded.hours {
            *other.hours.entry(hour).or_default() += count;
        }
        for (to, count) in folded.to {
            *other.to.entry(to).or_default() += count;
        }
        for app in &mut self.apps {
            if let Some(count) = app.to.remove(&folded.name) {
                *app.to.entry(OTHER.to_owned()).or_default() += count;
            }
        }
    }

    /// The patterns as the contract shows them.
    pub fn report(&self, dev_mode: bool) -> Report {
        let share = |count: &u64, of: u64| json!(*count as f64 / of as f64);
        let leaving = || self.apps.iter().filter(|app| !app.to.is_empty());
        let matrix = leaving().map(|app| {
            let all = app.transitions();
            let row: Value = app.to.iter().map(|(to, count)| (to.clone(), share(count, all))).collect();
            (app.name.clone(), row)
        });
        let times = self.apps.iter().filter(|app| !app.hours.is_empty()).map(|app| {
            let all = app.hours.values().sum();
            let hours: Value =
                app.hours.iter().map(|(hour, count)| (hour.to_string(), share(count, all))).collect();
            (app.name.clone(), hours)
        });
        let durations = leaving().map(|app| {
            let mean = app.duration_us as f64 / 1e6 / app.transitions() as f64;
            (app.name.clone(), json!(mean))
        });
        let mut most_used: Vec<(&str, u64)> =
            leaving().map(|app| (app.name.as_str(), app.transitions())).collect();
        most_used.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        most_used.truncate(MOST_USED);
        Report {
            transition_matrix: matrix.collect(),
            time_preferences: times.collect(),
            usage_stats: json!({
                "most_used": most_used,
                "avg_durations": durations.collect::<Value>(),
                "total_transitions": self.total_transitions,
                "unique_apps": self.unique_apps,
            }),
            dev_mode: dev_mode || self.dev_mode,
        }
    }
}

/// The patterns as JSON values, for [`crate::output`].
#[derive(Clone, Debug)]
pub struct Report {
    /// {from: {to: share of the transitions out of `from`}}
    pub transition_matrix: Value,
    /// {app: {hour: share of its gains of the focus}}
    pub time_preferences: Value,
    /// Most used names, mean durations in s, totals.
    pub usage_stats: Value,
    /// Any event ever, or the process, was in developer mode.
    pub dev_mode: bool,
}

/// The hour of the day in UTC.
fn hour_of(ts: i64) -> u8 {
    u8::try_from((ts / US_PER_HOUR).rem_euclid(24)).unwrap_or_default()
}
