//! `package_installed`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "package_installed",
    params: &[Param { name: "package", kind: ParamKind::Name }],
    doc: "the package is installed",
    example: "package_installed('nginx')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::PackageInstalled(call.text(0).into())
}
