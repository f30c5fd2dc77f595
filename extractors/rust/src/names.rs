//! Addresses of a host's name. The C library in the programs looks none up: it would load modules that the host's
//! `nsswitch.conf` names, which are built for the host's own C library. `getent`, a part of that one, does.

use std::net::IpAddr;
use std::process::{Command, Stdio};

const GETENT: &str = "/usr/bin/getent";

/// In the order in which they are to be tried; none when the host does not know the name.
pub fn addresses(host: &str) -> Vec<IpAddr> {
    host.parse().map_or_else(|_| looked_up(host), |address| vec![address])
}

fn looked_up(name: &str) -> Vec<IpAddr> {
    let mut getent = Command::new(GETENT);
    getent.args(["--no-addrconfig", "ahosts", "--", name]).stdin(Stdio::null()).stderr(Stdio::null());
    getent.output().map_or_else(|_| Vec::new(), |answer| read(&String::from_utf8_lossy(&answer.stdout)))
}

/// `127.0.0.1 STREAM name`: three lines an address, one for each type of socket.
fn read(answer: &str) -> Vec<IpAddr> {
    let words = answer.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.filter(|words| words.get(1) == Some(&"STREAM")).filter_map(|words| words[0].parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_itself_and_a_name_is_looked_up_as_the_host_does() {
        assert_eq!(addresses("192.0.2.7"), [IpAddr::from([192, 0, 2, 7])]);
        assert_eq!(addresses("2001:db8::1"), ["2001:db8::1".parse::<IpAddr>().unwrap()]);
        assert!(addresses("localhost").contains(&IpAddr::from([127, 0, 0, 1])));
    }

    #[test]
    fn what_no_host_is_called_has_no_address() {
        assert!(addresses("no.such.host.invalid").is_empty());
        assert!(addresses("--help").is_empty());
        assert!(addresses("").is_empty());
    }

    #[test]
    fn each_address_is_taken_once_and_in_order() {
        let answer = "2001:db8::1  STREAM store\n2001:db8::1  DGRAM\n2001:db8::1  RAW\n\
                      fe80::1%eth0  STREAM\n192.0.2.7  STREAM\n192.0.2.7  DGRAM\n\nodd\n";
        assert_eq!(read(answer), ["2001:db8::1".parse::<IpAddr>().unwrap(), IpAddr::from([192, 0, 2, 7])]);
    }
}
