//! The features of each kind by name, generated from `extractors/schema/features.json` by `codegen/features.rs`: a struct
//! literal names every feature once, or the build fails.

include!(concat!(env!("OUT_DIR"), "/features.rs"));

/// The value of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A finite float64.
    Number(f64),
    /// A whole number.
    Count(u64),
    /// True or false.
    Bool(bool),
    /// A name.
    Text(String),
}
