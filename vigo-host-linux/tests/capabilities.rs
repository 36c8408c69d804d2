//! The capability table of Linux against its adapters: what it promises comes to operations, what it excepts is refused
//! when the plan is made.

use std::collections::BTreeSet;
use std::sync::Arc;
use vigo_core::action::{AbsPath, Effect, Entry, FileKind, Metadata, Op, OpOutput};
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Options, Outcome, ResourceReport, Step};
use vigo_core::host::{Capability, Host, HostFacts, Init, Support};
use vigo_core::resolve;
use vigo_core::resource::types;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
use vigo_host_linux::Linux;

/// A kind of machine: its name, family, what starts services, and programs.
struct World(&'static str, &'static str, Init, &'static [&'static str]);

const WORLDS: &[World] = &[
    World("debian", "debian", Init::Systemd, &["useradd", "groupadd", "systemctl", "apt-get"]),
    World("fedora", "redhat", Init::Systemd, &["useradd", "groupadd", "systemctl", "dnf"]),
    World("centos", "redhat", Init::Systemd, &["useradd", "groupadd", "systemctl", "yum"]),
    World("suse", "suse", Init::Systemd, &["useradd", "groupadd", "systemctl", "zypper"]),
    World("arch", "arch", Init::Systemd, &["useradd", "groupadd", "systemctl", "pacman"]),
    World("alpine", "alpine", Init::OpenRc, &["adduser", "addgroup", "rc-service", "apk"]),
    World("void", "void", Init::Runit, &["useradd", "groupadd", "sv"]),
    World("devuan", "debian", Init::SysV, &["useradd", "groupadd", "service", "apt-get", "update-rc.d"]),
];

/// Tools of the table that every Linux has, or that are asked for when they are needed.
const EVERYWHERE: &[&str] = &["files", "sh", "git", "the script", "/proc", "hostname", "/etc/localtime", "mount"];
const ALSO: &[&str] = &["/etc/cron.d", "sysctl", "mkswap"];

impl World {
    /// Returns whether one of the tools that the table names is there.
    fn has(&self, line: &Capability) -> bool {
        line.tool.split(", ").any(|tool| [EVERYWHERE, ALSO, self.3].iter().any(|tools| tools.contains(&tool)))
    }
}

/// A resource of each type that changes something on a machine which has next to nothing.
const NEEDED: &[(&str, &str)] = &[
    ("file", "target_path: /etc/a, content: x"),
    ("directory", "target_path: /etc/d"),
    ("symlink", "target_path: /etc/l, to: /etc/hosts"),
    ("file_line", "target_path: /etc/hosts, line: x"),
    ("blockinfile", "target_path: /etc/hosts, block_content: x"),
    ("replace", "target_path: /etc/hosts, pattern: localhost, replacement: x"),
    ("ini", "target_path: /etc/a.ini, section: s, key: k, value: v, create: true"),
    ("json_file", "target_path: /etc/a.json, key: k, value: 1, create: true"),
    ("package", "package: food"),
    ("repository", "repository: food, repo: 'deb https://example.org/x y z'"),
    ("exec", "command: 'touch /x', creates: /x"),
    ("git", "path: /srv/food, repo: 'https://example.org/food.git'"),
    ("custom", "script: food"),
    ("service", "service: food"),
    ("systemd_unit", "unit: food.service, content: \"[Service]\\nExecStart=/x\\n\""),
    ("systemd_dropin", "unit: food.service, content: \"[Service]\\nNice=5\\n\""),
    ("process", "process: food, min: 1, max: 3, restart_method: systemctl, restart_unit: food.service"),
    ("user", "username: alice"),
    ("group", "group: staff"),
    (
        "authorized_key",
        "user: root, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'",
    ),
    ("host", "ip: 192.0.2.1, hostname: food"),
    ("cron", "schedule: '30 2 * * *', command: /x"),
    ("hostname", "hostname: food"),
    ("timezone", "timezone: Europe/Berlin"),
    ("sysctl", "key: vm.swappiness, value: 7"),
    ("mount", "path: /data, device: /dev/sdb1, fstype: ext4"),
    ("swap", "path: /swapfile, size: 64"),
];

