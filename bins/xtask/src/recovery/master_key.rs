//! The master key of the vault is lost.

use std::fs;
use std::thread;
use std::time::Duration;

use super::site::{Began, Site};
use super::table::Row;
use crate::demo::{expect, expect_soon};
use crate::failure::{Failure, Result};
use crate::process::Program;

/// A file that is made of a secret, and one that is made of the same secret and broken by hand.
const RESOURCES: &str = "  - {name: token, type: file, target_path: /etc/token, content: 'token=secret:app/token', mode: '0600'}\n  \
     - {name: broken, type: file, target_path: /etc/broken, content: 'broken=secret:app/token', mode: '0600'}\n";

/// Machines whose files are broken while nobody can say what is in them.
const BROKEN: usize = 5;

/// All is there but the key of the vault: whoever has copied the folder has not copied hidden files.
pub fn master_key(site: &mut Site, name: &'static str) -> Result<Row> {
    set(site, "first")?;
    site.publish_with("1", RESOURCES)?;
    expect_all(site, "token", "token=first")?;
    expect_all(site, "broken", "broken=first")?;
    let (archive, saved) = site.back_up()?;
    let kept = site.fleet.data().with_extension("secrets");
    let secrets = site.fleet.data().join("secrets");
    copy(&secrets, &kept)?;
    site.lose_server();
    let lost = saved.elapsed();
    let data = site.fleet.data();
    fs::remove_dir_all(&data).map_err(|e| Failure::at(&data, &e))?;
    thread::sleep(Duration::from_secs(3));
    let began = Began::now()?;
    let root = site.root_fingerprint().to_owned();
    let (archive, parts) = (archive.to_string_lossy().into_owned(), "config,tls,stacks,history,database,blobs");
    print!("{}", site.fleet.cli(&["backup", "restore", &archive, "--only", parts, "--expect-root", &root]).text()?);
    copy(&kept, &secrets)?;
    let row = site.come_back(name, &began, lost)?;

    // What is as it was is known to be so without the value; the rest goes on as ever.
    let broken: Vec<String> = site.names().iter().take(BROKEN).cloned().collect();
    for name in &broken {
        let path = site.fleet.root(name).join("etc/broken");
        fs::write(&path, "nobody knows\n").map_err(|e| Failure::at(&path, &e))?;
    }
    expect_soon("machines say that the master key is missing", || says(site, &broken, "the master key"))?;
    let refused = site.fleet.cli(&["secrets", "init"]).output()?;
    print!("{}", refused.stderr);
    expect("the server says what to do", refused.stderr.contains("secrets init --new-key"))?;
    site.fleet.show(&["secrets", "init", "--new-key"])?;
    site.fleet.show(&["secrets", "list"])?;
    expect_soon("machines say that the secret is lost", || says(site, &broken, "lost with the master key"))?;
    site.publish_with("2", RESOURCES)?;
    site.expect_version("2")?;
    set(site, "second")?;
    expect_all(site, "token", "token=second")?;
    expect_all(site, "broken", "broken=second")?;
    let again = site.fleet.cli(&["secrets", "init", "--new-key"]).output()?;
    expect("a key that opens something is not lost", again.code() != 0 && again.stderr.contains("is not lost"))?;
    Ok(row)
}

fn set(site: &Site, value: &str) -> Result<()> {
    site.fleet.cli(&["secrets", "set", "app/token"]).stdin(value).text().map(drop)
}

/// Waits until this file of all machines is as it should be.
fn expect_all(site: &Site, file: &str, text: &str) -> Result<()> {
    let has = |name: &String| {
        let path = site.fleet.root(name).join("etc").join(file);
        fs::read_to_string(path).is_ok_and(|found| found.trim() == text)
    };
    expect_soon(&format!("all machines have `{text}`"), || Ok(site.names().iter().all(has)))
}

/// Returns whether the newest runs of these machines have skipped something for this reason.
fn says(site: &Site, names: &[String], why: &str) -> Result<bool> {
    for name in names {
        let runs = site.fleet.json(&["runs", "list", "--envoy", name, "--limit", "1"])?;
        let Ok(id) = runs.number("runs.0.id") else { return Ok(false) };
        let run = site.fleet.json(&["runs", "show", &format!("{id:.0}")])?;
        let is_it = |one: &&crate::json::Json| {
            one.text("outcome") == Some("skipped") && one.text("cause").is_some_and(|cause| cause.contains(why))
        };
        if !run.list("resources").iter().any(|one| is_it(&one)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies a folder as somebody does who forgets hidden files.
fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|e| Failure::at(to, &e))?;
    let script = format!("cp -p '{}'/* '{}'/", from.display(), to.display());
    Program::new("sh").args(["-c", &script]).text().map(drop)
}
