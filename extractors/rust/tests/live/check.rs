//! `--check` and the other answers of the command line.

use crate::extractor::{KEYSTROKE, MOUSE, NOWHERE, Settings};
use crate::redis_server::RedisServer;
use crate::stub::{Answer, Stub};

/// Exit status, stdout and stderr.
fn run(settings: &Settings, arguments: &[&str]) -> (i32, String) {
    let output = settings.run(arguments);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap(), text)
}

#[test]
fn all_is_well_when_both_answer() {
    let (redis, influx) = (RedisServer::started(), Stub::good());
    let (status, text) = run(&Settings::new(KEYSTROKE, &redis, &influx.url), &["--check"]);
    assert_eq!(status, 0, "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        matches!(lines[..], [redis, influx] if redis.starts_with("redis: good") && influx.starts_with("influxdb: good"))
    );
    assert!(influx.writes()[0].lines.is_empty());
}

#[test]
fn each_trouble_is_named_with_what_to_do() {
    let redis = RedisServer::started();
    for (answer, words) in
        [(401, "token"), (403, "write permission"), (404, "influx_org"), (500, "InfluxDB 2")]
    {
        let influx = Stub::start(move |_, _| Answer::Status(answer));
        let (status, text) = run(&Settings::new(KEYSTROKE, &redis, &influx.url), &["--check"]);
        let line = text.lines().nth(1).unwrap();
        assert_eq!(status, 1);
        assert!(line.contains(&format!("status {answer}")) && line.contains(words), "{line}");
    }
    let (status, text) = run(&Settings::new(KEYSTROKE, &redis, NOWHERE), &["--check"]);
    assert!(status == 1 && text.contains("influxdb: bad: 127.0.0.1:9: Connection refused"), "{text}");
}

#[test]
fn a_redis_that_is_away_or_knows_another_password_is_named() {
    let influx = Stub::good();
    let away = RedisServer::new();
    let (status, text) = run(&Settings::new(KEYSTROKE, &away, &influx.url), &["--check"]);
    assert!(status == 1 && text.contains("redis: bad") && text.contains("check redis_url"), "{text}");
    let redis = RedisServer::started();
    let settings = Settings::new(KEYSTROKE, &redis, &influx.url).and("REDIS_USERNAME", "nobody");
    let (status, text) = run(&settings.and("REDIS_PASSWORD", "sesame"), &["--check"]);
    assert!(status == 1 && text.contains("WRONGPASS") && text.contains("redis_password"), "{text}");
    assert!(!text.contains("sesame"));
}

#[test]
fn a_mistake_in_the_configuration_is_one_line_and_78() {
    let redis = RedisServer::new();
    let settings = Settings::new(MOUSE, &redis, "no url");
    for arguments in [&["--check"][..], &[], &["--print-config"], &["--replay", "-"]] {
        let (status, text) = run(&settings, arguments);
        assert_eq!((status, text.lines().count()), (78, 1), "{text}");
        assert!(text.contains("influx_url") && text.contains("no url"), "{text}");
    }
    let (status, text) = run(&settings, &["--windw", "5"]);
    assert!(status == 78 && text.contains("--windw"), "{text}");
}

#[test]
fn the_version_names_program_and_implementation() {
    let (status, text) = run(&Settings::new(MOUSE, &RedisServer::new(), NOWHERE), &["--version"]);
    assert_eq!((status, text), (0, format!("mouse_extractor {} (rust)\n", seclyzer_extractors::VERSION)));
}