fn machine_says(op: &Op) -> OpOutput {
    let text = |path: &AbsPath| match path.as_str() {
        "/etc/hosts" => Some("127.0.0.1 localhost\n"),
        "/etc/passwd" => Some("root:x:0:0:root:/root:/bin/sh\n"),
        "/etc/group" => Some("root:x:0:\n"),
        "/etc/shadow" => Some("root:*:1::::::\n"),
        "/etc/hostname" => Some("old\n"),
        "/usr/share/zoneinfo/Europe/Berlin"
        | "/etc/fstab"
        | "/proc/swaps"
        | "/var/lib/dpkg/status"
        | "/etc/pacman.conf" => Some(""),
        "/proc/sys/vm/swappiness" => Some("60\n"),
        "/proc/7/stat" => Some("7 (vigo) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4200 0 0\n"),
        "/proc/7/cmdline" => Some("vigo\0apply\0"),
        "/proc/self/mountinfo" => Some("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"),
        _ => None,
    };
    let OpOutput::File { meta, .. } = OpOutput::file("") else { panic!("a file") };
    match op {
        Op::ReadFile { path, .. } => text(path).map_or(OpOutput::Missing, OpOutput::file),
        Op::Stat { path, .. } if ["/", "/etc", "/srv", "/root"].contains(&path.as_str()) => {
            OpOutput::Stat(Metadata { kind: FileKind::Dir, mode: 0o755, ..meta })
        }
        Op::Stat { path, .. } if text(path).is_some() => OpOutput::Stat(meta),
        Op::Stat { path, .. } if path.as_str() == "/proc/self" => {
            OpOutput::Stat(Metadata { kind: FileKind::Symlink, target: Some("7".into()), ..meta })
        }
        Op::ListDir { path, .. } if path.as_str() == "/etc/vigo-envoy/executors" => {
            OpOutput::Dir(vec![Entry { path: "food".into(), meta: Metadata { mode: 0o755, ..meta } }])
        }
        Op::ListDir { path, .. } if path.as_str() == "/proc" => {
            OpOutput::Dir(vec![Entry { path: "7".into(), meta: Metadata { kind: FileKind::Dir, ..meta } }])
        }
        Op::ListDir { .. } => OpOutput::Dir(Vec::new()),
        Op::Run(c) => {
            let args: Vec<&str> = c.args.iter().map(|a| a.as_str()).collect();
            let said = match (&*c.program, args.first().copied()) {
                ("systemctl", Some("show")) => {
                    "Id=food.service\nNames=food.service\nLoadState=loaded\n\
                    ActiveState=inactive\nSubState=dead\nUnitFileState=disabled\nFragmentPath=/lib/x\n"
                }
                (program, _) if program.ends_with("food") => "{\"changed\": true}",
                _ if args.contains(&"policy") => "food:\n  Candidate: 1\n",
                _ if args.contains(&"ls-remote") => {
                    "ref: refs/heads/main\tHEAD\n0123456789012345678901234567890123456789\tHEAD\n"
                }
                _ => "",
            };
            OpOutput::exited(0, said, "")
        }
        _ => OpOutput::Missing,
    }
}

/// Returns what a plan for the world says of one resource.
fn plan(world: &World, kind: &str, attributes: &str) -> ResourceReport {
    let World(name, family, init, programs) = world;
    let text = format!("name: c\nresources:\n  - {{name: r, type: {kind}, {attributes}}}\n");
    let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
    let sources = Sources::read(&Tree::from_texts([("configcrates/c.vgo", text.as_str()), ("envoys.vgo", envoys)]));
    let bundle = resolve::resolve(&Config::read(&sources), "h", None).unwrap_or_else(|d| panic!("{text}{d:#?}")).bundle;
    let now = Timestamp::from_epoch_secs(1_795_262_400);
    let facts = HostFacts {
        family: (*family).into(),
        distro: (*name).into(),
        version: "1".into(),
        init: *init,
        programs: programs.iter().map(|p| Arc::from(*p)).collect(),
        ..HostFacts::default()
    };
    let os = Value::map([("family", Value::text(*family))]);
    let traits = TraitSet::from_value(Value::map([("os", os)])).expect("traits");
    let options = Options {
        dry_run: true,
        only: Vec::new(),
        envoy: Default::default(),
        clock: now.civil(0),
        triggers: Vec::new(),
        snapshots: Vec::new(),
        revert_commands: Vec::new(),
        proofs: None,
        entropy: Vec::new(),
        seed: 1,
    };
    let mut converge = Converge::new(Arc::new(bundle), traits, &Linux, facts, options);
    for _ in 0..1000 {
        match converge.poll(now) {
            Step::Run(ops) => {
                for (id, op) in ops {
                    assert_eq!(op.effect(), Effect::Reads, "{op}");
                    converge.handle_output(id, machine_says(&op), now);
                }
            }
            Step::Done(report) => return report.resources.first().expect("a resource").clone(),
            step => panic!("{step:?}"),
        }
    }
    panic!("the plan does not end");
}

