//! What an extractor counts while it reads events: of `extractors/schema/stats.json` what concerns a replay.

use crate::json::Object;
use crate::{IMPLEMENTATION, VERSION};

include!(concat!(env!("OUT_DIR"), "/counters.rs"));

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
