//! Connections: unix sockets, TCP and TLS behind one type, with a deadline on everything.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::config::address::Endpoint;

/// Where Debian keeps the authorities it trusts.
const SYSTEM_CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A connection that never blocks longer than it is told to.
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
    /// Connects within the time given.
    ///
    /// # Errors
    /// When nobody listens, the time is up, a certificate is not trusted or a CA file is of no use.
    pub fn open(endpoint: &Endpoint, timeout: Duration) -> io::Result<Connection> {
        let socket = match endpoint {
            Endpoint::Unix(path) => {
                let socket = UnixStream::connect(path)?;
                socket.set_nonblocking(true)?;
                Socket::Unix(socket)
            }
            Endpoint::Tcp { host, port } => {
                let socket = open_tcp(host, *port, timeout)?;
                socket.set_nonblocking(true)?;
                Socket::Tcp(socket)
            }
            Endpoint::Tls { host, port, ca_file } => {
                Socket::Tls(Box::new(open_tls(host, *port, ca_file.as_deref(), timeout)?))
            }
        };
        Ok(Connection { socket })
    }

    /// Reads what is there, and waits for it until the deadline. 0 is the end.
    ///
    /// # Errors
    /// `TimedOut` when nothing came; others as the system says.
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
    /// As the system says.
    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = match &mut self.socket {
            Socket::Unix(socket) => socket.read(buffer),
            Socket::Tcp(socket) => socket.read(buffer),
            Socket::Tls(socket) => socket.read(buffer),
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
    /// `TimedOut` when the peer does not take them; others as the system says.
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
    /// As the system says.
    pub fn wait_readable(&self, deadline: Instant, other: Option<BorrowedFd<'_>>) -> io::Result<Wait> {
        self.wait(PollFlags::IN, deadline, other)
    }

    fn wait(&self, flags: PollFlags, deadline: Instant, other: Option<BorrowedFd<'_>>) -> io::Result<Wait> {
        wait(Some((self.fd(), flags)), other, deadline)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Unix(socket) => socket.as_fd(),
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Tls(socket) => socket.sock.as_fd(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.socket {
            Socket::Unix(socket) => socket,
            Socket::Tcp(socket) => socket,
            Socket::Tls(socket) => socket.as_mut(),
        }
    }
}

impl Wait {
    fn in_time(self) -> io::Result<()> {
        if self == Wait::Timeout { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// Waits until `waker` is readable or the deadline passes.
///
/// # Errors
/// As the system says.
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

fn open_tcp(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("{host} has no address"));
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open_tls(
    host: &str,
    port: u16,
    ca_file: Option<&Path>,
    timeout: Duration,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let config = tls_config(ca_file.unwrap_or(Path::new(SYSTEM_CA_FILE)))?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let deadline = Instant::now() + timeout;
    let mut socket = open_tcp(host, port, timeout)?;
    socket.set_nonblocking(true)?;
    while connection.is_handshaking() {
        match connection.complete_io(&mut socket) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let flags = if connection.wants_write() { PollFlags::OUT } else { PollFlags::IN };
                wait(Some((socket.as_fd(), flags)), None, deadline)?.in_time()?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(StreamOwned::new(connection, socket))
}

/// Trusts the authorities in one file of certificates. It is read at every connect, so a renewed one is found.
fn tls_config(ca_file: &Path) -> io::Result<ClientConfig> {
    let named = |error: &dyn std::fmt::Display| {
        io::Error::new(ErrorKind::InvalidData, format!("CA file {}: {error}", ca_file.display()))
    };
    let file = File::open(ca_file).map_err(|error| named(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(io::BufReader::new(file)) {
        let certificate = certificate.map_err(|error| named(&error))?;
        // The system's file may hold certificates that rustls does not like; the others do.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(named(&"holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
