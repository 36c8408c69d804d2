//! Users and groups by PowerShell, against a list of accounts.

use crate::machine::{apply, call, facts, list, once, prepare, recorded, secret, text, unknown};
use vigo_core::action::{Command, Op, OpOutput};
use vigo_core::base64;
use vigo_core::host::HostFacts;
use vigo_core::resource::Datum;

/// What the machine holds: a line for each account, with its texts as they are.
#[derive(Clone)]
pub struct Accounts {
    pub lines: Vec<String>,
    /// What a logon answers.
    pub logon: u32,
    /// How often somebody tried one.
    pub logons: u32,
    /// The scripts that changed something, with what they read.
    pub changed: Vec<(String, Option<String>)>,
}

fn letters(text: &str) -> String {
    format!("={}", base64::encode(text))
}

pub fn user(number: u32, name: &str, enabled: bool, expires: &str, comment: &str) -> String {
    let enabled = if enabled { "True" } else { "False" };
    let sid = format!("S-1-5-21-1-2-3-{number}");
    format!("user {sid} {} {enabled} {expires} {} =", letters(name), letters(comment))
}

pub fn group(sid: &str, name: &str, members: &[&str]) -> String {
    let members: String = members.iter().map(|m| format!("\r\nmember {m}")).collect();
    format!("group {sid} {}{members}", letters(name))
}

/// A machine in German: the name of a group is no constant.
pub fn machine() -> Accounts {
    Accounts {
        lines: vec![
            user(500, "Administrator", false, "never", "Vordefiniertes Konto"),
            user(1001, "Bob", true, "never", "Bob's account"),
            user(1002, "carol", false, "2030-01-01", ""),
            group("S-1-5-32-544", "Administratoren", &["S-1-5-21-1-2-3-500", "S-1-5-21-9-9-9-1104"]),
            group("S-1-5-32-545", "Benutzer", &["S-1-5-21-1-2-3-1001"]),
            group("S-1-5-21-1-2-3-1005", "ops", &["S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"]),
        ],
        logon: 0,
        logons: 0,
        changed: Vec::new(),
    }
}

impl crate::machine::Model for Accounts {
    fn perform(&mut self, op: &Op) -> OpOutput {
        let Some(("powershell.exe", args)) = call(op) else { return crate::machine::no_program() };
        let script = args.last().expect("a script");
        let Op::Run(Command { stdin, .. }) = op else { panic!("{op}") };
        if script.contains("Get-LocalGroup)") {
            return OpOutput::exited(0, &format!("{}\r\nend\r\n", self.lines.join("\r\n")), "");
        }
        if script.contains("LogonUser") {
            assert!(stdin.is_some());
            self.logons += 1;
            return OpOutput::exited(0, &format!("logon {}\r\n", self.logon), "");
        }
        self.changed.push(((*script).into(), stdin.as_ref().map(|text| text.as_str().into())));
        OpOutput::exited(0, "", "")
    }
}

fn bob<'a>(more: &[(&'a str, Datum)]) -> Vec<(&'a str, Datum)> {
    [("username", text("bob"))].into_iter().chain(more.iter().cloned()).collect()
}

fn ops(attributes: &[(&str, Datum)]) -> (Vec<String>, Vec<String>) {
    let mut m = machine();
    let run = once(&mut m, &facts(), "user", attributes);
    let strict = "$ErrorActionPreference='Stop'; ";
    let scripts = m.changed.iter().take(run.ops.len().min(m.changed.len())).map(|(s, _)| s.replace(strict, ""));
    let mut scripts: Vec<String> = scripts.collect();
    scripts.dedup();
    (run.changes, scripts)
}

#[test]
fn names_are_found_in_any_case_and_what_is_right_stays() {
    let wants = [
        bob(&[("comment", text("Bob's account")), ("locked", text("false")), ("expires", text("never"))]),
        bob(&[("groups", list(&["OPS", "S-1-5-32-545"])), ("groups_exact", text("true"))]),
        bob(&[("password", secret("right", "people/bob"))]),
        vec![("username", text("carol")), ("locked", text("true")), ("expires", text("2030-01-01"))],
        vec![("username", text("dave")), ("state", text("absent"))],
    ];
    for wanted in wants {
        let run = apply(&mut machine(), &facts(), "user", &wanted);
        assert_eq!((run.failure, run.changes.len(), run.ops.len()), (None, 0, 0), "{wanted:?}");
    }
}

