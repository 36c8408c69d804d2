//! `changed`.

use super::table::{Builtin, Decide};

pub(super) const BUILTIN: Builtin = Builtin {
    name: "changed",
    doc: "the resource runs only when another one triggers it",
    example: "changed && hour_range(2, 5)",
    decide: Decide::Trigger,
    ..Builtin::PLAIN
};
