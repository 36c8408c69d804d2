//! `has_trait`.

use super::facts::unreadable;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::{Lookup, TraitSet};
use crate::when::expr::Call;
use crate::when::tri::Tri;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "has_trait",
    params: &[Param { name: "path", kind: ParamKind::TraitPath }],
    doc: "the machine has this trait",
    example: "has_trait('selinux.mode')",
    decide: Decide::Traits(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    match traits.get(&call.text(0)) {
        Lookup::Present(_) => Tri::True,
        Lookup::Omitted => Tri::False,
        Lookup::Null => unreadable(&call.text(0)),
    }
}
