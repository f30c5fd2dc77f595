//! `stats.json`: what the core counts, the fields of the stats hash in their order, the bounds of histograms.

use std::error::Error;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::spec::Generated;

/// The file.
#[derive(Deserialize)]
pub struct Stats {
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
pub fn counters(spec: &Stats) -> Generated {
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
pub fn stats_hash(spec: &Stats) -> Generated {
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
pub fn bounds(spec: &Stats) -> Generated {
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
