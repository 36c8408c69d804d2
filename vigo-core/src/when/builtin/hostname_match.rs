//! `hostname_match`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::glob::Glob;
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "hostname_match",
    params: &[Param { name: "glob", kind: ParamKind::Glob }],
    doc: "the name that the envoy enrolled with matches the glob",
    example: "hostname_match('web-*.prod.acme.com')",
    decide: Decide::Server(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, facts: &dyn ServerFacts) -> Expr {
    // A glob was parsed by the check; one that does not parse matches nothing.
    Glob::parse(&call.text(0)).is_ok_and(|glob| facts.hostname_match(&glob)).into()
}
