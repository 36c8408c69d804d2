//! `package_source_audit`: repositories that are not signed or not encrypted.

use super::repositories::{probe, sources};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, fields, sorted};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("package_source_audit", probe, interpret).of_image();

/// Packages that no repository has are not looked for: that takes each manager minutes of its own index.
fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let sources = match sources(See(outputs)) {
        Ok(sources) => sources,
        Err(ops) => return Ok(Found::Ask(ops)),
    };
    let used: Vec<_> = sources.iter().filter(|s| s.enabled).collect();
    let unsigned = used.iter().filter(|s| s.unsigned).map(|s| s.id.as_str());
    let plain = used.iter().filter(|s| s.url.starts_with("http:") || s.url.starts_with("ftp:")).map(|s| s.id.as_str());
    Ok(Found::Value(fields([("unsigned_repos", Some(sorted(unsigned))), ("http_repos", Some(sorted(plain)))])))
}
