//! The page of types and systems: made of the hosts' tables. `cargo xtask docs systems` writes it.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use vigo_core::action::{AbsPath, Op};
use vigo_core::host::{Host, HostFacts, Init, Support};
use vigo_core::resource::mount::{self, Device, Form, Live, Wanted};
use vigo_core::resource::service::{self, Goal, Observed, OnNotify, RunState, Scope};
use vigo_core::resource::{self, Refresh};

/// A system: its name for people, its adapters, the service managers that it can have.
struct System {
    name: &'static str,
    host: &'static dyn Host,
    inits: &'static [(&'static str, Init)],
}

static SYSTEMS: [System; 7] = [
    System {
        name: "Linux",
        host: &vigo_host_linux::Linux,
        inits: &[
            ("systemd", Init::Systemd),
            ("OpenRC", Init::OpenRc),
            ("System V", Init::SysV),
            ("runit", Init::Runit),
        ],
    },
    System { name: "macOS", host: &vigo_host_macos::MacOs, inits: &[("launchd", Init::Launchd)] },
    System { name: "FreeBSD", host: &vigo_host_bsd::FreeBsd, inits: &[("rc.d", Init::Rc)] },
    System { name: "OpenBSD", host: &vigo_host_bsd::OpenBsd, inits: &[("rcctl", Init::Rcctl)] },
    System { name: "NetBSD", host: &vigo_host_bsd::NetBsd, inits: &[("rc.d", Init::Rc)] },
    System { name: "illumos", host: &vigo_host_illumos::Illumos, inits: &[("SMF", Init::Smf)] },
    System { name: "Windows", host: &vigo_host_windows::Windows, inits: &[("SCM", Init::Scm)] },
];

const HEAD: &str = "\
# Types and systems

What Vigo manages on which system. This page is made of the tables in the code, by `cargo xtask docs systems`.

- **yes**: all of the type.
- **partly**: all but what the system's own table below excepts. Asking for that fails when the plan is made.
- **planned**: nothing yet. The tool is known, and the type is refused as on a system that has nothing like it.
- **no**: nothing. The system has no such thing.

`vigocli config plan --as freebsd HOST` shows the commands that a policy comes to on a system, on any machine.

";

const NOTIFY: &str = "
## What a notify does

A resource that is notified and needs no change does what stands here, after its normal turn. Types without a line have
nothing to do then: a `notify` to them is warning [W0506](diagnostics/W0506.md), unless they are handlers
(`when: \"changed\"`).

| system | type | what runs |
|---|---|---|
";

const TRAITS: &str = "
## Traits

Which traits a machine of a system tells of itself, by area; what is empty nothing tells there. `vigo traits` prints those
of a machine.

";

fn page() -> String {
    let mut out = String::from(HEAD);
    let names: Vec<&str> = SYSTEMS.iter().map(|s| s.name).collect();
    out += &format!("| type | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for decl in resource::types() {
        let words: Vec<&str> = SYSTEMS.iter().map(|s| word(support(s, decl.name).0)).collect();
        out += &format!("| [`{0}`](types/{0}.md) | {1} |\n", decl.name, words.join(" | "));
    }
    out += NOTIFY;
    for system in &SYSTEMS {
        for decl in resource::types().iter().filter(|decl| decl.refresh == Refresh::Acts) {
            if matches!(support(system, decl.name).0, Support::Full | Support::Partly(_)) {
                out += &format!("| {} | `{}` | {} |\n", system.name, decl.name, notified(system, decl.name));
            }
        }
    }
    out += TRAITS;
    out += &format!("| area | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for area in vigo_core::traits::areas() {
        let tells = |system: &System| system.host.collectors().iter().any(|c| c.area == area.name);
        if SYSTEMS.iter().any(tells) {
            let words: Vec<&str> = SYSTEMS.iter().map(|s| if tells(s) { "yes" } else { "" }).collect();
            out += &format!("| `{}` | {} |\n", area.name, words.join(" | "));
        }
    }
    for system in &SYSTEMS {
        out += &format!("\n## {}\n\n| type | | except | by |\n|---|---|---|---|\n", system.name);
        for decl in resource::types() {
            let (support, tool) = support(system, decl.name);
            let except = if let Support::Partly(text) = support { text } else { "" };
            out += &format!("| `{}` | {} | {except} | {tool} |\n", decl.name, word(support));
        }
    }
    out
}

