//! `arch`.

use super::facts::is_word;
use super::table::{Builtin, Decide, Param, ParamKind};
use crate::traits::TraitSet;
use crate::when::exclusive::{Domain, is};
use crate::when::expr::Call;
use crate::when::tri::Tri;
use crate::when::words::arch_of;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "arch",
    params: &[Param { name: "arch", kind: ParamKind::Arch }],
    doc: "the processor is of this architecture; `x86_64` is `amd64`, `aarch64` is `arm64`",
    example: "arch('amd64')",
    decide: Decide::Traits(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, traits: &TraitSet) -> Tri {
    let wanted = arch_of(&call.text(0));
    is_word(traits, "os.arch", |own| arch_of(own).is_some() && arch_of(own) == wanted)
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    is("arch", arch_of(&call.text(0)).unwrap_or_default(), positive)
}