#[test]
fn groups_compare_as_sids_so_that_their_language_does_not_matter() {
    let wanted = bob(&[("groups", text("S-1-5-32-544, ops"))]);
    let (changes, scripts) = ops(&wanted);
    assert_eq!(changes, ["groups: Benutzer, ops → Benutzer, S-1-5-32-544, ops"]);
    assert_eq!(scripts, ["Add-LocalGroupMember -SID 'S-1-5-32-544' -Member (Get-LocalUser -Name 'bob')"]);
    let run = once(&mut machine(), &facts(), "user", &bob(&[("groups", text("Administrators"))]));
    assert_eq!(run.failure.as_deref(), Some("group `Administrators` does not exist"));
}

#[test]
fn a_password_cannot_be_read_and_is_tried() {
    let wanted = bob(&[("password", secret("hunter2", "people/bob")), ("update_password", text("always"))]);
    let mut m = machine();
    for code in [0, 1327, 1330, 1331, 1385, 1907] {
        m.logon = code;
        assert_eq!(once(&mut m, &facts(), "user", &wanted).changes.len(), 0, "{code}");
    }
    for code in [5, 1909] {
        m.logon = code;
        let why = unknown(&mut m, "user", &wanted);
        assert_eq!(why, "whether the password of `bob` is right cannot be told");
    }
    m.logon = 1326;
    let run = once(&mut m, &facts(), "user", &wanted);
    assert_eq!(run.changes, ["password: (differs) → «secret people/bob»"]);
    let (script, stdin) = &m.changed[0];
    assert!(script.contains("Set-LocalUser -Name 'bob' -Password $p") && !script.contains("hunter2"), "{script}");
    assert_eq!(stdin.as_deref(), Some("aHVudGVyMg==\n"));
}

