//! `day_of_month`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::time::Civil;
use crate::when::exclusive::{Domain, one_of};
use crate::when::expr::Call;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "day_of_month",
    params: &[Param { name: "day", kind: ParamKind::Int(1, 31) }],
    doc: "local time at the start of the run is on this day of the month",
    example: "day_of_month(1)",
    decide: Decide::Clock(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, clock: &Civil) -> bool {
    i64::from(clock.day) == call.int(0)
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    one_of("day of the month", 1 << call.int(0).clamp(0, 31), 0xffff_fffe, positive)
}
