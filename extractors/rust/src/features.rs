//! The features of each kind by name, generated from `extractors/schema/features.json` by `codegen/features.rs`: a struct
//! literal names every feature once, or the build fails.

use crate::record::Value;

include!(concat!(env!("OUT_DIR"), "/features.rs"));
