//! What an extractor counts while it reads events: of `extractors/schema/stats.json` what concerns a replay.

use crate::json::Object;
use crate::{IMPLEMENTATION, VERSION};

include!(concat!(env!("OUT_DIR"), "/counters.rs"));

impl Counters {
    /// One JSON object, for `--stats`.
    pub fn json(&self) -> String {
        self.object().finish()
    }

    /// The same, for `--shadow`; `listening_since` in µs since the Unix epoch.
    pub fn shadow_json(&self, listening_since: i64) -> String {
        let mut object = self.object();
        object.integer("listening_since", listening_since);
        object.finish()
    }

    fn object(&self) -> Object {
        let mut object = Object::new();
        object.text("implementation", IMPLEMENTATION).text("version", VERSION);
        for (name, value) in self.named() {
            object.integer(name, value);
        }
        object
    }
}
