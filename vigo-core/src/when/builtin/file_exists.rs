//! `file_exists`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "file_exists",
    params: &[Param { name: "path", kind: ParamKind::Path }],
    doc: "there is a file at this path, and it is no directory",
    example: "file_exists('/etc/motd')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::FileExists(call.text(0).into())
}
