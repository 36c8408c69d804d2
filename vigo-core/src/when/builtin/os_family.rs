//! `os_family`.

use super::facts::is_word;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::when::exclusive::{Domain, one_of};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use crate::when::words::{ANY_FAMILY, family_bits};
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "os_family",
    params: &[Param { name: "family", kind: ParamKind::Family }],
    doc: "the OS is of this family; `bsd` and `linux` are families of families",
    example: "os_family('debian')",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

/// What of Linux has no known family is Linux by its kernel.
fn decide(call: &Call, traits: &TraitSet) -> Tri {
    let wanted = family_bits(&call.text(0)).unwrap_or(0);
    let family = is_word(traits, "os.family", |own| family_bits(own).is_some_and(|bits| bits & wanted != 0));
    if call.text(0).eq_ignore_ascii_case("linux") {
        return family.or(is_word(traits, "os.kernel", |own| own.eq_ignore_ascii_case("linux")));
    }
    family
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    one_of("family", family_bits(&call.text(0)).unwrap_or(0), ANY_FAMILY, positive)
}
