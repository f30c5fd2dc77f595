//! Stands between a program and Redis, and breaks the connection at the worst moment.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// When the connection breaks.
#[derive(Clone, Copy, PartialEq)]
pub enum Break {
    /// Redis never sees the `EXEC`.
    BeforeExec,
    /// Redis carries it out, and its answer is lost.
    AfterExec,
}

pub struct Relay {
    path: PathBuf,
    broken: Arc<AtomicUsize>,
}

impl Relay {
    /// Breaks the connection at each of the first `times` transactions.
    pub fn start(redis: &Path, path: PathBuf, at: Break, times: usize) -> Relay {
        let listener = UnixListener::bind(&path).unwrap();
        let (redis, broken) = (redis.to_owned(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&broken);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), UnixStream::connect(&redis).unwrap());
                let (back, forth) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || copy(server, back));
                let count = Arc::clone(&count);
                thread::spawn(move || forward(client, forth, at, times, &count));
            }
        });
        Relay { path, broken }
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    pub fn broken(&self) -> usize {
        self.broken.load(Ordering::SeqCst)
    }
}

fn copy(mut from: UnixStream, mut to: UnixStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn forward(mut client: UnixStream, mut server: UnixStream, at: Break, times: usize, broken: &AtomicUsize) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let bytes = &buffer[..length];
        let is_transaction = bytes.windows(8).any(|window| window == b"$4\r\nEXEC");
        if is_transaction && broken.load(Ordering::SeqCst) < times {
            broken.fetch_add(1, Ordering::SeqCst);
            client.shutdown(Shutdown::Both).unwrap();
            if at == Break::AfterExec {
                server.write_all(bytes).unwrap();
            }
            break;
        }
        if server.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}
