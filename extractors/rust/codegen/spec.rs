//! Constants and tables from `extractors/schema/*.json`, in generated files: kinds, log, waits, versions of state; settings
//! and stats by modules of their own.
//!
//! The shapes below are all that a spec file may hold: a column that is unknown or missing fails the build.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::settings::settings;
use crate::stats::{self, Stats};

pub type Generated = Result<String, Box<dyn Error>>;

/// Writes every generated file into `OUT_DIR`.
pub fn generate() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("kinds.rs"), kinds(&read("kinds.json")?)?)?;
    let stats: Stats = read("stats.json")?;
    fs::write(out.join("counters.rs"), stats::counters(&stats)?)?;
    fs::write(out.join("stats_hash.rs"), stats::stats_hash(&stats)?)?;
    fs::write(out.join("histogram.rs"), stats::bounds(&stats)?)?;
    fs::write(out.join("settings.rs"), settings(&read("settings.json")?)?)?;
    fs::write(out.join("log.rs"), log(&read("log.json")?)?)?;
    fs::write(out.join("waits.rs"), waits(&read("waits.json")?)?)?;
    fs::write(out.join("state.rs"), states(&read("state.json")?)?)?;
    Ok(())
}

/// The names of the programs.
pub fn programs() -> Result<Vec<String>, Box<dyn Error>> {
    Ok(read::<Kinds>("kinds.json")?.kinds.into_iter().map(|kind| kind.program).collect())
}

/// Reads one file of the spec.
pub fn read<T: DeserializeOwned>(name: &str) -> Result<T, Box<dyn Error>> {
    let path = Path::new("../schema").join(name);
    println!("cargo:rerun-if-changed={}", path.display());
    serde_json::from_str(&fs::read_to_string(&path)?).map_err(|error| format!("{name}: {error}").into())
}

#[derive(Deserialize)]
struct Kinds {
    kinds: Vec<Kind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    program: String,
    unit: String,
    min_events: u32,
    buffer_events: u32,
    session_after: u32,
    help: String,
}

/// `enum Kind` and what is known of each.
fn kinds(spec: &Kinds) -> Generated {
    let mut code = String::from(
        "/// Which extractor a program is.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum Kind {\n",
    );
    for kind in &spec.kinds {
        writeln!(code, "    /// {}\n    {},", kind.help, variant(&kind.name))?;
    }
    let all: Vec<String> = spec.kinds.iter().map(|kind| format!("Kind::{}", variant(&kind.name))).collect();
    code.push_str("}\n\nimpl Kind {\n    /// All kinds, in the order of the spec.\n");
    writeln!(code, "    pub const ALL: [Kind; {}] = [{}];\n}}", all.len(), all.join(", "))?;
    code.push_str("\nstatic KINDS: &[KindSpec] = &[\n");
    for kind in &spec.kinds {
        let Kind { name, program, unit, min_events, buffer_events, session_after, .. } = kind;
        writeln!(
            code,
            "    KindSpec {{ name: {name:?}, program: {program:?}, unit: {unit:?}, min_events: {min_events}, \
             buffer_events: {buffer_events}, session_after: {session_after} }},"
        )?;
    }
    code.push_str("];\n");
    Ok(code)
}

#[derive(Deserialize)]
struct Log {
    dependencies: BTreeMap<String, String>,
    status: BTreeMap<String, String>,
    events: Vec<LogEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogEvent {
    name: String,
    level: String,
    message: String,
    fields: Vec<String>,
    help: String,
}

/// A constant for each line that is logged, each word of STATUS and each dependency.
fn log(spec: &Log) -> Generated {
    let mut code = String::new();
    for LogEvent { name, level, message, fields, help } in &spec.events {
        let (name, count, level) = (name.to_uppercase(), fields.len(), variant(level));
        writeln!(code, "/// {message:?}: {help}.\npub const {name}: Line<{count}> =")?;
        writeln!(code, "    Line {{ level: Level::{level}, message: {message:?}, fields: {fields:?} }};")?;
    }
    for (module, words) in [("dependency", &spec.dependencies), ("status", &spec.status)] {
        writeln!(code, "/// Words of the {module}.\npub mod {module} {{")?;
        for (name, text) in words {
            writeln!(code, "    /// {text:?}\n    pub const {}: &str = {text:?};", name.to_uppercase())?;
        }
        code.push_str("}\n");
    }
    Ok(code)
}

#[derive(Deserialize)]
struct Waits {
    waits: Vec<Wait>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    name: String,
    value: u64,
    help: String,
}

/// A constant for each: a duration for those in ms, else a number.
fn waits(spec: &Waits) -> Generated {
    let mut code = String::new();
    for Wait { name, value, help } in &spec.waits {
        writeln!(code, "/// {}.", help.trim_end_matches('.'))?;
        match name.strip_suffix("_ms") {
            Some(name) => writeln!(
                code,
                "pub const {}: Duration = Duration::from_millis({value});",
                name.to_uppercase()
            )?,
            None => writeln!(code, "pub const {}: usize = {value};", name.to_uppercase())?,
        }
    }
    Ok(code)
}

#[derive(Deserialize)]
struct States {
    states: Vec<Saved>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    name: String,
    version: u32,
    #[serde(rename = "where")]
    place: String,
    #[serde(rename = "loss")]
    _loss: String,
}

/// The version of each state that outlives a restart.
fn states(spec: &States) -> Generated {
    let mut code = String::new();
    for Saved { name, version, place, .. } in &spec.states {
        writeln!(code, "/// Kept in `{place}`.")?;
        writeln!(code, "pub const {}: u32 = {version};", name.to_uppercase())?;
        writeln!(
            code,
            "/// The same as it is written.\npub const {}_TEXT: &str = \"{version}\";",
            name.to_uppercase()
        )?;
    }
    Ok(code)
}

/// `keystroke` → `Keystroke`
pub fn variant(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
