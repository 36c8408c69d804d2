//! `hostname_match`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::glob::Glob;
use crate::when::exclusive::{Domain, is};
use crate::when::expr::Call;
use alloc::string::ToString;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "hostname_match",
    params: &[Param { name: "glob", kind: ParamKind::Glob }],
    doc: "the name that the envoy enrolled with matches the glob",
    example: "hostname_match('web-*.prod.acme.com')",
    decide: Decide::Name(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, hostname: &str) -> bool {
    // A glob was parsed by the check; one that does not parse matches nothing.
    Glob::parse(&call.text(0)).is_ok_and(|glob| glob.matches(hostname))
}

/// A glob of letters alone is one name.
fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    let glob = Glob::parse(&call.text(0)).ok();
    glob.as_ref().and_then(Glob::literal).map_or(Vec::new(), |name| is("hostname", name.to_string(), positive))
}
