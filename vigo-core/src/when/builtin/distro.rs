//! `distro`.

use super::facts::is_word;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::when::exclusive::{Domain, is};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use crate::when::words::{family_bits, family_of};
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "distro",
    params: &[Param { name: "id", kind: ParamKind::Distro }],
    doc: "the OS is this distribution",
    example: "distro('ubuntu')",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    is_word(traits, "os.distro", |own| own.eq_ignore_ascii_case(&call.text(0)))
}

/// A known distribution has one family, so it also excludes the others.
fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    let id = call.text(0).to_ascii_lowercase();
    let family = family_of(&id).and_then(family_bits).filter(|_| positive);
    let mut all = is("distro", id, positive);
    all.extend(family.map(|bits| Domain::OneOf("family", bits)));
    all
}
