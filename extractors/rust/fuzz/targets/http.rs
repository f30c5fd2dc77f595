//! Any bytes as an answer of InfluxDB, in pieces, on a kept connection: no panic, an answer or an error in time, and
//! nothing of one answer in the next.

#![no_main]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::config::Config;
use seclyzer_extractors::http::Client;
use seclyzer_extractors::influx::Influx;
use seclyzer_extractors::schema::Kind;
use tempfile::TempDir;

const LONGEST_BODY: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that answers every request on a connection with the next prepared bytes, and then ends its side.
struct Server {
    _folder: TempDir,
    socket: PathBuf,
    answers: Mutex<Sender<Vec<u8>>>,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (answers, prepared) = channel();
    thread::spawn(move || serve(&listener, &prepared));
    Server { _folder: folder, socket, answers: Mutex::new(answers) }
});

fn serve(listener: &UnixListener, prepared: &Receiver<Vec<u8>>) {
    for answer in prepared {
        let (mut connection, _) = listener.accept().unwrap();
        // Who has heard enough closes: that is no fault of the server.
        let _ = say(&mut connection, &answer);
    }
}

fn say(connection: &mut UnixStream, answer: &[u8]) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = connection.read(&mut request)?;
    let (first, rest) = answer.split_at(answer.len() / 2);
    connection.write_all(first)?;
    connection.write_all(rest)?;
    connection.shutdown(std::net::Shutdown::Write)
}

fuzz_target!(|data: &[u8]| {
    let server = &*SERVER;
    let tell = || server.answers.lock().unwrap().send(data.to_vec()).unwrap();
    let mut config = Config::new(Kind::Mouse, None, &BTreeMap::new(), &[]).unwrap();
    config.influx.socket = Some(server.socket.clone());

    let mut client = Client::new(config.influx.clone());
    let before = Instant::now();
    tell();
    if let Ok(answer) = client.post("/x", &[("A", "b")], b"body", before + PATIENCE) {
        assert!(answer.status >= 200, "not the last answer: {}", answer.status);
        // Bytes that are no UTF-8 are shown as U+FFFD, which takes three.
        assert!(answer.body.len() <= 3 * LONGEST_BODY);
        assert!(data.starts_with(b"HTTP/1."));
    }
    assert!(before.elapsed() < PATIENCE, "the server ended its side");
    drop(client);

    let mut influx = Influx::new(&config);
    tell();
    let meaning = influx.write(&[b"m f=1 1"], Instant::now() + PATIENCE);
    if let Ok(meaning) = meaning {
        assert!(!format!("{meaning:?}").contains('\u{0}') || data.contains(&0) || data.contains(&b'\\'));
    }
});
