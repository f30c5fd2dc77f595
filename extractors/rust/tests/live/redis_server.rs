//! A Redis of the test's own, on a unix socket in a directory that is gone afterwards.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seclyzer_extractors::config::Config;
use seclyzer_extractors::redis::{Redis, RedisError};
use seclyzer_extractors::resp::{Frame, write_command};
use seclyzer_extractors::schema::Kind;
use tempfile::TempDir;

use crate::{eventually, until};

/// A reply that outlives its connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Text(String),
    Integer(i64),
    List(Vec<Reply>),
    Null,
}

impl Reply {
    fn of(frame: &Frame<'_>) -> Reply {
        match frame {
            Frame::Error(error) => panic!("Redis: {error}"),
            Frame::Integer(number) => Reply::Integer(*number),
            Frame::Null => Reply::Null,
            Frame::Simple(_) | Frame::Bulk(_) => {
                Reply::Text(String::from_utf8_lossy(frame.bytes().unwrap()).into_owned())
            }
            Frame::Array(_) | Frame::Map(_) | Frame::Push(_) => {
                Reply::List(frame.items().iter().map(Reply::of).collect())
            }
        }
    }

    pub fn texts(self) -> Vec<String> {
        match self {
            Reply::List(items) => items.into_iter().flat_map(Reply::texts).collect(),
            Reply::Text(text) => vec![text],
            Reply::Integer(number) => vec![number.to_string()],
            Reply::Null => vec![],
        }
    }
}

pub struct RedisServer {
    pub directory: TempDir,
    options: Vec<String>,
    child: RefCell<Option<Child>>,
    connection: RefCell<Option<Redis>>,
}

impl RedisServer {
    /// One that is not running yet.
    pub fn new() -> RedisServer {
        RedisServer::with(&[])
    }

    pub fn with(options: &[String]) -> RedisServer {
        let directory = tempfile::tempdir().unwrap();
        let options = options.to_vec();
        RedisServer { directory, options, child: RefCell::new(None), connection: RefCell::new(None) }
    }

    pub fn started() -> RedisServer {
        let server = RedisServer::new();
        server.start();
        server
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn start(&self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--dir"]).arg(self.directory.path());
        command.arg("--unixsocket").arg(self.socket()).args(&self.options);
        let child =
            command.stdout(Stdio::null()).spawn().expect("redis-server is needed: apt install redis-server");
        *self.child.borrow_mut() = Some(child);
        until("Redis answers", || self.connect().is_ok());
    }

    fn connect(&self) -> Result<(), RedisError> {
        let environment = BTreeMap::from([("REDIS_URL".to_owned(), self.url())]);
        let config = Config::new(Kind::Keystroke, None, &environment, &[]).unwrap();
        *self.connection.borrow_mut() = Some(Redis::open(&config)?);
        Ok(())
    }

    /// Ends it; what it held is gone.
    pub fn kill(&self) {
        self.connection.borrow_mut().take();
        if let Some(mut child) = self.child.borrow_mut().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal: `STOP` makes it hang, `CONT` lets it go on.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.borrow().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// A door to it at another path, behind which it is still loading.
    pub fn loading_at(&self, path: &Path) -> Door {
        let listener = UnixListener::bind(path).unwrap();
        let (is_open, redis) = (Arc::new(AtomicBool::new(false)), self.socket());
        let opened = Arc::clone(&is_open);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, redis, opened) = (client.unwrap(), redis.clone(), Arc::clone(&opened));
                std::thread::spawn(move || {
                    if opened.load(Ordering::SeqCst) { relay(client, &redis) } else { load(client) }
                });
            }
        });
        Door { is_open }
    }

    pub fn call(&self, command: &[&str]) -> Reply {
        let bytes: Vec<&[u8]> = command.iter().map(|word| word.as_bytes()).collect();
        let mut connection = self.connection.borrow_mut();
        connection.as_mut().unwrap().call("test", &bytes, Reply::of).unwrap()
    }

    /// Many commands at once.
    pub fn pipeline(&self, commands: &[Vec<&str>]) {
        let mut request = Vec::new();
        for command in commands {
            write_command(&mut request, &command.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        }
        let mut connection = self.connection.borrow_mut();
        let redis = connection.as_mut().unwrap();
        redis.send(&request).unwrap();
        for _ in commands {
            redis.answer(std::time::Instant::now() + crate::PATIENCE, Reply::of).unwrap();
        }
    }

    /// A list, oldest first.
    pub fn list(&self, key: &str) -> Vec<String> {
        let mut texts = self.call(&["LRANGE", key, "0", "-1"]).texts();
        texts.reverse();
        texts
    }

    pub fn hash(&self, key: &str) -> BTreeMap<String, String> {
        let texts = self.call(&["HGETALL", key]).texts();
        texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
    }

    /// Waits until the hash's field has a value that fits.
    #[track_caller]
    pub fn wait_for(&self, key: &str, field: &str, fits: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        eventually(&format!("{key} {field}"), || {
            Some(self.hash(key)).filter(|hash| hash.get(field).is_some_and(|value| fits(value)))
        })
    }

    /// Listens on a channel.
    pub fn subscribe(&self, channel: &str) -> Subscriber {
        let environment = BTreeMap::from([("REDIS_URL".to_owned(), self.url())]);
        let config = Config::new(Kind::Keystroke, None, &environment, &[]).unwrap();
        let mut redis = Redis::open(&config).unwrap();
        redis.call("SUBSCRIBE", &[b"SUBSCRIBE", channel.as_bytes()], |_| ()).unwrap();
        Subscriber { redis }
    }

    /// Waits until the extractor listens.
    pub fn wait_for_listener(&self) {
        until("the server listens", || {
            self.call(&["PUBSUB", "NUMSUB", "seclyzer:events"])
                .texts()
                .get(1)
                .is_some_and(|count| count != "0")
        });
    }
}

pub struct Door {
    is_open: Arc<AtomicBool>,
}

impl Door {
    /// It has loaded. Who asks a door that was closed is sent away.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

/// `HELLO` is allowed while Redis loads, little else is.
fn load(mut client: UnixStream) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let is_hello = buffer[..length].windows(5).any(|window| window == b"HELLO");
        let answer: &[u8] =
            if is_hello { b"%0\r\n" } else { b"-LOADING Redis is loading the dataset in memory\r\n" };
        if client.write_all(answer).is_err() {
            return;
        }
    }
}

fn relay(client: UnixStream, redis: &Path) {
    let server = UnixStream::connect(redis).unwrap();
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = std::io::copy(&mut from_server, &mut to_client);
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

pub struct Subscriber {
    redis: Redis,
}

impl Subscriber {
    /// The messages that came so far.
    pub fn messages(&mut self) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            let soon = std::time::Instant::now() + Duration::from_millis(50);
            match self
                .redis
                .answer(soon, |frame| frame.items().get(2).and_then(Frame::text).map(str::to_owned))
            {
                Ok(message) => messages.extend(message),
                Err(_) => return messages,
            }
        }
    }
}
