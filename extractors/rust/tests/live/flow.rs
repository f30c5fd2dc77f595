//! Events in, features out: the same as a replay of the same events.

use crate::extractor::{KEYSTROKE, MOUSE, NOWHERE, Settings};
use crate::feed::{moving, typing};
use crate::redis_server::RedisServer;
use crate::stub::Stub;
use crate::until;

#[test]
fn events_of_the_stream_come_out_as_in_a_replay_in_every_place() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url);
    let mut listener = redis.subscribe("seclyzer:features:keystroke");
    let mut extractor = settings.start();
    let events = typing(0, 12);
    redis.add("keystroke", &events);
    let expected = settings.replay(&events);
    assert_eq!(expected.len(), 12);

    until("all windows are in the list", || redis.list("seclyzer:features:keystroke") == expected);
    assert_eq!(listener.messages(), expected);
    until("all points are stored", || influx.stored().len() == expected.len());
    let ends: Vec<String> =
        influx.stored().iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert!(
        ends.iter().zip(&expected).all(|(end, text)| text.contains(&format!("\"ts\": {end}"))),
        "{ends:?}"
    );
    assert!(
        influx.stored()[0]
            .starts_with("keystroke_features,user_id=default,device_id=keyboard_0,host=test dwell_mean=")
    );

    let last = ends.last().unwrap();
    let cursor = redis.wait_for("seclyzer:cursor:keystroke", "stored", |stored| stored == last);
    assert_eq!(&cursor["published"], last);
    extractor.stop();
}

#[test]
fn messages_of_the_channel_come_out_as_in_a_replay() {
    let redis = RedisServer::started();
    let settings = Settings::new(MOUSE, &redis, NOWHERE);
    let mut extractor = settings.start();
    redis.wait_for_listener();
    // The channel holds events of all kinds.
    let events: Vec<String> = moving(0, 6).into_iter().zip(typing(0, 6)).flat_map(|(a, b)| [a, b]).collect();
    redis.publish(&events);
    let expected = settings.replay(&events);
    assert_eq!(expected.len(), 6);
    until("all windows are in the list", || redis.list("seclyzer:features:mouse") == expected);
    extractor.stop();
}

#[test]
fn the_list_keeps_a_thousand() {
    let redis = RedisServer::started();
    let mut extractor = Settings::new(KEYSTROKE, &redis, NOWHERE).start();
    redis.pipeline(&vec![vec!["LPUSH", "seclyzer:features:keystroke", "old"]; 1200]);
    redis.add("keystroke", &typing(0, 2));
    until("a window came out", || {
        redis.call(&["LINDEX", "seclyzer:features:keystroke", "0"]).texts()[0] != "old"
    });
    until("the list is trimmed", || redis.list("seclyzer:features:keystroke").len() == 1000);
    extractor.stop();
}

#[test]
fn the_stats_hash_tells_what_was_counted_and_expires() {
    let redis = RedisServer::started();
    let mut extractor = Settings::new(KEYSTROKE, &redis, NOWHERE).start();
    let mut events = typing(0, 2);
    events.push("no json".into());
    events.push(r#"{"type":"keystroke","ts":253402300799999999,"key":"a","event":"press"}"#.into());
    // By a producer that takes `ts` for milliseconds.
    let of_now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    events.push(format!(r#"{{"type":"keystroke","ts":{of_now},"key":"KeyT","event":"press"}}"#));
    redis.add("keystroke", &events);
    let stats = redis.wait_for("seclyzer:stats:keystroke", "windows", |windows| windows == "2");
    let pid = extractor.pid().to_string();
    for (field, value) in [
        ("implementation", "rust"),
        ("version", seclyzer_extractors::VERSION),
        ("pid", &pid),
        ("events", "40"),
        ("malformed", "1"),
        ("future", "1"),
        ("ancient", "1"),
        ("late", "0"),
        ("behind", "0"),
        ("sessions", "0"),
        ("redis_reconnects", "0"),
    ] {
        assert_eq!(stats[field], value, "{field}");
    }
    let last_id =
        redis.call(&["XREVRANGE", "seclyzer:stream:keystroke", "+", "-", "COUNT", "1"]).texts()[0].clone();
    assert_eq!(stats["last_id"], last_id);
    let time_to_live: i64 = redis.call(&["TTL", "seclyzer:stats:keystroke"]).texts()[0].parse().unwrap();
    assert!((1..=30).contains(&time_to_live));
    let log = extractor.log();
    assert_eq!(log.matches("break the contract").count(), 1, "{log}");
    let unit = "their ts looks like milliseconds: it has to be in microseconds";
    assert_eq!(log.matches(unit).count(), 1, "{log}");
    assert!(!log.contains("no json") && !log.contains("KeyT"), "{log}");
    extractor.stop();
}

#[test]
fn old_entries_are_trimmed_while_nothing_happens() {
    let redis = RedisServer::started();
    redis.call(&["XADD", "seclyzer:stream:keystroke", "1-1", "e", "{}"]);
    let mut extractor = Settings::new(KEYSTROKE, &redis, NOWHERE).start();
    redis.add("keystroke", &typing(0, 1));
    until("the old entry is gone", || redis.call(&["XLEN", "seclyzer:stream:keystroke"]).texts()[0] == "20");
    extractor.stop();
}
