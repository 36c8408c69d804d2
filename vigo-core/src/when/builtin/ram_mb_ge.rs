//! `ram_mb_ge`.

use super::facts::at_least;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::when::exclusive::{self, Domain};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "ram_mb_ge",
    params: &[Param { name: "megabytes", kind: ParamKind::Int(0, i64::MAX) }],
    doc: "the machine has at least this much memory, in MiB",
    example: "ram_mb_ge(4096)",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    at_least(traits, "hardware.memory_mb", call.int(0))
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    exclusive::at_least("memory", call.text(0), positive)
}
