//! `host_is_libvirt`.

use super::facts::flag;
use super::table::{Builtin, Decide};
use crate::traits::TraitSet;
use crate::when::expr::Call;
use crate::when::tri::Tri;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "host_is_libvirt",
    doc: "the machine runs guests by libvirt",
    example: "host_is_libvirt",
    decide: Decide::Traits(decide),
    ..Builtin::PLAIN
};

fn decide(_: &Call, traits: &TraitSet) -> Tri {
    flag(traits, "hypervisor.libvirt")
}
