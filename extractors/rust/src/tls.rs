//! Whom TLS trusts, and in words why not: one verdict for all of this project, whatever library judges.
//!
//! rustls takes certificates that OpenSSL refuses, and the other way round. The stricter verdict is everybody's.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use crate::certificate::{self, Certificate};

/// Where Debian keeps the authorities it trusts.
const SYSTEM_CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A client that trusts the authorities of one file of certificates, the system's when none is named. The file is read
/// at every connect, so a renewed one is found.
///
/// # Errors
/// When the file is of no use.
pub fn client(host: &str, ca_file: Option<&Path>) -> io::Result<ClientConnection> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let judge = Judge::of(ca_file, Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)
}

/// Why a handshake failed, in words.
pub fn in_words(error: io::Error, host: &str) -> io::Error {
    let words = match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(error)) => format!("the server's certificate {}", fault(error, host)),
        Some(error) => error.to_string(),
        None => return error,
    };
    io::Error::new(ErrorKind::InvalidData, words)
}

fn fault(error: &CertificateError, host: &str) -> String {
    let words = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => certificate::EXPIRED,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => certificate::NOT_YET,
        CertificateError::UnknownIssuer | CertificateError::BadSignature => certificate::UNKNOWN,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            return wrong_name(host);
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            certificate::PURPOSE
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => certificate::KEY,
        CertificateError::Other(other) => {
            let text = format!("{other:?}");
            match text {
                _ if text.contains("UnsupportedCertVersion") => return wrong_name(host),
                _ if text.contains("CaUsedAsEndEntity") => certificate::IS_CA,
                _ if text.contains("EndEntityUsedAsCa") || text.contains("PathLenConstraintViolated") => {
                    certificate::UNKNOWN
                }
                _ => return format!("is not valid: {text}"),
            }
        }
        other => return format!("is not valid: {other}"),
    };
    words.to_owned()
}

/// Also of one without any: of version 1, or with a CN only.
fn wrong_name(host: &str) -> String {
    let kind = if host.parse::<IpAddr>().is_ok() { "IP" } else { "DNS" };
    format!("is not for {host}: issue one with subjectAltName={kind}:{host} (a CN alone does not count)")
}

/// rustls' own verdict, and what OpenSSL asks for besides.
#[derive(Debug)]
struct Judge {
    provider: Arc<CryptoProvider>,
    /// None when no authority may be trusted.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    subjects: Vec<Vec<u8>>,
    /// Certificates in the CA file that are no authority's: they are trusted when the server has the very same one.
    pins: Vec<CertificateDer<'static>>,
    /// Certificates in the CA file that others have signed: as if the server had shown them.
    intermediates: Vec<CertificateDer<'static>>,
}

impl Judge {
    fn of(ca_file: Option<&Path>, provider: Arc<CryptoProvider>) -> io::Result<Judge> {
        let path = ca_file.unwrap_or(Path::new(SYSTEM_CA_FILE));
        let named = |error: &dyn std::fmt::Display| {
            io::Error::new(ErrorKind::InvalidData, format!("CA file {}: {error}", path.display()))
        };
        let unreadable = |error: io::Error| named(&crate::config::reason(&error));
        let (mut roots, mut faults) = (RootCertStore::empty(), Vec::new());
        let (mut pins, mut intermediates) = (Vec::new(), Vec::new());
        for found in CertificateDer::pem_slice_iter(&fs::read(path).map_err(unreadable)?) {
            let damaged = || named(&"it holds a certificate that is damaged");
            let der = found.map_err(|_| damaged())?;
            let found = Certificate::read(&der);
            match found.as_ref().map(Certificate::anchor_fault) {
                // The system's file may hold certificates that we cannot use; the others do.
                None if ca_file.is_none() => {}
                None => return Err(damaged()),
                Some(Some(fault)) => faults.push(fault),
                Some(None)
                    if ca_file.is_some() && found.as_ref().is_some_and(Certificate::is_intermediate) =>
                {
                    intermediates.push(der);
                }
                Some(None) if found.is_some_and(|found| found.is_pin()) => pins.push(der),
                Some(None) => {
                    let _ = roots.add(der);
                }
            }
        }
        if roots.is_empty() && pins.is_empty() && intermediates.is_empty() {
            return Err(match faults.first() {
                Some(fault) => named(&format!("it holds a certificate that {fault}")),
                None => named(&"it holds no certificate"),
            });
        }
        let subjects = roots.roots.iter().map(|root| root.subject.to_vec()).collect();
        let authorities = (!roots.is_empty()).then(|| verifier(roots, &provider)).transpose();
        Ok(Judge {
            authorities: authorities.map_err(io::Error::other)?,
            provider,
            subjects,
            pins,
            intermediates,
        })
    }

    /// What rustls refuses before it asks whose the certificate is, is asked for here: a stranger's stays a stranger's.
    fn of_ca(&self, certificate: &CertificateDer<'_>, name: &ServerName<'_>, error: Error) -> Error {
        if !format!("{error:?}").contains("CaUsedAsEndEntity") {
            return error;
        }
        let has = |subject: &Vec<u8>| certificate.windows(subject.len()).any(|part| part == &**subject);
        if !self.subjects.iter().any(has) {
            return CertificateError::UnknownIssuer.into();
        }
        let named = ParsedCertificate::try_from(certificate).and_then(|own| verify_server_name(&own, name));
        named.err().unwrap_or(error)
    }
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, rustls::client::VerifierBuilderError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = self.pins.iter().find(|pin| **pin == *end_entity).and_then(|pin| {
            let mut roots = RootCertStore::empty();
            roots.add(pin.clone()).ok()?;
            verifier(roots, &self.provider).ok()
        });
        let Some(judge) = pinned.or_else(|| self.authorities.clone()) else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        let intermediates: Vec<_> = intermediates.iter().chain(&self.intermediates).cloned().collect();
        let verified = judge.verify_server_cert(end_entity, &intermediates, server_name, ocsp_response, now);
        let verified = verified.map_err(|error| self.of_ca(end_entity, server_name, error))?;
        match Certificate::read(end_entity).and_then(|own| own.server_fault()) {
            Some(certificate::PURPOSE) => Err(CertificateError::InvalidPurpose.into()),
            _ => Ok(verified),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
