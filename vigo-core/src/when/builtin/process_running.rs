//! `process_running`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "process_running",
    params: &[Param { name: "name", kind: ParamKind::Name }],
    doc: "a process of this name runs",
    example: "process_running('nginx')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::ProcessRunning(call.text(0).into())
}
