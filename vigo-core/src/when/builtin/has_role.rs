//! `has_role`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "has_role",
    params: &[Param { name: "name", kind: ParamKind::Name }],
    doc: "the envoy has this role, named or included by another",
    example: "has_role('webserver')",
    decide: Decide::Server(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, facts: &dyn ServerFacts) -> Expr {
    facts.has_role(&call.text(0)).into()
}
