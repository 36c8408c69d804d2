//! [`vigo_core::action::Op::Fetch`]: a download into a staged file, over https only, of the digest that is expected.

use super::failure::{Answer, failure, text};
use super::name::name_for;
use super::perform::Executor;
use super::platform::kind_of_io;
use crate::state::{make_dir, new_file};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use vigo_core::action::{FailureKind, OpFailure, OpOutput, StagedId};
use vigo_core::hex;

/// Bytes of a download; what comes after is not read.
const BYTES_MAX: u64 = 4 << 30;

const REDIRECTS_MAX: u32 = 5;

const CONNECT: Duration = Duration::from_secs(30);
const WHOLE: Duration = Duration::from_secs(600);

impl Executor {
    /// Downloads into a staged file of the run.
    pub(super) fn fetch(&mut self, url: &str, sha256: [u8; 32], id: StagedId) -> Answer<OpOutput> {
        only_https(url)?;
        let staging = &self.staging;
        let fail = |e: std::io::Error| failure(kind_of_io(&e), format!("stage `{}`: {}", staging.display(), text(e)));
        make_dir(staging).map_err(fail)?;
        let path = staging.join(name_for(b"fetch"));
        let file = new_file(&path).map_err(fail)?;
        match download(url, file, &sha256) {
            Ok(()) => {
                if let Some((old, _)) = self.staged.insert(id, (path, sha256)) {
                    let _ = std::fs::remove_file(old);
                }
                Ok(OpOutput::Done)
            }
            Err(why) => {
                let _ = std::fs::remove_file(&path);
                Err(why)
            }
        }
    }
}

/// Answers [`vigo_core::action::Op::ReadUrl`].
pub(super) fn read_url(url: &str, bytes_max: u64) -> Answer<OpOutput> {
    let mut content = Vec::new();
    get(url, |chunk| {
        content.extend_from_slice(chunk);
        if content.len() as u64 <= bytes_max {
            return Ok(());
        }
        let message = format!("`{url}` holds more than the {bytes_max} bytes that may be read of it");
        Err(failure(FailureKind::TooLarge, message))
    })?;
    Ok(OpOutput::Bytes(content.into()))
}

fn download(url: &str, mut file: std::fs::File, expected: &[u8; 32]) -> Answer<()> {
    let (mut hash, mut total) = (Sha256::new(), 0);
    get(url, |chunk| {
        hash.update(chunk);
        total += chunk.len() as u64;
        if total > BYTES_MAX {
            return Err(failure(FailureKind::TooLarge, format!("`{url}` holds more than {BYTES_MAX} bytes")));
        }
        file.write_all(chunk).map_err(|e| failure(kind_of_io(&e), format!("stage `{url}`: {}", text(e))))
    })?;
    let seen: [u8; 32] = hash.finalize().into();
    if seen == *expected {
        return Ok(());
    }
    let message =
        format!("fetch `{url}`: expected the SHA-256 `{}`, found `{}`", hex::encode(expected), hex::encode(seen));
    Err(failure(FailureKind::Invalid, message))
}

/// Hands what is behind a URL to `take`, piece by piece.
fn get(url: &str, mut take: impl FnMut(&[u8]) -> Answer<()>) -> Answer<()> {
    only_https(url)?;
    let tls = TlsConfig::builder()
        .root_certs(roots()?)
        .unversioned_rustls_crypto_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .https_only(true)
        .max_redirects(REDIRECTS_MAX)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(WHOLE))
        .user_agent("vigo")
        .build();
    let mut response = ureq::Agent::new_with_config(config).get(url).call().map_err(|e| unreachable(url, &e))?;
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut buf = vec![0; 64 << 10];
    loop {
        let len = match body.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(e) => return Err(failure(FailureKind::Unreachable, format!("fetch `{url}`: {}", text(e)))),
        };
        take(buf.get(..len).unwrap_or_default())?;
    }
}

fn only_https(url: &str) -> Answer<()> {
    if url.starts_with("https://") {
        return Ok(());
    }
    Err(failure(FailureKind::Other, format!("expected a URL that starts with `https://`, found `{url}`")))
}

fn roots() -> Answer<RootCerts> {
    let pem = vigo_driver::trusted_certificates().map_err(|why| failure(FailureKind::Other, why))?;
    let certificates = ureq::tls::parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    Ok(certificates.collect::<Vec<Certificate<'static>>>().into())
}

/// A host that cannot be reached is the machine's trouble; an answer that says no is the policy's.
fn unreachable(url: &str, error: &ureq::Error) -> OpFailure {
    let kind = match error {
        ureq::Error::StatusCode(500..) => FailureKind::Unreachable,
        ureq::Error::StatusCode(_) | ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => FailureKind::Other,
        ureq::Error::TooManyRedirects | ureq::Error::Tls(_) | ureq::Error::Rustls(_) => FailureKind::Other,
        _ => FailureKind::Unreachable,
    };
    failure(kind, format!("fetch `{url}`: {error}"))
}
