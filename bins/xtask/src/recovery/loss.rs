//! Nothing is left of the server, or only what is kept apart from it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use super::site::{Began, Site};
use super::table::Row;
use crate::demo::{expect, expect_soon};
use crate::failure::{Failure, Result};

/// The pattern that lets the first half in; the other half waits for a word.
const TRUSTED: &str = "machine-1*";

/// All is lost but the recovery kit.
pub fn with_kit(site: &mut Site, name: &'static str) -> Result<Row> {
    let kit = site.fleet.data().with_extension("kit");
    site.fleet.show(&["keys", "export-root", &kit.to_string_lossy()])?;
    lose(site)?;
    let began = Began::now()?;
    site.fleet.configure(&[site.fleet.address()])?;
    print!("{}", site.fleet.vigosrv().args(["init", "--root-key"]).arg(&kit).text()?);
    site.server = Some(site.fleet.serve()?);
    site.fleet.show(&["trusted", "add", "--match", TRUSTED, "--from", "127.0.0.0/8"])?;
    let admitted = site.names().iter().filter(|name| name.starts_with("machine-1")).count();
    let mut first = None;
    expect_soon("those come back by themselves whom a pattern admits", || {
        let seen = site.seen_since(began.at())?;
        if seen > 0 {
            first.get_or_insert_with(|| began.elapsed());
        }
        Ok(seen >= admitted)
    })?;
    let others = site.names().len() - admitted;
    let waits = || Ok::<_, Failure>(site.fleet.json(&["envoys", "list", "--waiting"])?.list("waiting").len());
    expect_soon("the others wait for a word", || Ok(waits()? == others))?;
    expect("nobody else is in", site.seen_since(began.at())? == admitted)?;
    site.fleet.show(&["envoys", "rebootstrap", "--all"])?;
    expect_within(Duration::from_secs(360), "every machine checks in", || {
        Ok(site.seen_since(began.at())? == site.names().len())
    })?;
    let all = began.elapsed();
    expect("nobody waits any more", waits()? == 0)?;
    // Until there is a policy they keep the one that they had.
    site.expect_version("1")?;
    site.publish("2")?;
    site.expect_version("2")?;
    Ok(Row {
        name,
        first: first.unwrap_or(all),
        all,
        generated: None,
        lost: Duration::MAX,
        repairs: 0,
        longest: Duration::ZERO,
    })
}

/// All is lost: nobody can prove to be the old server, and each machine is told by hand.
pub fn without_kit(site: &mut Site, name: &'static str) -> Result<Row> {
    lose(site)?;
    let began = Began::now()?;
    site.fleet.configure(&[site.fleet.address()])?;
    site.server = Some(site.fleet.serve()?);
    site.fleet.show(&["trusted", "add", "--match", "*", "--from", "127.0.0.0/8"])?;
    site.publish("evil")?;
    thread::sleep(Duration::from_secs(20));
    let envoys = site.fleet.json(&["envoys", "list"])?;
    let waiting = site.fleet.json(&["envoys", "list", "--waiting"])?;
    let is_empty = envoys.list("envoys").is_empty() && waiting.list("waiting").is_empty();
    expect("no machine takes a server for its own that has other keys", is_empty)?;
    site.expect_version("1")?;
    site.publish("2")?;
    let mut first = None;
    site.move_all(&mut || {
        first.get_or_insert_with(|| began.elapsed());
    })?;
    expect_soon("every machine checks in", || Ok(site.seen_since(began.at())? == site.names().len()))?;
    let all = began.elapsed();
    site.expect_version("2")?;
    Ok(Row {
        name,
        first: first.unwrap_or(all),
        all,
        generated: None,
        lost: Duration::MAX,
        repairs: 0,
        longest: Duration::ZERO,
    })
}

/// The archive is of before both keys were rotated, and of before a machine enrolled.
pub fn rotation(site: &mut Site, name: &'static str) -> Result<Row> {
    let (archive, saved) = site.back_up()?;
    for kind in ["bundle", "ca"] {
        site.fleet.show(&["keys", "rotate", kind, "--force"])?;
    }
    site.publish("2")?;
    site.expect_version("2")?;
    site.add_machine()?;
    site.expect_version("2")?;
    site.lose_server();
    let lost = saved.elapsed();
    let data = site.fleet.data();
    fs::remove_dir_all(&data).map_err(|e| Failure::at(&data, &e))?;
    thread::sleep(Duration::from_secs(3));
    let began = Began::now()?;
    let root = site.root_fingerprint().to_owned();
    print!("{}", site.fleet.cli(&["backup", "restore", &archive.to_string_lossy(), "--expect-root", &root]).text()?);
    site.server = Some(site.fleet.serve()?);
    let known = site.names().len() - 1;
    let mut first = None;
    expect_within(Duration::from_secs(120), "every machine checks in that the backup knows", || {
        let seen = site.seen_since(began.at())?;
        if seen > 0 {
            first.get_or_insert_with(|| began.elapsed());
        }
        Ok(seen == known)
    })?;
    let waits = || Ok::<_, Failure>(site.fleet.json(&["envoys", "list", "--waiting"])?.list("waiting").len());
    expect_within(Duration::from_secs(120), "the one that enrolled since waits for a word", || Ok(waits()? == 1))?;
    site.fleet.show(&["envoys", "rebootstrap", "--all"])?;
    expect_within(Duration::from_secs(360), "it is back", || Ok(site.seen_since(began.at())? == site.names().len()))?;
    let all = began.elapsed();
    site.publish("3")?;
    site.expect_version("3")?;
    Ok(Row { name, first: first.unwrap_or(all), all, generated: None, lost, repairs: 0, longest: Duration::ZERO })
}

/// Loses the server with all that is on its machine.
fn lose(site: &mut Site) -> Result<()> {
    site.lose_server();
    let data = site.fleet.data();
    fs::remove_dir_all(&data).map_err(|e| Failure::at(&data, &e))?;
    thread::sleep(Duration::from_secs(3));
    fs::create_dir_all(&data).map_err(|e| Failure::at(&data, &e))?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).map_err(|e| Failure::at(&data, &e))
}

/// Waits for something that may take as long as the longest back-off.
fn expect_within(limit: Duration, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !is_so()? {
        if start.elapsed() > limit {
            return expect(what, false);
        }
        thread::sleep(Duration::from_millis(500));
    }
    expect(what, true)
}
