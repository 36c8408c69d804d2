//! `accounts` and `users`: Directory Service's local node.

use super::tools::Tools;
use crate::account::{database, reads};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::posix::Unix as _;
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const ACCOUNTS: Collector = Collector::slow("accounts", probe, accounts);
pub(super) const USERS: Collector = Collector::slow("users", users_probe, users);

const WHO: &str = "/usr/bin/who";

fn probe(_: &Machine) -> Vec<Op> {
    reads().into()
}

fn users_probe(_: &Machine) -> Vec<Op> {
    reads().into_iter().chain([run(WHO, &[])]).collect()
}

fn accounts(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let all = database(outputs)?;
    Ok(form::accounts(&String::from_utf8_lossy(&all.passwd), &String::from_utf8_lossy(&all.group)))
}

fn users(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let all = database(outputs)?;
    let who = See(outputs).output(WHO, &[])?;
    let passwd = String::from_utf8_lossy(&all.passwd);
    Ok(form::users(&passwd, form::first_words(&who), Tools::is_os, Tools::is_human))
}
