//! The hash `seclyzer:stats:<kind>`: what an extractor is, and what it has done so far (`extractors/schema/stats.json`).

use crate::counters::Counters;
use crate::histogram::Histogram;

include!(concat!(env!("OUT_DIR"), "/stats_hash.rs"));
