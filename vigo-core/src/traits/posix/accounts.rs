//! `accounts`, `users`: passwd(5), group(5), who(1).

use super::super::see::{See, read, run};
use super::super::{Collector, Found, Machine, form};
use super::Programs;
use crate::action::{Op, Outputs};
use alloc::string::String;
use alloc::vec::Vec;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// Returns the collector of `accounts`.
pub const fn accounts() -> Collector {
    Collector::quick("accounts", |_| alloc::vec![read(PASSWD), read(GROUP)], all).of_image()
}

/// Returns the collector of `users`.
pub const fn users<U: Programs>() -> Collector {
    Collector::slow("users", ask_users::<U>, told::<U>)
}

fn all(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let passwd = match see.need(PASSWD) {
        Err(_) if machine.is_image => return Ok(Found::Absent),
        other => other?,
    };
    Ok(form::accounts(&passwd, &see.need(GROUP)?))
}

fn ask_users<U: Programs>(_: &Machine) -> Vec<Op> {
    alloc::vec![read(PASSWD), run(U::WHO, &[])]
}

fn told<U: Programs>(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (passwd, who) = (see.need(PASSWD)?, see.output(U::WHO, &[])?);
    Ok(form::users(&passwd, form::first_words(&who), U::is_os, U::is_human))
}
