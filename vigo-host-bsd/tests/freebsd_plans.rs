//! What `config plan --as freebsd` shows for a resource of each type, on a machine on which nothing has been set up. Read as an
//! administrator of FreeBSD would.

use std::fmt::Write as _;
use std::sync::Arc;
use vigo_core::config::Config;
use vigo_core::converge::Outcome;
use vigo_core::entropy::Entropy;
use vigo_core::host::Support;
use vigo_core::preview::{Blank, Subject, plan, traits};
use vigo_core::resolve::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;
use vigo_host_bsd::BLANKS;

/// A resource of each type, and the operations that it comes to.
const PLANS: &[(&str, &str, &[&str])] = &[
    ("package", "package: [nginx, curl]", &["pkg install -y -- curl nginx"]),
    (
        "package",
        "package: nginx, version: '1.26.2', lock_version: true",
        &["pkg install -y -- nginx-1.26.2", "pkg lock -y -- nginx"],
    ),
    (
        "package",
        "package: '*', state: latest, update_cache: true",
        &["pkg update", "write /var/db/pkg/vigo-refreshed (0 bytes) mode 0644"],
    ),
    (
        "repository",
        "repository: own, repo: 'https://example.org/own', gpgcheck: false",
        &["write /usr/local/etc/pkg/repos/own.conf (128 bytes) mode 0644 uid 0 gid 0", "pkg update -f -r own"],
    ),
    (
        "service",
        "service: nginx, enabled: true",
        &["/usr/sbin/sysrc nginx_enable=YES", "/usr/sbin/service nginx onestart"],
    ),
    (
        "process",
        "process: vim, min: 1, restart_method: service, restart_unit: food",
        &["/usr/sbin/service food onerestart"],
    ),
    (
        "cron",
        "cron: backup, schedule: '30 2 * * *', command: /usr/local/bin/backup, user: operator",
        &["write /etc/cron.d/vigo-backup (60 bytes) mode 0644 uid 0 gid 0"],
    ),
    (
        "user",
        "username: alice, groups: operator, shell: /bin/sh",
        &["/usr/sbin/pw useradd -n alice -G operator -s /bin/sh -m"],
    ),
    (
        "group",
        "group: ops, gid: 3000, members: [root]",
        &["/usr/sbin/pw groupadd -n ops -g 3000", "/usr/sbin/pw groupmod -n ops -m root"],
    ),
    ("hostname", "hostname: web-1", &["/usr/sbin/sysrc hostname=web-1", "/bin/hostname web-1"]),
    (
        "timezone",
        "timezone: Europe/Berlin",
        &["symlink /etc/localtime -> /usr/share/zoneinfo/Europe/Berlin", "write /var/db/zoneinfo (14 bytes)"],
    ),
    (
        "sysctl",
        "key: kern.ipc.somaxconn, value: 1024",
        &["/sbin/sysctl kern.ipc.somaxconn=1024", "write /etc/sysctl.conf (24 bytes)"],
    ),
    (
        "mount",
        "path: /data, device: /dev/ada1p1, fstype: ufs",
        &["write /etc/fstab (29 bytes)", "mkdir /data mode 0755", "/sbin/mount /data"],
    ),
    (
        "swap",
        "path: /swap0, size: 64",
        &["/bin/dd if=/dev/zero of=/swap0 bs=1048576 count=64", "write /etc/fstab (37 bytes)", "/sbin/swapon -aL"],
    ),
];

/// Returns the outcome and the operations of a resource's plan.
fn planned(blank: &Blank, type_name: &str, attributes: &str) -> (Outcome, String) {
    let text = format!("name: c\nresources:\n  - {{name: r, type: {type_name}, {attributes}}}\n");
    let envoys = "envoys: [{match: '*', configcrates: [c]}]\n";
    let tree = Tree::from_texts([("configcrates/c.vgo", text.as_str()), ("envoys.vgo", envoys)]);
    let sources = Sources::read(&tree);
    let bundle = resolve(&Config::read(&sources), "h", None).unwrap_or_else(|d| panic!("{text}{d:#?}")).bundle;
    let subject = Subject {
        envoy: Default::default(),
        traits: traits(blank, "h", None).expect("traits"),
        now: Timestamp::from_epoch_secs(1_795_262_400),
        entropy: (0..4).map(|n| Entropy::new([n; 32])).collect(),
    };
    let report = plan(&Arc::new(bundle), blank, subject);
    let resource = report.resources.first().expect("a resource");
    let mut shown = String::new();
    for operation in &resource.operations {
        writeln!(shown, "{operation}").expect("text");
    }
    if let Some(cause) = &resource.cause {
        writeln!(shown, "# {cause}").expect("text");
    }
    (resource.outcome.clone(), shown)
}

#[test]
fn each_resource_comes_to_these_operations() {
    let blank = BLANKS.iter().find(|blank| blank.name == "freebsd").expect("a machine");
    for (type_name, attributes, expected) in PLANS {
        let (outcome, shown) = planned(blank, type_name, attributes);
        let expected: String = expected.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(shown, expected, "{type_name}: {attributes}");
        assert_eq!(outcome, Outcome::Changed, "{type_name}: {attributes}");
    }
    let native = |name: &&str| !FILES.contains(name);
    for line in blank.host.capabilities() {
        if matches!(line.support, Support::Full | Support::Partly(_)) && native(&line.type_name) {
            assert!(PLANS.iter().any(|(name, ..)| *name == line.type_name), "a plan of `{}`", line.type_name);
        }
    }
}

/// Types that are the same code on every system.
const FILES: &[&str] = &[
    "file",
    "directory",
    "symlink",
    "file_line",
    "blockinfile",
    "replace",
    "ini",
    "json_file",
    "exec",
    "git",
    "custom",
    "authorized_key",
    "host",
];
