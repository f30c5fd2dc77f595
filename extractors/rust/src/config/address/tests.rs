use super::*;

fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { host: host.into(), port }
}

#[test]
fn redis_urls_are_taken_apart() {
    let plain = parse_redis_url("redis://127.0.0.1").unwrap();
    assert_eq!(
        plain,
        RedisUrl { endpoint: tcp("127.0.0.1", 6379), database: 0, username: None, password: None }
    );
    let full = parse_redis_url("redis://mouse:p%40ss@[::1]:7000/0").unwrap();
    assert_eq!(full.endpoint, tcp("::1", 7000));
    assert_eq!((full.username.as_deref(), full.password), (Some("mouse"), Some(Secret("p@ss".into()))));
    let unix = parse_redis_url("unix:///run/redis/redis-server.sock").unwrap();
    assert_eq!(unix.endpoint, Endpoint::Unix("/run/redis/redis-server.sock".into()));
    for url in ["redis://h/3", "unix:///r.sock?db=3"] {
        assert_eq!(parse_redis_url(url).unwrap().database, 3);
    }
    let tls = parse_redis_url("rediss://:secret@edge:6380?ssl_ca_certs=/ca.crt").unwrap();
    let ca_file = Some("/ca.crt".into());
    assert_eq!(tls.endpoint, Endpoint::Tls { host: "edge".into(), port: 6380, ca_file });
    assert_eq!((tls.username, tls.password), (None, Some(Secret("secret".into()))));
}

#[test]
fn what_is_no_redis_url_is_refused() {
    for url in [
        "",
        "127.0.0.1",
        "http://a",
        "redis://",
        "redis://a:0",
        "redis://a:x",
        "redis://a:+1",
        "redis://a/b",
        "redis://a/-1",
        "unix:///a?password=x",
        "unix://a",
        "redis://a?x=1",
        "redis://%zz@a",
    ] {
        assert_eq!(parse_redis_url(url), None, "{url}");
    }
}

#[test]
fn influx_urls_are_taken_apart() {
    let plain = parse_influx_url("http://127.0.0.1:8086", None).unwrap();
    assert_eq!((plain.endpoint, plain.prefix.as_str()), (tcp("127.0.0.1", 8086), ""));
    assert_eq!(plain.authority, "127.0.0.1:8086");
    let tls = parse_influx_url("https://store/influx/", Some("/ca.crt".into())).unwrap();
    let ca_file = Some("/ca.crt".into());
    assert_eq!(tls.endpoint, Endpoint::Tls { host: "store".into(), port: 443, ca_file });
    assert_eq!((tls.prefix.as_str(), tls.authority.as_str()), ("/influx", "store"));
    for url in ["", "store:8086", "ftp://a", "http://", "http://a b", "http://user@a", "http://a\r\n"] {
        assert_eq!(parse_influx_url(url, None), None, "{url}");
    }
}

/// The cases that every parser of the store's address is held to.
#[test]
fn an_address_of_the_store_is_taken_or_refused() {
    let cases = include_str!("../../../../../tests/cases/store_addresses.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
    for case in &cases {
        let found = parse_influx_url(case["url"].as_str().unwrap(), None);
        assert_eq!(found.as_ref().map(|found| &*found.url), case["normal"].as_str(), "{case}");
        assert_eq!(found.map(|found| found.private()), case["private"].as_bool(), "{case}");
    }
    assert!(cases.len() > 80);
}

#[test]
fn passwords_in_urls_are_masked() {
    assert_eq!(masked("redis://u:secret@h:1"), "redis://u:********@h:1");
    assert_eq!(masked("redis://u:@h:1"), "redis://u:@h:1", "no password is no secret");
    assert_eq!(masked("unix:///run/a.sock"), "unix:///run/a.sock");
}
