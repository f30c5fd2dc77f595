//! Times and sizes that are no settings, from `extractors/schema/waits.json`: the same in both implementations.

use std::time::Duration;

include!(concat!(env!("OUT_DIR"), "/waits.rs"));
