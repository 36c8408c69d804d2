//! `has_configcrate`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "has_configcrate",
    params: &[Param { name: "name", kind: ParamKind::Name }],
    doc: "the envoy includes this configcrate, whatever its gate says",
    example: "has_configcrate('nginx')",
    decide: Decide::Server(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, facts: &dyn ServerFacts) -> Expr {
    facts.configcrate(&call.text(0))
}
