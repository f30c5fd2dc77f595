//! Connections: unix sockets, TCP and TLS behind one type, with a deadline on everything.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustls::{ClientConnection, StreamOwned};

use crate::config::address::Endpoint;
use crate::config::reason;
use crate::names;
use crate::tls;

enum Socket {
    Plain(Stream),
    Tls(Box<StreamOwned<ClientConnection, Stream>>),
}

/// What bytes travel by; never blocks.
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A connection that never blocks past a deadline.
pub struct Connection {
    socket: Socket,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// There is something to read (or to write).
    Ready,
    /// The other descriptor woke us.
    Woken,
    /// The deadline passed.
    Timeout,
}

impl Connection {
    /// Connects within the time given; with `by`, through the unix socket of that path, behind which the endpoint is
    /// found. A TLS peer is asked for the endpoint's own name all the same.
    ///
    /// # Errors
    /// When no one listens, the time is up, a certificate is not trusted or a CA file is of no use.
    pub fn open(endpoint: &Endpoint, by: Option<&Path>, timeout: Duration) -> io::Result<Connection> {
        let deadline = Instant::now() + timeout;
        let stream = |host: &str, port: u16| match by {
            Some(path) => open_unix(path),
            None => open_tcp(host, port, timeout),
        };
        let socket = match endpoint {
            Endpoint::Unix(path) => Socket::Plain(open_unix(path)?),
            Endpoint::Tcp { host, port } => Socket::Plain(stream(host, *port)?),
            Endpoint::Tls { host, port, ca_file } => {
                // What is wrong with a CA file is reported whether or not the peer is there.
                let client = tls::client(host, ca_file.as_deref())?;
                let shaken = shake_hands(client, stream(host, *port)?, deadline);
                Socket::Tls(Box::new(shaken.map_err(|error| tls::in_words(error, host))?))
            }
        };
        Ok(Connection { socket })
    }

    /// Reads what is there, and waits for it until the deadline. 0 is the end.
    ///
    /// # Errors
    /// `TimedOut` when nothing came; others as the system reports.
    pub fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            if let Some(read) = self.try_read(buffer)? {
                return Ok(read);
            }
            self.wait(PollFlags::IN, deadline, None)?.in_time()?;
        }
    }

    /// Reads what is there; none when nothing is.
    ///
    /// # Errors
    /// As the system reports.
    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = match &mut self.socket {
            Socket::Plain(stream) => stream.read(buffer),
            Socket::Tls(tls) => tls.read(buffer),
        };
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            // A TLS peer that closes without saying so has closed.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }

    /// Writes all bytes before the deadline.
    ///
    /// # Errors
    /// `TimedOut` when the peer does not take them; others as the system reports.
    pub fn write_all(&mut self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.writer().write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT, deadline, None)?.in_time()?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        loop {
            match self.writer().flush() {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT, deadline, None)?.in_time()?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until there is something to read, `other` is readable, or the deadline passes. What TLS has read ahead
    /// is not seen: [`Connection::try_read`] first.
    ///
    /// # Errors
    /// As the system reports.
    pub fn wait_readable(&self, deadline: Instant, other: Option<BorrowedFd<'_>>) -> io::Result<Wait> {
        self.wait(PollFlags::IN, deadline, other)
    }

    fn wait(&self, flags: PollFlags, deadline: Instant, other: Option<BorrowedFd<'_>>) -> io::Result<Wait> {
        wait(Some((self.fd(), flags)), other, deadline)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Plain(stream) => stream.as_fd(),
            Socket::Tls(tls) => tls.sock.as_fd(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.socket {
            Socket::Plain(stream) => stream,
            Socket::Tls(tls) => tls.as_mut(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(socket) => socket.read(buffer),
            Stream::Tcp(socket) => socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(socket) => socket.write(bytes),
            Stream::Tcp(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Unix(socket) => socket.as_fd(),
            Stream::Tcp(socket) => socket.as_fd(),
        }
    }
}

impl Wait {
    fn in_time(self) -> io::Result<()> {
        if self == Wait::Timeout { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// What went wrong, in the words that both implementations use.
pub fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut => "no answer in time".to_owned(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "closed the connection".to_owned()
        }
        // Of TLS: the library's own words.
        ErrorKind::InvalidData => error.to_string(),
        _ => reason(error),
    }
}

/// Waits until `waker` is readable or the deadline passes.
///
/// # Errors
/// As the system reports.
pub fn sleep_until(deadline: Instant, waker: BorrowedFd<'_>) -> io::Result<Wait> {
    wait(None, Some(waker), deadline)
}

fn wait(
    main: Option<(BorrowedFd<'_>, PollFlags)>,
    other: Option<BorrowedFd<'_>>,
    deadline: Instant,
) -> io::Result<Wait> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let mut fds = Vec::with_capacity(2);
        fds.extend(main.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)));
        fds.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, Some(&left)) {
            Ok(0) => return Ok(Wait::Timeout),
            Ok(_) if other.is_some() && fds.last().is_some_and(|fd| !fd.revents().is_empty()) => {
                return Ok(Wait::Woken);
            }
            Ok(_) => return Ok(Wait::Ready),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes no time: a unix socket where too many wait to be let in refuses at once.
fn open_unix(path: &Path) -> io::Result<Stream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(Stream::Unix(socket.into()))
}

fn open_tcp(host: &str, port: u16, timeout: Duration) -> io::Result<Stream> {
    let mut last = io::Error::other("the host name cannot be resolved");
    for address in names::addresses(host) {
        match TcpStream::connect_timeout(&SocketAddr::new(address, port), timeout) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                return Ok(Stream::Tcp(socket));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn shake_hands(
    mut client: ClientConnection,
    mut stream: Stream,
    deadline: Instant,
) -> io::Result<StreamOwned<ClientConnection, Stream>> {
    while client.is_handshaking() {
        match client.complete_io(&mut stream) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let flags = if client.wants_write() { PollFlags::OUT } else { PollFlags::IN };
                wait(Some((stream.as_fd(), flags)), None, deadline)?.in_time()?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(StreamOwned::new(client, stream))
}
