//! Constants and tables from `extractors/schema/*.json`, in generated files: kinds, settings, counters, stats hash, log,
//! waits, versions of state.
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

pub type Generated = Result<String, Box<dyn Error>>;

/// Writes every generated file into `OUT_DIR`.
pub fn generate() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("kinds.rs"), kinds(&read("kinds.json")?)?)?;
    let stats: Stats = read("stats.json")?;
    fs::write(out.join("counters.rs"), counters(&stats)?)?;
    fs::write(out.join("stats_hash.rs"), stats_hash(&stats)?)?;
    fs::write(out.join("histogram.rs"), bounds(&stats)?)?;
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
struct Stats {
    /// Of every histogram, in µs.
    bounds_us: Vec<u64>,
    fields: Vec<Stat>,
    /// Fields that are there only after InfluxDB rejected points.
    after_rejection: Vec<Stat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stat {
    name: String,
    r#type: StatType,
    #[serde(rename = "unit")]
    _unit: Option<String>,
    #[serde(rename = "meaning")]
    _meaning: Meaning,
    #[serde(default)]
    replay: bool,
    help: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatType {
    Label,
    Counter,
    Gauge,
    Histogram,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Meaning {
    Loss,
    Error,
    Neither,
}

/// `Counters`: what the core fills and a replay prints.
fn counters(spec: &Stats) -> Generated {
    let fields: Vec<&Stat> = spec.fields.iter().filter(|stat| stat.replay).collect();
    let mut code = String::from(
        "/// What the pure core counts: what `--replay --stats` prints.\n\
         #[derive(Clone, Debug, Default, PartialEq, Eq)]\npub struct Counters {\n",
    );
    members(&mut code, &fields)?;
    writeln!(
        code,
        "}}\n\nimpl Counters {{\n    /// Names and values, in the spec's order.\n    \
         pub fn named(&self) -> [(&'static str, i64); {}] {{\n        [",
        fields.len()
    )?;
    for Stat { name, r#type, .. } in fields {
        match r#type {
            StatType::Gauge => writeln!(code, "            ({name:?}, self.{name}),")?,
            _ => writeln!(code, "            ({name:?}, i64::try_from(self.{name}).unwrap_or(i64::MAX)),")?,
        }
    }
    code.push_str("        ]\n    }\n}\n");
    Ok(code)
}

/// `Facts`: all else of the hash, and `fields`, which joins them in order. What is not filled, or twice, does not compile.
fn stats_hash(spec: &Stats) -> Generated {
    let facts: Vec<&Stat> = spec.fields.iter().filter(|stat| !stat.replay).collect();
    let mut code = String::from(
        "/// What the service around the core knows.\n#[derive(Debug)]\npub struct Facts<'a> {\n",
    );
    members(&mut code, &facts)?;
    code.push_str(
        "    /// What is known since InfluxDB rejected points.\n    pub after_rejection: Option<AfterRejection<'a>>,\n}\n\n\
         /// Of points that InfluxDB rejected.\n#[derive(Debug)]\npub struct AfterRejection<'a> {\n",
    );
    members(&mut code, &spec.after_rejection.iter().collect::<Vec<_>>())?;
    code.push_str(
        "}\n\n/// Names and values of the hash, in the spec's order.\n\
         pub fn fields(counters: &Counters, facts: &Facts<'_>) -> Vec<(&'static str, String)> {\n    \
         let mut fields = vec![\n",
    );
    for Stat { name, replay, .. } in &spec.fields {
        let owner = if *replay { "counters" } else { "facts" };
        writeln!(code, "        ({name:?}, {owner}.{name}.to_string()),")?;
    }
    code.push_str("    ];\n    if let Some(facts) = &facts.after_rejection {\n        fields.extend([\n");
    for Stat { name, .. } in &spec.after_rejection {
        writeln!(code, "            ({name:?}, facts.{name}.to_string()),")?;
    }
    code.push_str("        ]);\n    }\n    fields\n}\n");
    Ok(code)
}

/// The bounds of all histograms.
fn bounds(spec: &Stats) -> Generated {
    let bounds = &spec.bounds_us;
    if !bounds.is_sorted_by(|bound, next| bound < next) {
        return Err("stats.json: bounds_us do not rise".into());
    }
    Ok(format!("/// In µs, rising.\npub const BOUNDS_US: [u64; {}] = {bounds:?};\n", bounds.len()))
}

fn members(code: &mut String, fields: &[&Stat]) -> Result<(), Box<dyn Error>> {
    for Stat { name, r#type, help, .. } in fields {
        writeln!(code, "    /// {help}\n    pub {name}: {},", rust_type(*r#type))?;
    }
    Ok(())
}

fn rust_type(kind: StatType) -> &'static str {
    match kind {
        StatType::Label => "&'a str",
        StatType::Counter => "u64",
        StatType::Gauge => "i64",
        StatType::Histogram => "&'a Histogram",
    }
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
