//! `version_lt`.

use super::facts::os_version;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::when::exclusive::{Domain, below};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use crate::when::version;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "version_lt",
    params: &[Param { name: "version", kind: ParamKind::Version }],
    doc: "the OS has an earlier version than this, by its dotted numbers",
    example: "version_lt('12')",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    os_version(traits, |own| version::compare(own, &call.text(0)) == Ordering::Less)
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    below("version", call.text(0), positive)
}
