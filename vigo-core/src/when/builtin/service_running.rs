//! `service_running`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::when::eval::Look;
use crate::when::expr::Call;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "service_running",
    params: &[Param { name: "service", kind: ParamKind::Name }],
    doc: "the service runs",
    example: "service_running('nginx')",
    decide: Decide::Look(decide),
    ..Builtin::PLAIN
};

fn decide(call: &Call) -> Look {
    Look::ServiceRunning(call.text(0).into())
}