#[test]
fn nobody_logs_on_unless_it_is_asked_for_and_the_password_could_be_set() {
    let wanted = |more: &[(&'static str, Datum)]| {
        let password = ("password", secret("hunter2", "people/bob"));
        bob(&[password].into_iter().chain(more.iter().cloned()).collect::<Vec<_>>())
    };
    let always = wanted(&[("update_password", text("always"))]);
    let planning = HostFacts { planning: true, ..facts() };
    for (name, wanted, facts, logs_on) in [
        ("unwritten", wanted(&[]), facts(), false),
        ("on_create", wanted(&[("update_password", text("on_create"))]), facts(), false),
        ("always", always.clone(), facts(), true),
        ("always, in a plan", always, planning, false),
    ] {
        let mut m = machine();
        m.logon = 1326;
        let run = once(&mut m, &facts, "user", &wanted);
        assert_eq!((m.logons > 0, run.changes.len()), (logs_on, usize::from(logs_on)), "{name}");
        let is_told = run.notes.iter().any(|note| note.contains("is only tried when it can be set"));
        assert_eq!(is_told, name == "always, in a plan", "{name}: {:?}", run.notes);
    }
}

#[test]
fn a_profile_goes_before_its_account_whose_sid_it_is_found_by() {
    let (_, scripts) = ops(&bob(&[("state", text("absent"))]));
    assert_eq!(
        scripts,
        [
            "Get-CimInstance Win32_UserProfile -Filter ('SID='''+(Get-LocalUser -Name 'bob').SID.Value+'''') | \
             Remove-CimInstance",
            "Remove-LocalUser -Name 'bob'"
        ]
    );
    let (_, scripts) = ops(&bob(&[("state", text("absent")), ("manage_home", text("false"))]));
    assert_eq!(scripts, ["Remove-LocalUser -Name 'bob'"]);
}

#[test]
fn built_in_accounts_are_not_removed() {
    let run = once(&mut machine(), &facts(), "user", &[("username", text("administrator")), ("state", text("absent"))]);
    assert_eq!(run.failure.as_deref(), Some("attribute `username`: account `administrator` is built into the system"));
    let run = once(&mut machine(), &facts(), "group", &[("group", text("Benutzer")), ("state", text("absent"))]);
    assert_eq!(run.failure.as_deref(), Some("attribute `group`: group `Benutzer` is built into the system"));
}

#[test]
fn members_are_minimal_or_exact() {
    let ops = |more: &[(&str, Datum)]| {
        let wanted: Vec<_> = [("group", text("ops"))].into_iter().chain(more.iter().cloned()).collect();
        let mut m = machine();
        let run = once(&mut m, &facts(), "group", &wanted);
        (run.changes, m.changed.into_iter().map(|(s, _)| s.replace("$ErrorActionPreference='Stop'; ", "")).next())
    };
    let (changes, script) = ops(&[("members", text("BOB"))]);
    assert_eq!(changes, ["members: BOB, carol → BOB"]);
    assert_eq!(script.as_deref(), Some("Remove-LocalGroupMember -Name 'ops' -Member 'carol'"));
    let (changes, _) = ops(&[("members", text("bob")), ("members_exact", text("false"))]);
    assert_eq!(changes.len(), 0);
    let (changes, script) = ops(&[("members", text("bob, carol, S-1-5-21-9-9-9-1104"))]);
    assert_eq!(changes, ["members: bob, carol → S-1-5-21-9-9-9-1104, bob, carol"]);
    assert_eq!(script.as_deref(), Some("Add-LocalGroupMember -Name 'ops' -Member 'S-1-5-21-9-9-9-1104'"));
    let run = once(&mut machine(), &facts(), "group", &[("group", text("ops")), ("members", text("eve"))]);
    assert_eq!(run.failure.as_deref(), Some("user `eve` does not exist"));
}

#[test]
fn exit_0_of_a_stub_is_unknown_and_no_account_is_absent_because_of_it() {
    let stubs: [(&str, OpOutput); 9] = [
        ("powershell of Wine", recorded(include_str!("../fixtures/wine/8.0/powershell.txt"))),
        ("net user of Wine", recorded(include_str!("../fixtures/wine/8.0/net-user.txt"))),
        ("net user /add of Wine", recorded(include_str!("../fixtures/wine/8.0/net-user-add.txt"))),
        ("only the end", OpOutput::exited(0, "end\r\n", "")),
        ("cut short", OpOutput::exited(0, &machine().lines.join("\r\n"), "")),
        ("a failure", OpOutput::exited(1, "end\r\n", "Get-LocalUser : Zugriff verweigert")),
        ("no words", OpOutput::exited(0, "user S-1-5-21-1 =Qm9i\r\nend\r\n", "")),
        ("no letters", OpOutput::exited(0, "user S-1-5-21-1 =*** True never = =\r\nend\r\n", "")),
        ("not UTF-8", OpOutput::exited(0, "\u{fffd}\u{fffd}end", "")),
    ];
    for (name, output) in stubs {
        for wanted in [bob(&[]), bob(&[("state", text("absent"))])] {
            unknown(&mut |_: &Op| output.clone(), "user", &wanted);
        }
        for wanted in [vec![("group", text("ops"))], vec![("group", text("ops")), ("state", text("absent"))]] {
            let why = unknown(&mut |_: &Op| output.clone(), "group", &wanted);
            assert!(why.contains("local accounts"), "{name}: {why}");
        }
    }
}

#[test]
fn a_change_that_a_stub_only_pretends_did_not_settle() {
    let run = once(&mut machine(), &facts(), "user", &[("username", text("dave"))]);
    assert_eq!(run.failure.as_deref(), Some("did not settle"));
    let run = once(&mut machine(), &facts(), "group", &[("group", text("web"))]);
    assert_eq!(run.failure.as_deref(), Some("did not settle"));
}

#[test]
fn what_windows_has_not_is_refused_when_the_plan_is_made() {
    for (attribute, value) in [
        ("uid", "7"),
        ("system", "true"),
        ("group", "Users"),
        ("shell", "C:\\x.exe"),
        ("password_hash", "$6$a$b"),
        ("password_max_age", "7"),
        ("authorized_keys", "x"),
        ("sudo_nopasswd", "true"),
        ("login_class", "x"),
    ] {
        let problem = prepare(&facts(), "user", &bob(&[(attribute, text(value))])).err().expect(attribute);
        let expected = format!("attribute `{attribute}` of type `user` is not supported on windows");
        // A colon in a path is refused before.
        assert!(problem.to_string() == expected || attribute == "shell", "{problem}");
    }
    let long = [("username", text("a23456789b123456789c1"))];
    let problem = prepare(&facts(), "user", &long).err().expect("a problem").to_string();
    assert_eq!(problem, "a username of 21 characters is not supported on windows: 20 at most");
    let problem = prepare(&facts(), "group", &[("group", text("ops")), ("gid", text("7"))]).err().expect("a problem");
    assert_eq!(problem.to_string(), "attribute `gid` of type `group` is not supported on windows");
}
