//! Features by name: a struct for each kind, with a field for each feature of `schema/features.json`. Who fills one must
//! name every feature, and each once: the compiler refuses a literal that does not. The lists themselves are tables.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde::Deserialize;

use crate::spec::variant;

const SOURCE: &str = "../schema/features.json";

#[derive(Deserialize)]
struct Document {
    schema: u32,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Deserialize)]
struct Kind {
    channel: String,
    measurement: String,
    tags: Vec<String>,
    device_id: Option<String>,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    name: String,
    unit: String,
    kind: Value,
    about: String,
}

/// How a feature is written.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Value {
    Number,
    Count,
    Bool,
    String,
}

/// Writes `features.rs` and `schemas.rs` into the build's folder.
pub fn generate() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={SOURCE}");
    println!("cargo:rerun-if-changed=codegen/features.rs");
    let document: Document = serde_json::from_str(&fs::read_to_string(SOURCE)?)?;
    let folder = env::var_os("OUT_DIR").ok_or("cargo did not set OUT_DIR")?;
    fs::write(Path::new(&folder).join("features.rs"), source(&document))?;
    Ok(fs::write(Path::new(&folder).join("schemas.rs"), schemas(&document))?)
}

/// A table for each kind, named as the kind is.
fn schemas(document: &Document) -> String {
    let mut out = String::new();
    for (kind, spec) in &document.kinds {
        let Kind { channel, measurement, tags, device_id, features } = spec;
        let _ = writeln!(
            out,
            "static {}: Schema = Schema {{\n    channel: {channel:?},\n    measurement: {measurement:?},\n    \
             tags: &{tags:?},\n    device_id: {device_id:?},\n    features: &[",
            kind.to_uppercase()
        );
        for Feature { name, kind, .. } in features {
            let _ =
                writeln!(out, "        Feature {{ name: {name:?}, kind: FeatureKind::{} }},", kind.variant());
        }
        out.push_str("    ],\n};\n\n");
    }
    // A kind of kinds.json that is missing here does not compile.
    out.push_str(
        "impl Schema {\n    /// The schema of one kind.\n    \
         pub fn of(kind: Kind) -> &'static Schema {\n        match kind {\n",
    );
    for kind in document.kinds.keys() {
        let _ = writeln!(out, "            Kind::{} => &{},", variant(kind), kind.to_uppercase());
    }
    out.push_str("        }\n    }\n}\n");
    out
}

fn source(document: &Document) -> String {
    let mut out = format!(
        "/// The number of the contract that outputs follow, written as `schema`.\npub const SCHEMA: u32 = {};\n",
        document.schema
    );
    for (kind, Kind { features, .. }) in &document.kinds {
        let name = variant(kind);
        let _ = writeln!(
            out,
            "\n/// The features of the kind `{kind}`.\n#[derive(Clone, Debug, PartialEq)]\npub struct {name} {{"
        );
        for feature in features {
            let (held, _) = feature.kind.rust();
            let _ = writeln!(out, "    /// In {}: {}.", feature.unit, feature.about);
            let _ = writeln!(out, "    pub {}: {held},", feature.name);
        }
        let _ = writeln!(out, "}}\n\nimpl {name} {{\n    /// In the schema's order.");
        let _ = writeln!(out, "    pub fn values(self) -> Vec<Value> {{\n        vec![");
        for feature in features {
            let _ = writeln!(out, "            Value::{}(self.{}),", feature.kind.rust().1, feature.name);
        }
        let _ = writeln!(out, "        ]\n    }}\n}}");
    }
    out
}

impl Value {
    /// The variant of the program's `FeatureKind`.
    fn variant(self) -> &'static str {
        match self {
            Value::Number => "Number",
            Value::Count => "Count",
            Value::Bool => "Bool",
            Value::String => "String",
        }
    }

    /// The type that holds it, and the variant of the program's own `Value`.
    fn rust(self) -> (&'static str, &'static str) {
        match self {
            Value::Number => ("f64", "Number"),
            Value::Count => ("u64", "Count"),
            Value::Bool => ("bool", "Bool"),
            Value::String => ("String", "Text"),
        }
    }
}
