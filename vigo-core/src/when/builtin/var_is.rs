//! `var_is`.

use super::facts::prints_as;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "var_is",
    params: &[Param { name: "name", kind: ParamKind::Variable }, Param { name: "value", kind: ParamKind::Text }],
    doc: "the variable is there and prints as this value",
    example: "var_is('tier', 'gold')",
    decide: Decide::Server(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, facts: &dyn ServerFacts) -> Expr {
    // A secret is no plain value; the resolver has said so.
    let value = facts.var(&call.text(0)).filter(|value| value.secret_path().is_none());
    value.is_some_and(|value| prints_as(&value, &call.text(1))).into()
}
