//! `var`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::value::Value;
use crate::when::expr::{Call, Expr};
use crate::when::fold::ServerFacts;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "var",
    params: &[Param { name: "name", kind: ParamKind::Variable }],
    doc: "the variable is there, and true as `if` in a template sees it",
    example: "var('tls_enabled')",
    decide: Decide::Server(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, facts: &dyn ServerFacts) -> Expr {
    facts.var(&call.text(0)).is_some_and(|value| is_true(&value)).into()
}

/// Go's `text/template`: false, 0, null and what is empty are false.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Float(n) => *n != 0.0,
        Value::Text(t) => !t.as_str().is_empty(),
        Value::List(l) => !l.is_empty(),
        Value::Map(m) => !m.is_empty(),
    }
}
