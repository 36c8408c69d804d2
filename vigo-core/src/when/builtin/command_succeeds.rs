//! `command_succeeds`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "command_succeeds",
    params: &[Param { name: "command", kind: ParamKind::Name }],
    doc: "the command exits 0 within 30 s",
    example: "command_succeeds('pg_isready -q')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::CommandSucceeds(call.text(0).into())
}
