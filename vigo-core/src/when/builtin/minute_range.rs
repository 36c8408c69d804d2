//! `minute_range`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::time::Civil;
use crate::when::exclusive::{Domain, in_range, one_of, range_bits};
use crate::when::expr::Call;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "minute_range",
    params: &[Param { name: "from", kind: ParamKind::Int(0, 59) }, Param { name: "to", kind: ParamKind::Int(0, 60) }],
    doc: "local time at the start of the run is from ≤ minute < to; may wrap the hour",
    example: "minute_range(0, 15)",
    decide: Decide::Clock(decide),
    domains: Some(domains),
    also: Some(also),
};

fn decide(call: &Call, clock: &Civil) -> bool {
    in_range(clock.minute.into(), call.int(0), call.int(1))
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    one_of("minute", range_bits(call.int(0), call.int(1), 60), range_bits(0, 60, 60), positive)
}

fn also(call: &Call) -> Option<String> {
    (call.int(0) == call.int(1)).then(|| String::from("the range is empty: expected two different minutes"))
}
