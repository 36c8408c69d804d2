//! `trait_is`.

use super::facts::{known, prints_as};
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::{TraitKind, TraitSet, declared};
use crate::value::Value;
use crate::when::exclusive::{Domain, is};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use alloc::format;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "trait_is",
    params: &[Param { name: "path", kind: ParamKind::TraitPath }, Param { name: "value", kind: ParamKind::Text }],
    doc: "the trait prints as this value; of a list, one of its items does",
    example: "trait_is('init.manager', 'systemd')",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    let wanted = call.text(1);
    known(traits, &call.text(0)).map_or_else(
        |tri| tri,
        |value| match value {
            Value::List(items) => items.iter().any(|item| prints_as(item, &wanted)).into(),
            value => prints_as(value, &wanted).into(),
        },
    )
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    match declared(&call.text(0)) {
        Some(TraitKind::List | TraitKind::Map) | None => Vec::new(),
        Some(_) => is(format!("trait {}", call.text(0)), call.text(1), positive),
    }
}
