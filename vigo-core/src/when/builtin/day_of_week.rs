//! `day_of_week`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::time::Civil;
use crate::when::exclusive::{Domain, one_of};
use crate::when::expr::Call;
use crate::when::words::day_of;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "day_of_week",
    params: &[Param { name: "day", kind: ParamKind::Day }],
    doc: "local time at the start of the run is on this day",
    example: "day_of_week('sunday')",
    decide: Decide::Clock(decide),
    domains: Some(domains),
    ..Builtin::PLAIN
};

fn decide(call: &Call, clock: &Civil) -> bool {
    day_of(&call.text(0)) == Some(clock.weekday)
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    one_of("weekday", day_of(&call.text(0)).map_or(0, |day| 1 << day), 0x7f, positive)
}