fn support(system: &System, type_name: &str) -> (Support, &'static str) {
    let line = system.host.capabilities().iter().find(|c| c.type_name == type_name).unwrap();
    (line.support, line.tool)
}

fn word(support: Support) -> &'static str {
    match support {
        Support::Full => "yes",
        Support::Partly(_) => "partly",
        Support::Planned => "planned",
        Support::No => "no",
    }
}

/// Returns the commands that a trigger comes to.
fn notified(system: &System, type_name: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    for (manager, init) in system.inits {
        let facts = HostFacts { init: *init, ..HostFacts::default() };
        let ops = match type_name {
            "service" => restart(system.host, &facts),
            "mount" => remount(system.host, &facts),
            other => panic!("this page does not know what a trigger does to `{other}`"),
        };
        let ran = ops.iter().filter_map(|op| match op {
            Op::Run(command) => {
                let args: Vec<&str> = command.args.iter().map(|arg| arg.as_str()).collect();
                Some(format!("`{} {}`", command.program, args.join(" ")))
            }
            _ => None,
        });
        let ran = ran.collect::<Vec<_>>().join(", ");
        assert!(!ran.is_empty(), "{}: {type_name}: {ops:?}", system.name);
        match type_name {
            "service" if system.inits.len() > 1 => out.push(format!("{manager}: {ran}")),
            _ if out.contains(&ran) => {}
            _ => out.push(ran),
        }
    }
    out.join("; ")
}

fn restart(host: &dyn Host, facts: &HostFacts) -> Vec<Op> {
    let want = service::Want {
        name: "nginx".into(),
        goal: Goal::Running,
        boot: None,
        mask: None,
        scope: Scope::System,
        flags: None,
        start_type: None,
        runlevel: None,
        restart_command: None,
        reload_command: None,
        on_notify: OnNotify::Restart,
    };
    let native = match facts.init {
        Init::Systemd => "nginx.service",
        Init::Smf => "svc:/network/nginx:default",
        _ => "nginx",
    };
    let file = match facts.init {
        Init::Runit => Some("/etc/service/nginx"),
        Init::Launchd => Some("/Library/LaunchDaemons/nginx.plist"),
        _ => None,
    };
    let file = file.map(|path| AbsPath::parse(path).unwrap());
    let state = service::State::Found(Observed { run: Some(RunState::Running), file, ..Observed::new(native) });
    let adapter = host.service(facts).unwrap();
    adapter.lower(&want, &state, &[service::Action::Restart], facts).unwrap()
}

fn remount(host: &dyn Host, facts: &HostFacts) -> Vec<Op> {
    let want = mount::Want {
        path: AbsPath::parse("/data").unwrap(),
        state: Wanted::Mounted,
        device: "/dev/DEVICE".into(),
        fstype: "TYPE".into(),
        options: vec!["noatime".into()],
        dump: 0,
        pass: 0,
    };
    let state = mount::State {
        form: Form::Fstab,
        table: Some(Arc::from(&b"/dev/DEVICE /data TYPE noatime 0 0\n"[..])),
        line: Some(want.line()),
        line_device: Device::Wanted,
        live: Live::Mounted {
            source: want.device.to_string(),
            device: Device::Wanted,
            fstype: want.fstype.to_string(),
            options: vec!["noatime".into()],
        },
        point: None,
    };
    let adapter = host.mount(facts).unwrap();
    adapter.lower(&want, &state, &[mount::Action::Remount], facts).unwrap()
}

#[test]
fn the_page_of_systems_says_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/systems.md");
    let page = page();
    if std::env::var_os("VIGO_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(written.lines()).find(|(new, old)| new != old);
    assert!(
        written == page,
        "docs/src/systems.md does not say what the hosts' tables say, run `cargo xtask docs systems`: {differs:?}"
    );
}
