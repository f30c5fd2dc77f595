//! Where Redis and InfluxDB are: URLs, taken apart.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use super::Secret;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// Plain TCP.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// TLS over TCP.
    Tls {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// The authorities to trust; the system's when none.
        ca_file: Option<PathBuf>,
    },
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix://{}", path.display()),
            Endpoint::Tcp { host, port } => write!(f, "{}:{port}", bracketed(host)),
            Endpoint::Tls { host, port, .. } => write!(f, "{}:{port} (TLS)", bracketed(host)),
        }
    }
}

/// An IPv6 address needs brackets before a port.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// A Redis URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The number of the database.
    pub database: u32,
    /// The user, if the URL names one.
    pub username: Option<String>,
    /// The password, if the URL holds one.
    pub password: Option<Secret>,
}

/// An InfluxDB URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluxUrl {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The unix socket behind which it is found; none to connect to it by its name.
    pub socket: Option<PathBuf>,
    /// What stands before `/api/v2/…`, without a slash at its end.
    pub prefix: String,
    /// Host and port as the `Host` header needs them.
    pub authority: String,
    /// All of it: what was configured, without a slash at its end.
    pub url: String,
}

impl fmt::Display for InfluxUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)?;
        match &self.socket {
            Some(path) => write!(f, " by {}", path.display()),
            None => Ok(()),
        }
    }
}

impl InfluxUrl {
    /// Whether no one on the network can read along: by TLS, or because it is the loopback. No name is resolved.
    pub fn private(&self) -> bool {
        match &self.endpoint {
            Endpoint::Tcp { host, .. } => is_loopback(host),
            Endpoint::Unix(_) | Endpoint::Tls { .. } => true,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "::1"
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// What the kernel takes for a unix socket's path, without the zero at its end.
pub const LONGEST_SOCKET_PATH: usize = 107;

/// What is allowed, for messages.
pub const REDIS_URL_FORMS: &str = "redis://[user:password@]host[:port][/database], \
                                   rediss://… (TLS; ?ssl_ca_certs=FILE) or \
                                   unix://[user:password@]/path[?db=database]";
/// What is allowed, for messages.
pub const INFLUX_URL_FORMS: &str =
    "http://host[:port] or https://host[:port], without user, password and token";

/// What is allowed with a token, for messages.
pub const PRIVATE_FORMS: &str = "https://host[:port], or http:// to the loopback \
                                 (127.x.x.x, [::1], localhost): over http influx_token can be read on the way";

/// Takes a Redis URL apart; none when it is no such URL.
pub fn parse_redis_url(url: &str) -> Option<RedisUrl> {
    let (scheme, rest) = url.split_once("://")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (credentials, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (username, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (ca_file, number) = match query.split_once('=') {
        Some(("ssl_ca_certs", file)) if scheme == "rediss" => (Some(percent_decoded(file)?.into()), ""),
        Some(("db", number)) if scheme == "unix" => (None, number),
        _ if query.is_empty() => (None, ""),
        _ => return None,
    };
    let (endpoint, number) = match scheme {
        "unix" if rest.starts_with('/') => (Endpoint::Unix(percent_decoded(rest)?.into()), number),
        "redis" | "rediss" => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (host, port) = parse_authority(authority, 6379)?;
            let endpoint = if scheme == "redis" {
                Endpoint::Tcp { host, port }
            } else {
                Endpoint::Tls { host, port, ca_file }
            };
            (endpoint, path)
        }
        _ => return None,
    };
    let database = if number.is_empty() { 0 } else { digits(number, 5)?.try_into().ok()? };
    let named =
        |text: &str| Some(percent_decoded(text)?).map(|text| Some(text).filter(|text| !text.is_empty()));
    Some(RedisUrl { endpoint, database, username: named(username)?, password: named(password)?.map(Secret) })
}

/// Takes an InfluxDB URL apart; none when it is no such URL. Little is taken, so that whoever reads the address again
/// takes the same parts of it for host and path.
pub fn parse_influx_url(url: &str, ca_file: Option<PathBuf>) -> Option<InfluxUrl> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let (tls, default_port) = match scheme {
        "http" => (false, 80),
        "https" => (true, 443),
        _ => return None,
    };
    let (host, port) = parse_authority(authority, default_port)?;
    let (shown, named) = if let Some(rest) = authority.strip_prefix('[') {
        let plain = host.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        host.parse::<Ipv6Addr>().ok().filter(|_| plain)?;
        (format!("[{host}]"), rest.len() > host.len() + 1)
    } else {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if host.len() > 253 || !host.bytes().all(plain) {
            return None;
        }
        (host.clone(), authority.len() > host.len())
    };
    let prefix = path.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    let is_step = |step: &str| !matches!(step, "" | "." | "..") && step.bytes().all(plain);
    if !prefix.split('/').skip(1).all(is_step) {
        return None;
    }
    let authority = if named { format!("{shown}:{port}") } else { shown };
    let url = format!("{scheme}://{authority}{prefix}");
    let endpoint = if tls { Endpoint::Tls { host, port, ca_file } } else { Endpoint::Tcp { host, port } };
    Some(InfluxUrl { endpoint, socket: None, prefix: prefix.to_owned(), authority, url })
}

/// The URL without the password it may hold.
pub fn masked(url: &str) -> String {
    let masked = || {
        let (scheme, rest) = url.split_once("://")?;
        let (credentials, rest) = rest.rsplit_once('@')?;
        let (username, _) = credentials.split_once(':').filter(|(_, password)| !password.is_empty())?;
        Some(format!("{scheme}://{username}:********@{rest}"))
    };
    masked().unwrap_or_else(|| url.to_owned())
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn parse_authority(authority: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => return None, // `+80` is a number, too
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None => default_port,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// A number of at most so many digits, and nothing but digits.
pub fn digits(text: &str, most: usize) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// `%40` becomes `@`.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
