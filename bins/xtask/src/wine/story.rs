//! What the agent does on Windows.

use std::os::unix::fs::chown;

use super::prefix::Wine;
use crate::failure::{Failure, Result};
use crate::hosts::Checks;
use crate::json::Json;
use crate::process::Output;

const ENVOYS: &str = "envoys:\n  - match: \"*\"\n    configcrates: [own]\n";

/// One of each that is real there.
const OWN: &str = r#"name: own
resources:
  - name: folder
    type: directory
    target_path: 'C:\site'
  - name: page
    type: file
    target_path: 'C:\site\page.txt'
    content: "hello {{ .Traits.os.family }}\r\n"
  - name: deep
    type: file
    target_path: 'C:\site\a\b\c.txt'
    make_parents: true
    content: "deep\n"
  - name: gone
    type: file
    state: absent
    target_path: 'C:\site\old.txt'
  - name: settings
    type: ini
    target_path: 'C:\site\settings.ini'
    section: main
    key: level
    value: high
    create: true
  - name: document
    type: json_file
    target_path: 'C:\site\document.json'
    key: server.port
    value: "8080"
    create: true
  - name: line
    type: file_line
    target_path: 'C:\site\list.txt'
    line: kept
    create: true
  - name: number
    type: registry
    key: HKLM\SOFTWARE\Example\App
    value_name: Limit
    value: 7
    value_type: dword
  - name: text
    type: registry
    key: HKLM\SOFTWARE\Example\App
    value_name: Banner
    value: authorised use only
  - name: command
    type: exec
    command: 'echo made by cmd> "C:\site\made by cmd.txt" & set >> C:\site\environment.txt'
    creates: 'C:\site\made by cmd.txt'
  - name: argv
    type: exec
    command: ['cmd.exe', '/C', 'echo one> C:\site\argv.txt']
    creates: 'C:\site\argv.txt'
  - name: executor
    type: file
    target_path: 'C:\ProgramData\vigo-local\executors\greet.cmd'
    make_parents: true
    content: "@echo {\"changed\": false}\r\n"
  - name: greeting
    type: custom
    script: greet
    depends_on: [executor]
  - name: service exists
    type: exec
    command: 'sc.exe create food binPath= C:\food.exe start= demand'
    unless: 'sc.exe query food'
  - name: service
    type: service
    service: food
    state: running
"#;

/// An account that is not ours.
pub const NOBODY: u32 = 65_534;

/// What the policy writes into the registry.
const KEY: &str = "HKLM\\SOFTWARE\\Example\\App";

/// Types whose programs do nothing there and exit 0, each with what must be said of it.
const STUBS: &str = r#"name: own
resources:
  - name: boot
    type: service
    service: food
    start_type: auto
  - name: command
    type: exec
    command: 'exit 7'
    unless: 'exit 1'
"#;

/// Tells the whole story.
pub fn tell(wine: &Wine, checks: &mut Checks) -> Result<()> {
    let version = wine.run(&["C:\\vigo.exe", "version"])?;
    checks.check(
        "the program starts",
        version.ok() && version.stdout.starts_with("vigo "),
        format_args!("{version:?}"),
    );
    traits(wine, checks)?;
    policy(wine, OWN)?;
    wine.write("site/old.txt", "old")?;
    let plan = vigo(wine, "plan")?;
    checks.same("a plan finds something to do", plan.code, 1);
    checks.same("and does nothing", wine.read("site/page.txt"), None);
    let first = vigo(wine, "apply")?;
    checks.check("the first run converges", first.code == 0, &first.said);
    converged(wine, checks)?;
    let again = vigo(wine, "apply")?;
    checks.check("a second run converges", again.code == 0, &again.said);
    checks.same("and changes nothing", again.ids("changed"), Vec::<String>::new());
    checks.same("a plan finds nothing to do", vigo(wine, "plan")?.code, 0);
    drift(wine, checks)?;
    others_executor(wine, checks)?;
    pretended(wine, checks)
}

fn traits(wine: &Wine, checks: &mut Checks) -> Result<()> {
    let wanted =
        ["os.family", "os.kernel", "os.arch", "init.manager", "memory.total_mb", "agent_self.collectors_failed"];
    let traits = wine.text(&[&["C:\\vigo.exe", "traits"], &wanted[..]].concat())?;
    for line in ["os.family = windows", "os.kernel = windows", "os.arch = amd64", "init.manager = scm"] {
        checks.check(line, traits.lines().any(|seen| seen == line), &traits);
    }
    checks.check("the machine has memory", !traits.contains("memory.total_mb = 0\n"), &traits);
    let all = wine.run(&["C:\\vigo.exe", "traits"])?;
    checks.check("all traits are told", all.ok() && all.stdout.contains("uptime.seconds = "), format_args!("{all:?}"));
    Ok(())
}

