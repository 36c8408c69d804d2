//! `environment`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::exclusive::{Domain, is};
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "environment",
    params: &[Param { name: "name", kind: ParamKind::Name }],
    doc: "the environment of the envoy's match block has this name",
    example: "environment('production')",
    decide: Decide::Server(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, facts: &dyn ServerFacts) -> Expr {
    facts.environment().is_some_and(|own| own == call.text(0)).into()
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    is("environment", call.text(0), positive)
}
