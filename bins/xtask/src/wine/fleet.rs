//! The agent of a fleet: it enrols, installs itself as a service, lives, and goes.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use super::prefix::Wine;
use super::story::{NOBODY, state_of};
use crate::demo::Fleet;
use crate::failure::{Failure, Result};
use crate::hosts::Checks;
use crate::workspace::Scratch;

const ENVOYS: &str = "envoys:\n  - match: wine-1\n    configcrates: [fleet]\n";

/// What is published.
const POLICY: &str = r#"name: fleet
resources:
  - name: page
    type: file
    target_path: 'C:\fleet.txt'
    content: "kept by a fleet"
  - name: service exists
    type: exec
    command: 'sc.exe create kept binPath= C:\food.exe start= demand'
    unless: 'sc.exe query kept'
  - name: service
    type: service
    service: kept
    state: running
"#;

const KEPT: &str = "kept by a fleet";

/// The service, as `sc.exe` knows it, and the folders of program and state below `C:\`.
const SERVICE: &str = "vigo-envoy";
const PROGRAM: &str = "Program Files/Vigo/vigo.exe";
const STATE: &str = "ProgramData/Vigo";

/// Tells it, with the server among `programs`.
pub fn tell(wine: &Wine, programs: &Path, checks: &mut Checks) -> Result<()> {
    live(wine, programs, checks).map_err(|failure| Failure::new(format!("{failure}; the agent says:\n{}", log(wine))))
}

fn live(wine: &Wine, programs: &Path, checks: &mut Checks) -> Result<()> {
    let scratch = Scratch::new("wine-fleet")?;
    let fleet = Fleet::new(programs, scratch.path())?;
    let server = fleet.serve()?;
    let stacks = fleet.data().join("stacks");
    for (path, text) in [("envoys.vgo", ENVOYS), ("configcrates/fleet.vgo", POLICY)] {
        let path = stacks.join(path);
        let folder = path.parent().unwrap_or(&stacks);
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|e| Failure::at(&path, &e))?;
    }
    fleet.show(&["config", "publish"])?;
    let token = fleet.json(&["tokens", "create", "--match", "wine-*"])?;
    let status = fleet.json(&["server", "status"])?;
    let told = fleet.told(&status);
    let token = ("VIGO_TOKEN", token.text("token").unwrap_or_default());
    let mut bootstrap = vec!["C:\\vigo.exe", "bootstrap", "--hostname", "wine-1"];
    bootstrap.extend(told.iter().map(String::as_str));

    others_folder(wine, checks, token, &bootstrap)?;
    let enrolled = wine.run_with(token, &bootstrap)?;
    checks.check(
        "a token makes it an envoy, at work as a service",
        enrolled.ok() && enrolled.stdout.contains("the agent is at work"),
        format_args!("{enrolled:?}"),
    );
    checks.same("the service control manager says that it runs", state_of(wine, SERVICE)?.as_str(), "4");
    checks.check("its program is where it belongs", wine.drive().join(PROGRAM).is_file(), PROGRAM);
    let kept = || Ok(wine.read("fleet.txt").unwrap_or_default());
    checks.soon("the published policy is converged", KEPT, kept)?;
    checks.soon("a service of the policy runs", "4", || Ok(state_of(wine, "kept").unwrap_or_default()))?;
    checks.soon("the server has the report", "converged", || Ok(fleet.words()?.join(" ")))?;

    let again = wine.run_with(token, &bootstrap)?;
    checks.check("a second time is harmless", again.ok(), format_args!("{again:?}"));
    wine.text(&["sc.exe", "stop", SERVICE])?;
    checks.soon("sc.exe stops it", "1", || state_of(wine, SERVICE))?;
    wine.write("fleet.txt", "other")?;
    wine.text(&["sc.exe", "start", SERVICE])?;
    checks.soon("started, it repairs what was changed meanwhile", KEPT, kept)?;
    drop(server);

    let program = format!("C:\\{}", PROGRAM.replace('/', "\\"));
    let gone = wine.run(&[&program, "uninstall", "--purge"])?;
    checks.check("it takes itself away", gone.ok(), format_args!("{gone:?}"));
    checks.same("its service is gone", wine.run(&["sc.exe", "query", SERVICE])?.code(), 1);
    checks.check("and its program, which runs while it is removed", !wine.drive().join(PROGRAM).exists(), PROGRAM);
    checks.check("and its state", !wine.drive().join(STATE).exists(), STATE);
    checks.same("what it has made stays", kept()?, KEPT);
    for verb in ["stop", "delete"] {
        wine.text(&["sc.exe", verb, "kept"])?;
    }
    checks.same("and a service of the policy goes by sc.exe", wine.run(&["sc.exe", "query", "kept"])?.code(), 1);
    Ok(())
}

/// A folder for keys that somebody else has made before is not taken.
fn others_folder(wine: &Wine, checks: &mut Checks, token: (&str, &str), bootstrap: &[&str]) -> Result<()> {
    let folder = wine.drive().join(STATE);
    fs::create_dir(&folder)
        .and_then(|()| chown(&folder, Some(NOBODY), Some(NOBODY)))
        .map_err(|e| Failure::at(&folder, &e))?;
    let refused = wine.run_with(token, bootstrap)?;
    let says = refused.stderr.contains("belongs neither to the system");
    checks.check("a state folder of somebody else is refused", !refused.ok() && says, format_args!("{refused:?}"));
    checks.same("and nothing is put into it", fs::read_dir(&folder).map(Iterator::count).ok(), Some(0));
    fs::remove_dir(&folder).map_err(|e| Failure::at(&folder, &e))
}

/// Returns what the agent wrote last.
fn log(wine: &Wine) -> String {
    let text = wine.read(&format!("{STATE}/vigo.log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
