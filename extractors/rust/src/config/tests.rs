use super::*;
use crate::window::Windows;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn config(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::new(Kind::Mouse, None, &environment(variables), &[])
}

fn error(variables: &[(&str, &str)]) -> String {
    config(variables).unwrap_err().to_string()
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = config(&[]).unwrap();
    assert_eq!(config.core.windows, Windows { interval: 5_000_000, window: 30_000_000, lateness: 250_000 });
    assert_eq!(
        (config.core.min_events, config.core.buffer_events, config.core.dev_mode),
        (50, 50_000, false)
    );
    assert_eq!(config.redis.to_string(), "127.0.0.1:6379");
    assert_eq!(config.influx.authority, "127.0.0.1:8086");
    assert_eq!(
        (config.identity.user_id.as_str(), config.identity.device_id.as_str()),
        ("default", "mouse_0")
    );
    assert!(!config.identity.host.is_empty());
    assert_eq!(config.state_dir, None);
}

#[test]
fn a_bad_value_is_named_with_its_origin_and_what_is_allowed() {
    let text = error(&[("SECLYZER_LATENESS_MS", "-1")]);
    assert_eq!(
        text,
        "lateness_ms is \"-1\" (environment SECLYZER_LATENESS_MS): allowed is a whole number from 0 to 3600000"
    );
    for (variable, value) in [
        ("WINDOW_SECONDS", "0"),
        ("WINDOW_SECONDS", "0.0005"),
        ("WINDOW_SECONDS", "nan"),
        ("WINDOW_SECONDS", "5."),
        ("WINDOW_SECONDS", ".5"),
        ("WINDOW_SECONDS", "1.0000000001"),
        ("SECLYZER_MIN_EVENTS", "0"),
        ("SECLYZER_IDLE_TIMEOUT_MS", "3600001"),
        ("REDIS_PORT", "65536"),
        ("REDIS_URL", "http://x"),
        ("INFLUX_URL", "store"),
        ("SECLYZER_DEV_MODE", "maybe"),
        ("SECLYZER_LOG_LEVEL", "loud"),
    ] {
        let text = error(&[(variable, value)]);
        assert!(text.contains(value) && text.contains(variable) && !text.contains('\n'), "{text}");
    }
}

#[test]
fn the_idle_timeout_is_2_s_unless_another_one_is_given() {
    let idle_timeout = |variables: &[(&str, &str)]| config(variables).unwrap().core.idle_timeout;
    assert_eq!(idle_timeout(&[]), 2_000_000);
    assert_eq!(idle_timeout(&[("SECLYZER_IDLE_TIMEOUT_MS", "70")]), 70_000);
    assert_eq!(idle_timeout(&[("SECLYZER_IDLE_TIMEOUT_MS", "0")]), 0);
}

#[test]
fn fractions_of_a_second_are_whole_milliseconds() {
    let config = config(&[("WINDOW_SECONDS", "2.5"), ("UPDATE_INTERVAL", "0.3")]).unwrap();
    assert_eq!((config.core.windows.window, config.core.windows.interval), (2_500_000, 300_000));
}

#[test]
fn the_store_s_limits_have_defaults_and_bounds() {
    let limits = |variables: &[(&str, &str)]| {
        let config = config(variables).unwrap();
        (
            config.values.influx_timeout_seconds.us / 1000,
            config.values.influx_retry_seconds.us / 1000,
            config.values.spool_bytes,
        )
    };
    assert_eq!(limits(&[]), (10_000, 60_000, 67_108_864));
    let given = [
        ("SECLYZER_INFLUX_TIMEOUT_SECONDS", "0.5"),
        ("SECLYZER_INFLUX_RETRY_SECONDS", "2"),
        ("SECLYZER_SPOOL_BYTES", "0"),
    ];
    assert_eq!(limits(&given), (500, 2000, 0));
    let shown = "influx_ca_file: \"\"\ninflux_timeout_seconds: 0.5\ninflux_retry_seconds: 2\nspool_bytes: 0\n\
                 stream_bytes: 25165824\nwindow_seconds: 30\n";
    assert!(config(&given).unwrap().print().contains(shown));
    for value in ["1", "1048575", "1099511627777", "-1", "64M"] {
        assert_eq!(
            error(&[("SECLYZER_SPOOL_BYTES", value)]),
            format!(
                "spool_bytes is \"{value}\" (environment SECLYZER_SPOOL_BYTES): allowed is 0 (no spool), or a whole \
                 number from 1048576 to 1099511627776"
            )
        );
    }
    let text = error(&[("SECLYZER_STREAM_BYTES", "1048575")]);
    assert!(text.ends_with("allowed is a whole number from 1048576 to 1073741824"), "{text}");
    let text = error(&[("SECLYZER_INFLUX_TIMEOUT_SECONDS", "0")]);
    assert!(text.ends_with("allowed is seconds in whole milliseconds, from 0.001 to 86400"), "{text}");
}

