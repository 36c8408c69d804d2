//! `is_container`.

use super::facts::flag;
use super::table::{Builtin, Decide};
use crate::traits::TraitSet;
use crate::when::expr::Call;
use crate::when::tri::Tri;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "is_container",
    doc: "the machine is a container, jail or zone",
    example: "!is_container",
    decide: Decide::Traits(decide),
    ..Builtin::PLAIN
};

fn decide(_: &Call, traits: &TraitSet) -> Tri {
    flag(traits, "virtualization.is_container")
}
