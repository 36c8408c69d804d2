//! `has_command`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "has_command",
    params: &[Param { name: "program", kind: ParamKind::Program }],
    doc: "the program is in the search path, or at this absolute path",
    example: "has_command('jq')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::HasCommand(call.text(0).into())
}
