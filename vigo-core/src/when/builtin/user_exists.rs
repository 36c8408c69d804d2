//! `user_exists`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "user_exists",
    params: &[Param { name: "user", kind: ParamKind::Name }],
    doc: "the user exists",
    example: "user_exists('deploy')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::UserExists(call.text(0).into())
}
