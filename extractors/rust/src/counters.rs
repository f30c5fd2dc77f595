//! What an extractor counts, from `extractors/schema/stats.json`: in the pure core, and around it.

use crate::json::Object;
use crate::{IMPLEMENTATION, VERSION};

include!(concat!(env!("OUT_DIR"), "/stats.rs"));

impl Counters {
    /// One JSON object, for `--stats`.
    pub fn json(&self) -> String {
        let mut object = Object::new();
        object.text("implementation", IMPLEMENTATION).text("version", VERSION);
        for (name, value) in self.named() {
            object.integer(name, value);
        }
        object.finish()
    }
}