#[test]
fn the_store_s_socket_is_a_path_from_the_root_or_none() {
    let longest = format!("/{}", "s".repeat(106));
    for path in ["/run/seclyzer/influx.sock", &longest] {
        let config = config(&[("INFLUX_URL", "https://store:8086"), ("INFLUX_SOCKET", path)]).unwrap();
        assert_eq!(config.influx.to_string(), format!("store:8086 (TLS) by {path}"));
        assert!(config.print().contains(&format!("influx_socket: \"{path}\"\ninflux_org: ")));
    }
    assert_eq!(config(&[("INFLUX_SOCKET", "")]).unwrap().influx.to_string(), "127.0.0.1:8086");
    for path in ["influx.sock", "./influx.sock", &format!("{longest}s")] {
        assert_eq!(
            error(&[("INFLUX_SOCKET", path)]),
            format!(
                "influx_socket is \"{path}\" (environment INFLUX_SOCKET): allowed is a unix socket's path from /, of \
                 at most 107 bytes, or empty"
            )
        );
    }
}

#[test]
fn a_token_goes_to_the_loopback_only_without_tls() {
    let with_token = |url: &str| config(&[("INFLUX_URL", url), ("INFLUX_TOKEN", "hidden")]);
    for host in include_str!("../../../../tests/loopback/loopback.txt").lines() {
        assert!(with_token(&format!("http://{host}/x")).is_ok(), "{host}");
    }
    let others = include_str!("../../../../tests/loopback/others.txt").lines();
    for host in others.chain(["store", "10.0.0.1:8086", "[fd00::2]:8086"]) {
        let text = with_token(&format!("http://{host}")).unwrap_err().to_string();
        assert!(text.starts_with("influx_url is ") && !text.contains("hidden"), "{host}: {text}");
        let socket = [
            ("INFLUX_URL", &*format!("http://{host}")),
            ("INFLUX_TOKEN", "hidden"),
            ("INFLUX_SOCKET", "/run/seclyzer/influx.sock"),
        ];
        assert!(config(&socket).is_err(), "{host}");
    }
    assert_eq!(
        with_token("http://store:8086/").unwrap_err().to_string(),
        "influx_url is \"http://store:8086/\" (environment INFLUX_URL): allowed is https://host[:port], or http:// \
         to the loopback (127.x.x.x, [::1], localhost): over http influx_token can be read on the way"
    );
    assert!(config(&[("INFLUX_URL", "http://store:8086")]).is_ok());
    assert!(with_token("https://store:8086").is_ok());
}

#[test]
fn secrets_are_never_shown() {
    let config = config(&[
        ("REDIS_PASSWORD", "sesame"),
        ("INFLUX_TOKEN", "sesame"),
        ("REDIS_URL", "redis://u:sesame@h"),
    ]);
    let config = config.unwrap();
    assert!(!config.print().contains("sesame") && !format!("{config:?}").contains("sesame"));
    assert!(config.print().contains("influx_token: \"********\"\n"));
    assert!(config.print().contains("redis_url: \"redis://u:********@h\"\n"));
    for url in ["ftp://u:sesame@h", "u:sesame@h", "redis://h?password=sesame"] {
        assert!(!error(&[("REDIS_URL", url)]).contains("sesame"));
    }
    assert!(!error(&[("INFLUX_TOKEN", "sesame open")]).contains("sesame"));
}

