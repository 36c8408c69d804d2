//! `port_listening`.

use super::facts::{known, unexpected};
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::value::Value;
use crate::when::expr::Call;
use crate::when::tri::Tri;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "port_listening",
    params: &[Param { name: "port", kind: ParamKind::Int(1, 65_535) }],
    doc: "a program listens on this TCP port",
    example: "port_listening(443)",
    decide: Decide::Traits(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    let wanted = Value::Int(call.int(0));
    known(traits, "ports.listening").map_or_else(
        |tri| tri,
        |value| match value.as_list() {
            Some(ports) => ports.contains(&wanted).into(),
            None => unexpected("ports.listening", "a list", value),
        },
    )
}
