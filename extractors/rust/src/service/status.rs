//! What systemd shows as STATUS: whether Redis and InfluxDB work, and why not.

use super::Service;
use crate::logs::lines::status;

/// What was reported.
#[derive(Default)]
pub struct Status {
    /// How often the state of each dependency had changed then.
    changes: Option<[u32; 3]>,
}

impl Service<'_> {
    /// Reports to systemd what has changed, from the first attempt to reach Redis on.
    pub(super) fn report_status(&mut self) {
        let (redis, publisher, store) = (&self.reading.redis, &self.outputs.publisher, &self.outputs.store);
        let changes = [redis.changes(), publisher.dependency().changes(), store.trouble_changes()];
        if !self.reading.has_tried() || self.status.changes == Some(changes) {
            return;
        }
        self.status.changes = Some(changes);
        let mut words = match (redis.reason(), publisher.trouble()) {
            (Some(reason), _) => status::REDIS_AWAY.replace("{reason}", reason),
            (None, Some(reason)) => status::WRITE_AWAY.replace("{reason}", reason),
            (None, None) => status::READING.to_owned(),
        };
        let influxdb = store.stats().outage;
        if !influxdb.reason.is_empty() {
            words.push_str(&status::INFLUXDB_AWAY.replace("{reason}", &influxdb.reason));
        }
        self.notifier.status(&words);
    }
}
