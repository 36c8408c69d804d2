//! `version_ge`.

use super::facts::os_version;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::when::exclusive::{Domain, at_least};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use crate::when::version;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "version_ge",
    params: &[Param { name: "version", kind: ParamKind::Version }],
    doc: "the OS has this version or a later one, by its dotted numbers",
    example: "version_ge('22.04')",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    os_version(traits, |own| version::compare(own, &call.text(0)) != Ordering::Less)
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    at_least("version", call.text(0), positive)
}
