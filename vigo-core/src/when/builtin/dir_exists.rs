//! `dir_exists`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "dir_exists",
    params: &[Param { name: "path", kind: ParamKind::Path }],
    doc: "there is a directory at this path",
    example: "dir_exists('/srv/www')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::DirExists(call.text(0).into())
}