fn is_refused(report: &ResourceReport) -> bool {
    let words = ["is not supported", "found no package manager", "needs systemd in charge", "needs a service manager"];
    report.cause.as_ref().is_some_and(|cause| words.iter().any(|word| cause.contains(word)))
}

#[test]
fn what_the_table_promises_comes_to_operations() {
    let named: BTreeSet<&str> = NEEDED.iter().map(|(name, _)| *name).collect();
    let lines: BTreeSet<&str> = Linux.capabilities().iter().map(|line| line.type_name).collect();
    assert_eq!((lines.len(), &lines), (Linux.capabilities().len(), &types().iter().map(|decl| decl.name).collect()));
    let foreign = Linux.capabilities().iter().filter(|line| line.support == Support::No).map(|line| line.type_name);
    assert_eq!(foreign.clone().collect::<Vec<_>>(), ["registry"], "types of other systems");
    assert_eq!(named, &lines - &foreign.collect(), "a resource of each type");
    for line in Linux.capabilities().iter().filter(|line| line.support != Support::No) {
        assert!(matches!(line.support, Support::Full | Support::Partly(_)), "{}", line.type_name);
        let (_, attributes) = NEEDED.iter().find(|(name, _)| *name == line.type_name).expect("a resource");
        for world in WORLDS {
            let seen = plan(world, line.type_name, attributes);
            assert_eq!(!is_refused(&seen), world.has(line), "{} on {}: {seen:?}", line.type_name, world.0);
        }
        let seen = plan(&WORLDS[0], line.type_name, attributes);
        assert_eq!(seen.outcome, Outcome::Changed, "{}: {seen:?}", line.type_name);
        assert!(!seen.operations.is_empty(), "{}: {seen:?}", line.type_name);
    }
}

/// Attributes, each with a text that writes it.
type Samples = &'static [(&'static str, &'static str)];

/// By type with exceptions: what every resource has, then each attribute with a value. An attribute that is not written
/// apart stands alone.
const ATTRIBUTES: &[(&str, &str, Samples)] = &[
    (
        "package",
        "package: food",
        &[
            ("package", "update_cache: false"),
            ("version", "version: '1.*'"),
            ("allow_downgrade", "version: '1', allow_downgrade: true"),
            ("purge", "state: absent, purge: true"),
            ("update_cache", "update_cache: true"),
            ("cache_max_age", "update_cache: true, cache_max_age: 2h"),
            ("lock_version", "version: '1', lock_version: true"),
            ("post_cleanup", "post_cleanup: true"),
            ("flags", "flags: --quiet"),
            ("manager", "manager: OWN"),
        ],
    ),
    (
        "repository",
        "repository: food, repo: 'deb https://example.org/x y z'",
        &[
            ("repository", "enabled: true"),
            ("repo", "enabled: true"),
            ("key_url", "key_url: /etc/key.gpg"),
            ("key_fingerprint", "key_url: /etc/key.gpg, key_fingerprint: 9DC858229FC7DD38854AE2D88D81803C0EBFCD88"),
            ("enabled", "enabled: false"),
            ("format", "format: list"),
            ("gpgcheck", "gpgcheck: false"),
            ("priority", "priority: 7"),
        ],
    ),
    (
        "service",
        "service: food",
        &[
            ("service", "on_notify: none"),
            ("enabled", "enabled: true"),
            ("masked", "state: stopped, masked: true"),
            ("scope", "scope: user, user: root"),
            ("user", "scope: user, user: root"),
            ("flags", "flags: -v"),
            ("start_type", "start_type: manual"),
            ("runlevel", "enabled: true, runlevel: boot"),
            ("restart_command", "restart_command: 'x'"),
            ("reload_command", "reload_command: 'x'"),
            ("on_notify", "on_notify: reload"),
        ],
    ),
    (
        "user",
        "username: alice",
        &[
            ("username", "comment: x"),
            ("uid", "uid: 2000"),
            ("system", "system: true"),
            ("group", "group: root"),
            ("gid", "gid: 0"),
            ("groups", "groups: root"),
            ("groups_exact", "groups: root, groups_exact: true"),
            ("shell", "shell: /bin/sh"),
            ("home", "home: /srv/alice"),
            ("comment", "comment: x"),
            ("manage_home", "manage_home: false"),
            ("move_home", "home: /srv/alice, move_home: true"),
            ("password", "password: x"),
            ("password_hash", "password_hash: '*'"),
            ("update_password", "password_hash: '*', update_password: on_create"),
            ("locked", "locked: true"),
            ("password_max_age", "password_max_age: 90"),
            ("password_min_age", "password_min_age: 1"),
            ("password_warn_days", "password_warn_days: 7"),
            ("password_inactive_days", "password_inactive_days: 7"),
            ("expires", "expires: 2030-01-01"),
            ("authorized_keys", "authorized_keys: ''"),
            ("sudo_nopasswd", "sudo_nopasswd: true"),
            ("login_class", "login_class: staff"),
        ],
    ),
];

