//! What the application tracker goes on from after a restart: JSON in Redis, and a file for when Redis has forgotten.
//!
//! Both implementations read and write the same format, so that a host may change its mode and keep what was learnt.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::apps::{Current, Snapshot};
use crate::config::reason;
use crate::event::Focus;
use crate::features;
use crate::output::{Record, Value};
use crate::patterns::{App, Patterns};
use crate::schema::state_version;

/// The state of the application tracker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Of its form.
    schema: u32,
    /// The stream entry read last.
    pub last_id: String,
    /// The largest `ts` seen.
    pub max_ts: Option<i64>,
    /// The `ts` of the event taken last in this session; 0 when there is none.
    pub taken_through: Option<i64>,
    /// The application that has the focus.
    pub current: Option<Current>,
    pending: Vec<Pending>,
    // The patterns, field by field: serde's `flatten` cannot read hours as keys.
    dev_mode: bool,
    /// The `ts` of the event taken last.
    pub taken_ts: Option<i64>,
    total_transitions: u64,
    unique_apps: u64,
    gains: u64,
    apps: Vec<App>,
    /// Transitions that were published and that InfluxDB has not answered: ts, from, to, duration in ms, dev mode.
    #[serde(default)]
    unstored: Vec<(i64, String, String, u64, bool)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pending {
    ts: i64,
    app: String,
    dev_mode: bool,
}

/// Why a saved state is of no use.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is no JSON. The parser's own words could name applications.
    #[error("not JSON")]
    Json(serde_json::Error),
    /// It is of another form.
    #[error("another schema")]
    Form(u32),
    /// A later version wrote it.
    #[error("a later version's")]
    Later(u32),
    /// A member is missing or no such value, or its `last_id` is no id of a stream's entry.
    #[error("damaged")]
    Damaged,
    /// Its file cannot be read or written.
    #[error("{}", reason(.0))]
    File(#[from] io::Error),
}

/// How many transitions are kept for InfluxDB.
const MOST_UNSTORED: usize = 1000;
const FILE_NAME: &str = "app-state.json";
/// The number of the state's form, which is not that of the features: a release that goes forth or back over a new feature
/// still finds what was learnt.
const FORM: u32 = state_version::APP;

impl State {
    /// The state at a moment: the operator's, and how far reading had come.
    pub fn new(snapshot: Snapshot, last_id: &str, max_ts: Option<i64>) -> State {
        let Snapshot { taken_through, current, pending, patterns } = snapshot;
        let pending = pending.into_iter();
        let pending = pending.map(|Focus { ts, dev_mode, app }| Pending { ts, app, dev_mode }).collect();
        let last_id = last_id.to_owned();
        let Patterns { dev_mode, taken_ts, total_transitions, unique_apps, gains, apps } = patterns;
        State {
            schema: FORM,
            last_id,
            max_ts,
            taken_through: Some(taken_through),
            current,
            pending,
            dev_mode,
            taken_ts,
            total_transitions,
            unique_apps,
            gains,
            apps,
            unstored: Vec::new(),
        }
    }

    /// The operator's part.
    pub fn snapshot(&self) -> Snapshot {
        let pending = self.pending.iter().cloned();
        Snapshot {
            // Older programs wrote stream time less lateness, which may be past the last event taken.
            taken_through: self.taken_through.min(self.taken_ts).unwrap_or(0),
            current: self.current.clone(),
            pending: pending.map(|Pending { ts, app, dev_mode }| Focus { ts, dev_mode, app }).collect(),
            patterns: self.patterns(),
        }
    }

    fn patterns(&self) -> Patterns {
        Patterns {
            dev_mode: self.dev_mode,
            taken_ts: self.taken_ts,
            total_transitions: self.total_transitions,
            unique_apps: self.unique_apps,
            gains: self.gains,
            apps: self.apps.clone(),
        }
    }

    /// Keeps the last transitions that InfluxDB has not answered.
    pub fn keep_unstored<'a>(&mut self, records: impl Iterator<Item = &'a Record>) {
        self.unstored = records
            .filter_map(|record| match record.values.as_slice() {
                [Value::Text(from), Value::Text(to), Value::Count(duration), Value::Bool(dev_mode)] => {
                    Some((record.ts, from.clone(), to.clone(), *duration, *dev_mode))
                }
                _ => None,
            })
            .collect();
        let surplus = self.unstored.len().saturating_sub(MOST_UNSTORED);
        self.unstored.drain(..surplus);
    }

    /// The transitions that InfluxDB has not answered.
    pub fn unstored(&self) -> impl Iterator<Item = Record> {
        self.unstored.iter().cloned().map(|(ts, from_app, to_app, duration_ms, dev_mode)| Record {
            ts,
            values: features::App { from_app, to_app, duration_ms, dev_mode }.values(),
        })
    }

    /// The text that is saved.
    ///
    /// # Errors
    /// Never in practice: everything in it can be written as JSON.
    pub fn json(&self) -> Result<String, StateError> {
        serde_json::to_string(self).map_err(StateError::Json)
    }

    /// A state from its text.
    ///
    /// # Errors
    /// When it is not understood, or of another form.
    pub fn from_json(text: &[u8]) -> Result<State, StateError> {
        let Versioned { schema } = serde_json::from_slice(text).map_err(StateError::of)?;
        match schema {
            FORM => {}
            later if later > FORM => return Err(StateError::Later(later)),
            other => return Err(StateError::Form(other)),
        }
        let state: State = serde_json::from_slice(text).map_err(StateError::of)?;
        if is_entry_id(&state.last_id) { Ok(state) } else { Err(StateError::Damaged) }
    }
}