#[test]
fn secrets_come_from_files_and_credentials() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name).display().to_string();
    std::fs::write(path("redis_password"), "from-credential\n").unwrap();
    std::fs::write(path("file"), "from-file\r\n").unwrap();
    let credentials = ("CREDENTIALS_DIRECTORY", &*path(""));
    let password =
        |variables: &[(&str, &str)]| config(variables).unwrap().values.redis_password.map(|secret| secret.0);
    assert_eq!(password(&[credentials]).as_deref(), Some("from-credential"));
    assert_eq!(
        password(&[credentials, ("REDIS_PASSWORD_FILE", &path("file"))]).as_deref(),
        Some("from-file")
    );
    assert_eq!(password(&[credentials, ("REDIS_PASSWORD", "x")]).as_deref(), Some("x"));
    assert_eq!(password(&[credentials, ("REDIS_PASSWORD", "")]).as_deref(), Some("from-credential"));
    let both = [("REDIS_PASSWORD", "x"), ("REDIS_PASSWORD_FILE", "/nowhere")];
    assert_eq!(password(&both).as_deref(), Some("x"));
    assert_eq!(password(&[]), None);
    let text = error(&[("INFLUX_TOKEN_FILE", &path("missing"))]);
    assert!(text.contains("influx_token_file") && text.contains("missing"), "{text}");
}

/// The cases that every reader of such a file is held to.
#[test]
fn a_secret_file_holds_the_secret_and_nothing_else() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display().to_string();
    let cases = include_str!("../../../../tests/cases/secret_files.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
    for case in &cases {
        let hex = case["hex"].as_str().unwrap().as_bytes();
        let digits = hex.chunks(2).map(|two| str::from_utf8(two).unwrap());
        let data: Vec<u8> = digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
        std::fs::write(&path, data).unwrap();
        for (variable, key) in
            [("INFLUX_TOKEN_FILE", "influx_token_file"), ("REDIS_PASSWORD_FILE", "redis_password_file")]
        {
            let found = config(&[(variable, &path)]).map(|config| {
                config.values.influx_token.or(config.values.redis_password).map(|secret| secret.0)
            });
            match case["fault"].as_str() {
                None => assert_eq!(found.unwrap().as_deref(), case["secret"].as_str(), "{case}"),
                Some(fault) => assert_eq!(
                    found.unwrap_err().to_string(),
                    format!(
                        "{path}, which {key} names, {fault}: allowed is one line of printable ASCII without blanks"
                    ),
                    "{case}"
                ),
            }
        }
    }
    assert!(cases.len() > 30);
}

#[test]
fn systemd_names_the_state_directory() {
    let state_dir = |variables: &[(&str, &str)], flags: &[(&'static str, String)]| {
        Config::new(Kind::App, None, &environment(variables), flags).unwrap().state_dir
    };
    let both = [("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("SECLYZER_STATE_DIR", "/c")];
    assert_eq!(state_dir(&both, &[]), Some("/var/lib/a".into()));
    assert_eq!(state_dir(&both[1..], &[]), Some("/c".into()));
    assert_eq!(state_dir(&both, &[("state_dir", "/d".into())]), Some("/d".into()));
}

#[test]
fn a_file_that_is_missing_is_named() {
    let error = Config::new(Kind::App, Some(Path::new("/no/such.yaml")), &environment(&[]), &[]).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the configuration file /no/such.yaml: "));
}

#[test]
fn what_is_printed_reads_back_to_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("x.yaml");
    let first =
        config(&[("SECLYZER_HOST", "a \"b\": #c"), ("WINDOW_SECONDS", "7.5"), ("SECLYZER_DEV_MODE", "yes")]);
    let first = first.unwrap().print();
    std::fs::write(&file, &first).unwrap();
    let second = Config::new(Kind::Mouse, Some(&file), &environment(&[]), &[]).unwrap();
    assert_eq!(second.print(), first);
}