fn converged(wine: &Wine, checks: &mut Checks) -> Result<()> {
    for (what, path, expected) in [
        ("a file has its content", "site/page.txt", Some("hello windows\r\n")),
        ("and its folders", "site/a/b/c.txt", Some("deep\n")),
        ("what is to go is gone", "site/old.txt", None),
        ("ini", "site/settings.ini", Some("[main]\nlevel=high\n")),
        ("file_line", "site/list.txt", Some("kept\n")),
        ("a command of cmd has quotes and redirects", "site/made by cmd.txt", Some("made by cmd\r\n")),
        ("a command without a shell", "site/argv.txt", Some("one\r\n")),
    ] {
        // Wine's echo adds a blank of its own.
        let seen = wine.read(path).map(|text| text.replace(" \r\n", "\r\n"));
        checks.same(what, seen.as_deref(), expected);
    }
    let document = wine.read("site/document.json").unwrap_or_default();
    checks.check("json_file", document.contains("\"port\": 8080"), &document);
    let environment = wine.read("site/environment.txt").unwrap_or_default();
    let has = |name: &str| {
        environment.lines().any(|line| line.to_lowercase().starts_with(&format!("{name}=").to_lowercase()))
    };
    checks.check("programs know where Windows is", has("SystemRoot") && has("PATH"), &environment);
    checks.check("and nothing of whoever started us", !has("WINEPREFIX"), &environment);
    let key = wine.text(&["reg.exe", "query", KEY])?;
    let has = |words: &str| key.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == words);
    checks.check("a number in the registry", has("Limit REG_DWORD 0x7"), &key);
    checks.check("and a text", has("Banner REG_SZ authorised use only"), &key);
    checks.same("a service runs", state(wine)?.as_str(), "4");
    let left: Vec<String> = std::fs::read_dir(wine.drive().join("site"))
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    checks.check("nothing is left beside", !left.iter().any(|name| name.starts_with(".vigo-")), left.join(" "));
    Ok(())
}

/// A script that somebody else could have written is not run.
fn others_executor(wine: &Wine, checks: &mut Checks) -> Result<()> {
    let script = wine.drive().join("ProgramData/vigo-local/executors/greet.cmd");
    let give_to = |uid| chown(&script, Some(uid), None).map_err(|e| Failure::at(&script, &e));
    give_to(NOBODY)?;
    let refused = vigo(wine, "apply")?;
    checks.same("an executor of somebody else is not run", refused.ids("failed").join(" "), "own/greeting");
    give_to(0)
}

/// Whatever is changed behind the agent's back is put right.
fn drift(wine: &Wine, checks: &mut Checks) -> Result<()> {
    wine.write("site/page.txt", "other")?;
    wine.write("site/settings.ini", "[main]\nlevel=low\nkeep=this\n")?;
    wine.write("site/old.txt", "again")?;
    wine.text(&["reg.exe", "add", KEY, "/v", "Limit", "/t", "REG_DWORD", "/d", "8", "/f"])?;
    wine.text(&["sc.exe", "stop", "food"])?;
    let repaired = vigo(wine, "apply")?;
    checks.check("drift is repaired", repaired.code == 0, &repaired.said);
    let mut changed = repaired.ids("changed");
    changed.sort_unstable();
    checks.same("and nothing else", changed.join(" "), "own/gone own/number own/page own/service own/settings");
    checks.same("a file", wine.read("site/page.txt").as_deref(), Some("hello windows\r\n"));
    checks.same("a setting", wine.read("site/settings.ini").as_deref(), Some("[main]\nlevel=high\nkeep=this\n"));
    let number = wine.text(&["reg.exe", "query", KEY, "/v", "Limit"])?;
    checks.check("a number", number.contains("0x7"), &number);
    checks.same("a service", state(wine)?.as_str(), "4");
    policy(wine, &OWN.replace("state: running", "state: stopped"))?;
    let stopped = vigo(wine, "apply")?;
    checks.check("a service is stopped", stopped.code == 0 && state(wine)? == "1", &stopped.said);
    Ok(())
}

/// What Wine only pretends to do is read back, and told.
fn pretended(wine: &Wine, checks: &mut Checks) -> Result<()> {
    policy(wine, STUBS)?;
    let run = vigo(wine, "apply")?;
    checks.same("what was not done is a failure", run.code, 1);
    let mut failed = run.ids("failed");
    failed.sort_unstable();
    checks.same("each by its name", failed.join(" "), "own/boot own/command");
    let wrong = wine.run(&["C:\\vigo.exe", "apply", "--stacks", "C:\\nowhere", "--state-dir", "C:\\state"])?;
    checks.same("a policy that is not there is wrong usage", wrong.code(), 2);
    wine.text(&["sc.exe", "delete", "food"])?;
    checks.same("a service that was deleted is gone", wine.run(&["sc.exe", "query", "food"])?.code(), 1);
    Ok(())
}

/// Returns the number of a service's state.
pub fn state_of(wine: &Wine, service: &str) -> Result<String> {
    let text = wine.text(&["sc.exe", "query", service])?;
    let line = text.lines().find(|line| line.trim_start().starts_with("STATE")).unwrap_or_default();
    let number = line.split_once(':').and_then(|(_, rest)| rest.split_whitespace().next());
    number.map(str::to_owned).ok_or_else(|| Failure::new(format!("no state: {text}")))
}

fn state(wine: &Wine) -> Result<String> {
    state_of(wine, "food")
}

fn policy(wine: &Wine, own: &str) -> Result<()> {
    wine.write("stacks/envoys.vgo", ENVOYS)?;
    wine.write("stacks/configcrates/own.vgo", own)
}

/// What a run said.
struct Run {
    code: i32,
    said: String,
    report: Option<Json>,
}

impl Run {
    /// Returns the resources with this outcome.
    fn ids(&self, outcome: &str) -> Vec<String> {
        let items = self.report.as_ref().map(|report| report.list("resources")).unwrap_or_default();
        let ids = items.iter().filter(|r| r.text("outcome") == Some(outcome));
        ids.filter_map(|r| r.text("id")).map(str::to_owned).collect()
    }
}

fn vigo(wine: &Wine, verb: &str) -> Result<Run> {
    let args = ["C:\\vigo.exe", verb, "--stacks", "C:\\stacks", "--state-dir", "C:\\state", "--format", "json"];
    let output: Output = wine.run(&args)?;
    let report = Json::parse(&output.stdout).ok();
    Ok(Run { code: output.code(), said: format!("{}{}", output.stdout, output.stderr), report })
}