/// By type: an attribute, and the machines on which it is refused, `*` on all.
const EXCEPTED: &[(&str, &str, &str)] = &[
    ("package", "purge", "fedora centos suse arch alpine"),
    ("package", "version", "arch alpine"),
    ("package", "lock_version", "arch alpine"),
    ("package", "allow_downgrade", "arch alpine"),
    ("package", "post_cleanup", "suse arch alpine"),
    ("repository", "priority", "debian devuan arch alpine"),
    ("repository", "key_fingerprint", "arch alpine"),
    ("repository", "gpgcheck", "alpine"),
    ("service", "flags", "*"),
    ("service", "start_type", "*"),
    ("service", "masked", "alpine void devuan"),
    ("service", "scope", "alpine void devuan"),
    ("service", "user", "alpine void devuan"),
    ("service", "runlevel", "debian fedora centos suse arch void devuan"),
    ("user", "login_class", "*"),
    ("user", "password_max_age", "alpine"),
    ("user", "password_min_age", "alpine"),
    ("user", "password_warn_days", "alpine"),
    ("user", "password_inactive_days", "alpine"),
    ("user", "expires", "alpine"),
];

#[test]
fn what_the_table_excepts_is_refused_when_the_plan_is_made() {
    for line in Linux.capabilities() {
        let kind = line.type_name;
        let excepted: BTreeSet<&str> = EXCEPTED.iter().filter(|(name, ..)| *name == kind).map(|(_, a, _)| *a).collect();
        let told: BTreeSet<&str> = match line.support {
            Support::Partly(text) => text.split('`').skip(1).step_by(2).collect(),
            _ => BTreeSet::new(),
        };
        assert_eq!(told, excepted, "what the line of `{kind}` excepts");
    }
    for (kind, common, attributes) in ATTRIBUTES {
        let line = Linux.capabilities().iter().find(|line| line.type_name == *kind).expect("a line");
        let declared = types().iter().find(|decl| decl.name == *kind).expect("a type").attributes;
        let named: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, declared.iter().map(|a| a.name).collect::<Vec<_>>(), "the attributes of `{kind}`");
        for world in WORLDS.iter().filter(|world| world.has(line)) {
            for (name, value) in *attributes {
                let manager = manager(world);
                let seen = plan(world, kind, &format!("{common}, {}", value.replace("OWN", manager)));
                let refused = EXCEPTED.iter().any(|(of, attribute, worlds)| {
                    (*of, *attribute) == (*kind, *name) && (*worlds == "*" || worlds.split(' ').any(|w| w == world.0))
                });
                assert_eq!(is_refused(&seen), refused, "`{value}` of `{kind}` on {}: {seen:?}", world.0);
                assert!(!refused || seen.operations.is_empty(), "{seen:?}");
            }
        }
    }
}

/// Returns the name of the world's package manager.
fn manager(world: &World) -> &'static str {
    let known = [("apt-get", "apt"), ("dnf", "dnf"), ("yum", "yum"), ("zypper", "zypper"), ("pacman", "pacman")];
    known.iter().find(|(program, _)| world.3.contains(program)).map_or("apk", |(_, name)| name)
}