/// What every state has.
#[derive(Deserialize)]
struct Versioned {
    schema: u32,
}

impl StateError {
    fn of(error: serde_json::Error) -> StateError {
        if error.is_data() { StateError::Damaged } else { StateError::Json(error) }
    }
}

/// `ms-seq`, as Redis takes it.
fn is_entry_id(id: &str) -> bool {
    let is_number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok();
    id.split_once('-').is_some_and(|(ms, sequence)| is_number(ms) && is_number(sequence))
}

/// Reads the state's file; none when there is none.
///
/// # Errors
/// When it cannot be read or is not understood.
pub fn load(directory: &Path) -> Result<Option<State>, StateError> {
    let path = directory.join(FILE_NAME);
    match fs::read(&path) {
        Ok(text) => State::from_json(&text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the file that a later version wrote, under another name.
///
/// # Errors
/// When it cannot be renamed.
pub fn set_aside(directory: &Path, version: u32) -> Result<(), StateError> {
    Ok(fs::rename(directory.join(FILE_NAME), directory.join(format!("app-state.v{version}.json")))?)
}

/// Replaces the state's file in one step: after a fault there is the old one or the new one, and both are whole.
///
/// # Errors
/// When it cannot be written.
pub fn save(directory: &Path, text: &str) -> Result<(), StateError> {
    let path = directory.join(FILE_NAME);
    let new = directory.join(format!("{FILE_NAME}.new"));
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    Ok(write()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const SAVED: &str = r#"{"schema":1,"last_id":"5-1","max_ts":90,"taken_through":80,"taken_ts":70,
        "current":{"app":"b","since":70,"dev_mode":false},
        "pending":[{"ts":85,"app":"c","dev_mode":true}],"dev_mode":false,
        "total_transitions":1,"unique_apps":2,"gains":2,
        "apps":[{"name":"a","gain":1,"hours":{"9":1},"duration_us":60,"to":{"b":1}},
                {"name":"b","gain":2,"hours":{"23":1},"duration_us":0,"to":{}}]}"#;

    #[test]
    fn a_saved_state_reads_back_to_the_same() {
        let state = State::from_json(SAVED.as_bytes()).unwrap();
        assert_eq!((state.last_id.as_str(), state.taken_ts), ("5-1", Some(70)));
        assert_eq!(state.snapshot().pending, [Focus { ts: 85, dev_mode: true, app: "c".into() }]);
        assert_eq!(State::from_json(state.json().unwrap().as_bytes()).unwrap(), state);
    }

    #[test]
    fn transitions_without_an_answer_are_kept() {
        let mut state = State::from_json(SAVED.as_bytes()).unwrap();
        let values =
            vec![Value::Text("a".into()), Value::Text("b".into()), Value::Count(3), Value::Bool(true)];
        let records: Vec<Record> = (0..1002).map(|ts| Record { ts, values: values.clone() }).collect();
        state.keep_unstored(records.iter());
        let state = State::from_json(state.json().unwrap().as_bytes()).unwrap();
        assert!(state.unstored().eq(records.into_iter().skip(2)));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let refused = |text: &str| State::from_json(text.as_bytes()).unwrap_err().to_string();
        assert_eq!([refused(""), refused("{\"a\""), refused("nonsense")], ["not JSON"; 3]);
        assert_eq!([refused("[]"), refused("{}")], ["damaged"; 2]);
        for (value, other) in [("\"gains\":2", "\"gains\":-2"), ("\"since\":70", "\"since\":\"Firefox\"")] {
            assert_eq!(refused(&SAVED.replace(value, other)), "damaged");
        }
        assert_eq!(refused(&SAVED.replace("\"schema\":1", "\"schema\":0")), "another schema");
        for damaged in ["4294967296", "2.0", "-2", "\"2\"", "null"] {
            assert_eq!(refused(&SAVED.replace("\"schema\":1", &format!("\"schema\":{damaged}"))), "damaged");
        }
    }

    #[test]
    fn a_later_versions_state_differs_from_a_damaged_one_whatever_else_it_holds() {
        for text in [SAVED.replace("\"schema\":1", "\"schema\":2"), "{\"schema\":2}".to_owned()] {
            assert!(matches!(State::from_json(text.as_bytes()), Err(StateError::Later(2))), "{text}");
        }
    }

    #[test]
    fn a_state_that_points_nowhere_is_refused() {
        for id in ["", "5", "5-", "-1", "+5-1", "5-1-1", "18446744073709551616-0", "$", "5-x"] {
            let text = SAVED.replace("5-1", id);
            assert!(matches!(State::from_json(text.as_bytes()), Err(StateError::Damaged)), "{id}");
        }
        for id in ["0-0", "18446744073709551615-18446744073709551615"] {
            assert_eq!(State::from_json(SAVED.replace("5-1", id).as_bytes()).unwrap().last_id, id);
        }
    }

    #[test]
    fn the_file_is_replaced_in_one_step() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(load(directory.path()).unwrap(), None);
        save(directory.path(), "old and longer than the new one").unwrap();
        save(directory.path(), SAVED).unwrap();
        assert_eq!(load(directory.path()).unwrap().unwrap().last_id, "5-1");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let mode = fs::metadata(directory.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(save(Path::new("/no/such/directory"), SAVED).is_err());
    }
}
