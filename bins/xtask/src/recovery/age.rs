//! Encrypted backups and the program `age`: what one has encrypted the other reads.

use std::fs;
use std::path::Path;

use crate::demo::{Fleet, expect};
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::{Scratch, build};

/// Plays it both ways.
pub fn interop(passed: &mut u64) -> Result<()> {
    let programs = build()?;
    let scratch = Scratch::new("age")?;
    let place = scratch.path();
    let fleet = Fleet::new(&programs, place)?;
    let stacks = fleet.data().join("stacks");
    let envoys = stacks.join("envoys.vgo");
    let written =
        fs::create_dir_all(&stacks).and_then(|()| fs::write(&envoys, "envoys: [{match: '*', configcrates: []}]\n"));
    written.map_err(|e| Failure::at(&envoys, &e))?;
    let server = fleet.serve()?;
    fleet.show(&["config", "publish"])?;
    let at = |name: &str| place.join(name).to_string_lossy().into_owned();

    // Two keys, of which either is enough.
    let mut recipients = Vec::new();
    for key in ["key-1", "key-2"] {
        Program::new("age-keygen").args(["-o", &at(key)]).output()?;
        recipients.push(Program::new("age-keygen").args(["-y", &at(key)]).text()?.trim().to_owned());
    }
    let ours = at("ours.tar.zst.age");
    let [first, second] = &*recipients else { return Err(Failure::new("expected two keys".to_owned())) };
    fleet.show(&["backup", "create", &ours, "--encrypt-to", first, "--encrypt-to", second])?;
    Program::new("sha256sum").args(["-c", "--status", &format!("{ours}.sha256")]).dir(place).text()?;
    expect("`sha256sum -c` agrees with the digest beside it", true)?;
    for key in ["key-1", "key-2"] {
        let plain = at(&format!("by-{key}.tar.zst"));
        Program::new("age").args(["-d", "-i", &at(key), "-o", &plain, &ours]).text()?;
        fleet.show(&["backup", "verify", &plain])?;
    }
    expect("`age -d` reads what the server has encrypted, with either key", true)?;
    *passed += 1;

    let theirs = at("theirs.tar.zst.age");
    Program::new("age").args(["-r", second, "-o", &theirs, &at("by-key-1.tar.zst")]).text()?;
    fleet.show(&["backup", "verify", &theirs, "--identity", &at("key-2")])?;
    let refused = fleet.cli(&["backup", "verify", &theirs, "--identity", &at("key-1")]).output()?;
    expect("another key does not open it", !refused.ok() && refused.stderr.contains("encrypted for others"))?;
    drop(server);
    let (target, root) = (at("restored"), fleet.data().join("tls/root").to_string_lossy().into_owned());
    let restore =
        ["backup", "restore", &theirs, "--target", &target, "--expect-root", &root, "--identity", &at("key-2")];
    fleet.show(&restore)?;
    let same = |name: &str| {
        let read = |folder: &Path| fs::read(folder.join(name)).map_err(|e| Failure::at(&folder.join(name), &e));
        Ok::<_, Failure>(read(&fleet.data())? == read(Path::new(&target))?)
    };
    expect(
        "a server comes back from what `age` has encrypted",
        same("tls/bundle_key")? && same("secrets/.master.key")?,
    )?;
    *passed += 1;
    Ok(())
}
