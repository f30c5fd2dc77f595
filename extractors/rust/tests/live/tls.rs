//! The store and Redis over TLS, trusted by a CA of one's own and by no other.

use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use seclyzer_extractors::schema::Kind;

use crate::extractor::{KEYSTROKE, Settings};
use crate::feed::typing;
use crate::redis_server::RedisServer;
use crate::stub::read_request;
use crate::until;

/// A CA and a certificate for 127.0.0.1: `ca.crt`, `leaf.crt`, `leaf.key`.
fn make_certificates(directory: &Path) {
    let openssl = |command: &str| {
        let output =
            Command::new("openssl").args(command.split(' ')).current_dir(directory).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.crt -days 2 -subj /CN=ca -addext keyUsage=critical,keyCertSign"
    ));
    openssl(&format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=leaf"));
    std::fs::write(directory.join("leaf.ext"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.crt",
    );
}

/// An InfluxDB over TLS that takes everything.
fn serve_tls(directory: &Path) -> String {
    let chain =
        CertificateDer::pem_file_iter(directory.join("leaf.crt")).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("leaf.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(connection, socket.unwrap()));
            while read_request(&mut reader).is_some() {
                if reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                    break;
                }
            }
        }
    });
    url
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn both_are_reached_over_tls_with_the_right_authority_only() {
    let certificates = tempfile::tempdir().unwrap();
    let directory = certificates.path();
    make_certificates(directory);
    let path = |name: &str| directory.join(name).display().to_string();
    let port = free_port();
    let redis = RedisServer::with(&[
        "--tls-port".into(),
        port.to_string(),
        "--tls-auth-clients".into(),
        "no".into(),
        "--tls-cert-file".into(),
        path("leaf.crt"),
        "--tls-key-file".into(),
        path("leaf.key"),
        "--tls-ca-cert-file".into(),
        path("ca.crt"),
    ]);
    redis.start();
    let influx = serve_tls(directory);
    let url = format!("rediss://127.0.0.1:{port}");
    let settings = Settings::new(KEYSTROKE, &redis, &influx)
        .and("REDIS_URL", &format!("{url}?ssl_ca_certs={}", path("ca.crt")));

    let trusting = settings.clone().and("INFLUX_CA_FILE", &path("ca.crt"));
    let output = trusting.run(&["--check"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    // Without the CA file, the system's authorities are asked, and none of them made this certificate.
    let text = String::from_utf8(settings.and("REDIS_URL", &url).run(&["--check"]).stdout).unwrap();
    assert_eq!(text.matches("the server's certificate is not signed by a CA").count(), 2, "{text}");

    let mut extractor = trusting.start();
    let events = typing(0, 20);
    redis.add("keystroke", &events);
    let expected = trusting.replay(&events);
    until("windows come out", || redis.list("seclyzer:features:keystroke") == expected);
    redis.wait_for(&format!("seclyzer:stats:{}", Kind::Keystroke.name()), "points_written", |count| {
        count == expected.len().to_string()
    });
    extractor.stop();
}

/// Passes what comes to a unix socket on to a server, one connection after the other.
fn pass_on(path: &Path, server: String) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let Ok(server) = TcpStream::connect(&server) else { continue };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let (mut from, mut to) = (server, client);
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    });
}

#[test]
fn the_store_is_reached_by_a_socket_and_its_certificate_is_still_for_the_url_s_name() {
    let certificates = tempfile::tempdir().unwrap();
    let directory = certificates.path();
    make_certificates(directory);
    let redis = RedisServer::started();
    let address = serve_tls(directory).replace("https://", "");
    let path = |name: &str| directory.join(name).display().to_string();
    pass_on(Path::new(&path("store.sock")), address);
    pass_on(Path::new(&path("away.sock")), "127.0.0.1:9".to_owned());
    drop(UnixListener::bind(path("left.sock")).unwrap());
    // Nothing listens at the URL itself, so nothing but the socket can have been used.
    let settings = |url: &str, socket: &str| {
        Settings::new(KEYSTROKE, &redis, url)
            .and("INFLUX_CA_FILE", &path("ca.crt"))
            .and("INFLUX_SOCKET", &path(socket))
    };
    let checked = |url: &str, socket: &str| {
        let output = settings(url, socket).run(&["--check"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().nth(1).unwrap().to_owned();
        (output.status.code(), line.replace(&path(socket), "SOCKET"))
    };
    let (status, line) = checked("https://127.0.0.1:9", "store.sock");
    assert_eq!(status, Some(0), "{line}");
    assert!(line.starts_with("influxdb: good: 127.0.0.1:9 (TLS) by SOCKET takes points"), "{line}");
    let (status, line) = checked("https://localhost:9", "store.sock");
    assert!(
        status == Some(1) && line.contains("certificate") && line.contains("check influx_ca_file"),
        "{line}"
    );
    for (socket, trouble) in [
        ("away.sock", "closed the connection"),
        ("left.sock", "Connection refused"),
        ("none.sock", "No such file or directory"),
    ] {
        let (status, line) = checked("https://127.0.0.1:9", socket);
        assert!(status == Some(1) && line.contains(trouble), "{line}");
        assert!(line.ends_with("check influx_url and influx_socket"), "{line}");
    }

    let trusting = settings("https://127.0.0.1:9", "store.sock");
    let mut extractor = trusting.start();
    let events = typing(0, 20);
    redis.add("keystroke", &events);
    let expected = trusting.replay(&events).len().to_string();
    redis.wait_for("seclyzer:stats:keystroke", "points_written", |count| *count == expected);
    extractor.stop();
}

#[test]
fn a_socket_where_too_many_wait_is_refused_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("full.sock");
    let full = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .unwrap();
    rustix::net::bind(&full, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let _waits = UnixStream::connect(&path).unwrap();
    let redis = RedisServer::started();
    let settings = Settings::new(KEYSTROKE, &redis, "http://store:8086");
    let start = Instant::now();
    let output = settings.and("INFLUX_SOCKET", &path.display().to_string()).run(&["--check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Resource temporarily unavailable"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn one_who_accepts_and_never_shakes_hands_is_given_up_in_time() {
    let certificates = tempfile::tempdir().unwrap();
    make_certificates(certificates.path());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let redis = RedisServer::started();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let mut extractor = Settings::new(KEYSTROKE, &redis, &url)
        .and("INFLUX_CA_FILE", &certificates.path().join("ca.crt").display().to_string())
        .and("SECLYZER_INFLUX_TIMEOUT_SECONDS", "0.5")
        .start();
    redis.add("keystroke", &typing(0, 3));
    until("it says so", || extractor.log().contains("Writing to InfluxDB does not work"));
    assert!(extractor.log().contains("no answer in time"), "{}", extractor.log());
    extractor.stop();
}
