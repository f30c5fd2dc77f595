//! What counts of a certificate (X.509, DER) and is not judged by rustls.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::timestamp::timestamp;

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SIGNS_CERTIFICATES: u8 = 0x04;
/// digitalSignature, keyEncipherment, keyAgreement
const SERVES: u8 = 0x80 | 0x20 | 0x08;
const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// RSA, P-256, P-384, Ed25519.
const KEYS: [&[u8]; 4] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
    &[0x2b, 0x81, 0x04, 0x00, 0x22],
    &[0x2b, 0x65, 0x70],
];

/// A fault, in words that follow the certificate's.
pub const IS_CA: &str =
    "is a CA certificate (CA:TRUE): issue a server certificate (CA:FALSE), signed by the CA";
/// A fault, in words that follow the certificate's.
pub const EXPIRED: &str = "has expired: issue a new one";
/// A fault, in words that follow the certificate's.
pub const NOT_YET: &str = "is not valid yet: check the clocks of both, or issue a new one";
/// A fault, in words that follow the certificate's.
pub const UNKNOWN: &str = "is not signed by a CA of the CA file: check the CA file, or give the server its \
                           certificate with the intermediate ones behind it";
/// A fault, in words that follow the certificate's.
pub const PURPOSE: &str =
    "is not for a server: issue one with keyUsage=digitalSignature and extendedKeyUsage=serverAuth";
/// A fault, in words that follow the certificate's.
pub const NO_SIGNER: &str = "may not sign others: issue a CA certificate with keyUsage=keyCertSign";
/// A fault, in words that follow the certificate's.
pub const KEY: &str = "has a key or a signature that is not supported: issue one with a key of P-256, P-384, Ed25519 \
                       or RSA of 2048 bits";

/// Times are UTC as `YYYYMMDDhhmmss`.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    not_before: String,
    not_after: String,
    /// It is of a version that can state whether it may sign others.
    extended: bool,
    /// It signed itself.
    own: bool,
    /// It may sign others.
    pub ca: bool,
    /// The first byte of keyUsage, all bits where there is none.
    usage: u8,
    /// Its key is of a kind that is supported.
    key: bool,
}

impl Certificate {
    /// Takes it apart; none for what is no certificate.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let outer = parts(only(der)?)?;
        let fields = parts(outer.first()?.1)?;
        // The version, which those of version 1 do not state.
        let skip = usize::from(fields.first()?.0 == 0xa0);
        let extended = skip == 1 && only(fields.first()?.1)?.last() == Some(&2);
        let field = |number: usize| fields.get(number + skip).map(|(_, value)| *value);
        let times = parts(field(3)?)?;
        let [(before_tag, before), (after_tag, after)] = times[..] else { return None };
        let (mut ca, mut usage) = (false, 0xff);
        for (_, value) in fields.iter().skip(6 + skip).filter(|(tag, _)| *tag == 0xa3) {
            for (_, extension) in parts(only(value)?)? {
                let extension = parts(extension)?;
                let (oid, value) = (extension.first()?.1, extension.last()?.1);
                match oid {
                    BASIC_CONSTRAINTS => ca = parts(only(value)?)?.first() == Some(&(1, &[0xff])),
                    KEY_USAGE => usage = *only(value)?.get(1)?,
                    _ => {}
                }
            }
        }
        let algorithm = parts(parts(field(5)?)?.first()?.1)?;
        let kind = algorithm.first()?.1;
        let kind = if kind == EC_KEY { algorithm.get(1)?.1 } else { kind };
        let (not_before, not_after) = (time(before_tag, before)?, time(after_tag, after)?);
        let own = field(2)? == field(4)?;
        Some(Certificate { not_before, not_after, extended, own, ca, usage, key: KEYS.contains(&kind) })
    }

    /// Whether it can be a server's only.
    pub fn is_pin(&self) -> bool {
        self.extended && !self.ca
    }

    /// Whether others stand behind it.
    pub fn is_intermediate(&self) -> bool {
        !self.own
    }

    /// Why it may not be trusted to sign others.
    pub fn anchor_fault(&self) -> Option<&'static str> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let now: String = now.chars().filter(char::is_ascii_digit).take(14).collect();
        let faults = [
            (now > self.not_after, EXPIRED),
            (now < self.not_before, NOT_YET),
            (self.ca && self.usage & SIGNS_CERTIFICATES == 0, NO_SIGNER),
            (!self.key, KEY),
        ];
        faults.into_iter().find_map(|(wrong, words)| wrong.then_some(words))
    }

    /// Why it may not be a server's, though its signature, its times and its name are right.
    pub fn server_fault(&self) -> Option<&'static str> {
        let faults = [(self.ca, IS_CA), (self.usage & SERVES == 0, PURPOSE), (!self.key, KEY)];
        faults.into_iter().find_map(|(wrong, words)| wrong.then_some(words))
    }
}

fn time(tag: u8, value: &[u8]) -> Option<String> {
    let text = str::from_utf8(value).ok()?;
    let text = text.strip_suffix('Z').unwrap_or(text);
    let century = match (tag, text.bytes().next()?) {
        (0x17, b'5'..=b'9') => "19",
        (0x17, _) => "20",
        _ => "",
    };
    let text = format!("{century}{text}");
    (text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// The contents of the one part that the data is.
fn only(data: &[u8]) -> Option<&[u8]> {
    match parts(data)?[..] {
        [(_, value)] => Some(value),
        _ => None,
    }
}

/// The tags and contents that stand one behind the other, as DER has them.
fn parts(mut data: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut parts = Vec::new();
    while let Some((&tag, rest)) = data.split_first() {
        let (&first, rest) = rest.split_first()?;
        let (size, rest) = if first > 0x80 {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let size = digits
                .iter()
                .try_fold(0_usize, |size, digit| size.checked_mul(256)?.checked_add(usize::from(*digit)));
            (size?, rest)
        } else {
            (usize::from(first), rest)
        };
        let (value, rest) = rest.split_at_checked(size)?;
        parts.push((tag, value));
        data = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_that_is_no_certificate_stops_the_program(data: Vec<u8>) {
            let _ = Certificate::read(&data);
        }
    }
}
