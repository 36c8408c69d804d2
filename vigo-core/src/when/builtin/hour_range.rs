//! `hour_range`.

use super::table::{Builtin, Decide, Param, ParamKind};
use crate::time::Civil;
use crate::when::exclusive::{Domain, in_range, one_of, range_bits};
use crate::when::expr::Call;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const BUILTIN: Builtin = Builtin {
    name: "hour_range",
    params: &[Param { name: "from", kind: ParamKind::Int(0, 23) }, Param { name: "to", kind: ParamKind::Int(0, 24) }],
    doc: "local time at the start of the run is from ≤ hour < to; may wrap midnight",
    example: "hour_range(22, 5)",
    decide: Decide::Clock(decide),
    domains: Some(domains),
    also: Some(also),
};

fn decide(call: &Call, clock: &Civil) -> bool {
    in_range(clock.hour.into(), call.int(0), call.int(1))
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    one_of("hour", range_bits(call.int(0), call.int(1), 24), range_bits(0, 24, 24), positive)
}

fn also(call: &Call) -> Option<String> {
    (call.int(0) == call.int(1)).then(|| String::from("the range is empty: expected two different hours"))
}
