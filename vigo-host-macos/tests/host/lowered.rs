//! What a plan comes to on macOS, by type: one reviewed table each of what is there, what is wanted, and what follows.

use crate::machine::{self, folder, said, table};
use vigo_core::action::OpOutput;
use vigo_host_macos::BLANKS;

fn plist(records: &str) -> OpOutput {
    said(&format!("<?xml version=\"1.0\"?>\n<plist version=\"1.0\">\n<array>\n{records}</array>\n</plist>\n"))
}

fn record(fields: &[(&str, &str)]) -> String {
    let field = |(key, values): &(&str, &str)| {
        let values: String = values.split('|').map(|v| format!("<string>{v}</string>")).collect();
        format!("<key>dsAttrTypeStandard:{key}</key><array>{values}</array>\n")
    };
    format!("<dict>\n{}</dict>\n", fields.iter().map(field).collect::<String>())
}

const BREW: &str = "as admin: /opt/homebrew/bin/brew";

fn installed() -> OpOutput {
    said(
        r#"Warning: something else
{"formulae":[
 {"name":"food","full_name":"food","aliases":["snack"],"oldnames":["meal"],"versions":{"stable":"1.1"},"revision":2,
  "installed":[{"version":"0.9"},{"version":"1.0"}],"linked_keg":"1.0","pinned":false,"outdated":true},
 {"name":"held","full_name":"held","aliases":[],"versions":{"stable":"2.0"},"revision":0,
  "installed":[{"version":"1.0"}],"linked_keg":null,"pinned":true,"outdated":true}],
 "casks":[{"token":"app","full_token":"app","old_tokens":[],"version":"5","installed":"4","outdated":true}]}"#,
    )
}

#[test]
fn packages() {
    let info = format!("{BREW} info*");
    let seen: &[(&str, OpOutput)] = &[(&info, installed())];
    let nowhere = [(
        "/usr/bin/stat*",
        OpOutput::exited(
            1,
            "",
            "stat: /opt/homebrew/bin/brew: stat: No such file or directory\n\
             stat: /usr/local/bin/brew: stat: No such file or directory\n\
             stat: /home/linuxbrew/.linuxbrew/bin/brew: stat: No such file or directory\n",
        ),
    )];
    let cases: &[machine::Case<'_>] = &[
        ("missing", "package: food", &[]),
        ("there", "package: food", seen),
        ("there by an alias", "package: snack", seen),
        ("not the latest", "package: food, state: latest", seen),
        ("pinned and not the latest", "package: held, state: latest", seen),
        ("to be pinned", "package: food, state: latest, lock_version: true", seen),
        ("to be released", "package: held, lock_version: false", seen),
        ("everything", "package: '*', state: latest", seen),
        ("to go", "package: 'food, held', state: absent", seen),
        ("gone", "package: food, state: absent", &[]),
        ("a cask is no formula", "package: app", seen),
        ("a cask", "package: app, manager: brew_cask, state: latest", seen),
        ("a new cask", "package: other, manager: brew_cask, flags: --no-quarantine", seen),
        ("an index of unknown age", "package: food, update_cache: true, post_cleanup: true", &[]),
        ("no Homebrew", "package: food", &nowhere),
        ("no Homebrew, nothing wanted", "package: food, state: absent", &nowhere),
        ("a version", "package: food, version: '1.0'", seen),
        ("a cask cannot be pinned", "package: app, manager: brew_cask, state: latest, lock_version: true", seen),
        ("another manager", "package: food, manager: apt", seen),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "package", cases));
}

#[test]
fn repositories() {
    let info = format!("{BREW} tap-info*");
    let taps = said(r#"[{"name":"example/food","remote":"https://github.com/Example/homebrew-food.git"}]"#);
    let seen: &[(&str, OpOutput)] = &[(&info, taps)];
    let cases: &[machine::Case<'_>] = &[
        ("new, by its name", "repository: example.food, repo: example/food", &[]),
        ("new, by URL", "repository: example.food, repo: 'https://git.example.com/food.git'", &[]),
        ("there", "repository: example.food, repo: example/food", seen),
        ("there, another remote", "repository: example.food, repo: 'https://git.example.com/food.git'", seen),
        ("to go", "repository: example.food, state: absent", seen),
        ("gone", "repository: example.food, state: absent", &[]),
        ("no tap's name", "repository: food, repo: 'https://git.example.com/food.git'", &[]),
        ("no URL", "repository: example.food, repo: '-x'", &[]),
        ("off", "repository: example.food, repo: example/food, enabled: false", &[]),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "repository", cases));
}

fn users() -> OpOutput {
    let root = record(&[
        ("RecordName", "root"),
        ("UniqueID", "0"),
        ("PrimaryGroupID", "0"),
        ("NFSHomeDirectory", "/var/root"),
        ("UserShell", "/bin/sh"),
    ]);
    let alice = record(&[
        ("RecordName", "alice|alias"),
        ("UniqueID", "501"),
        ("PrimaryGroupID", "20"),
        ("NFSHomeDirectory", "/Users/alice"),
        ("UserShell", "/bin/zsh"),
        ("RealName", "Alice Example"),
    ]);
    let bob = record(&[
        ("RecordName", "bob"),
        ("UniqueID", "502"),
        ("PrimaryGroupID", "600"),
        ("NFSHomeDirectory", "/Users/bob"),
    ]);
    plist(&format!("{root}{alice}{bob}"))
}

fn groups() -> OpOutput {
    let wheel = record(&[("RecordName", "wheel"), ("PrimaryGroupID", "0"), ("GroupMembership", "root")]);
    let staff = record(&[("RecordName", "staff"), ("PrimaryGroupID", "20"), ("GroupMembership", "root")]);
    let admin = record(&[("RecordName", "admin"), ("PrimaryGroupID", "80"), ("GroupMembership", "root|alice")]);
    let own = record(&[("RecordName", "ops"), ("PrimaryGroupID", "600")]);
    plist(&format!("{wheel}{staff}{admin}{own}"))
}

/// `SALTED-SHA512-PBKDF2` of the password `secret` with 1000 rounds, as Python's `plistlib` writes it.
const SHADOW: &str = concat!(
    "62706c69 73743030 d101025f 10145341 4c544544 2d534841 3531322d 50424b44 4632d303 04050607 0857656e 74726f70 ",
    "795a6974 65726174 696f6e73 5473616c 744f1080 e56720e3 8b3e180e 84b0ec8c 4864c587 f36bdec5 25d255bc e0a08cf3 ",
    "0fd4237c d6be494c 1b95d4bf cf7db97a 7371b553 a764a065 bb6af5aa 9a6ceed4 29013f0a cdb1e95c 9dc615dd 4dc54c69 ",
    "a627bab1 d6810c64 646dcc20 7a5084ce 326b063f 55bf9b1a b99e97db ecd83445 56b15669 7277b5a3 a7e7dbf6 9d46a5d5 ",
    "30d6ae49 1103e84f 10106162 63646566 6768696a 6b6c6d6e 6f70080b 2229313c 41c4c700 00000000 00010100 00000000 ",
    "00000900 00000000 00000000 00000000 0000da ",
);

fn secret(authority: &str) -> OpOutput {
    let keys = [("ShadowHashData", SHADOW), ("AuthenticationAuthority", authority)];
    let one = record(&keys);
    said(&format!("<?xml version=\"1.0\"?>\n<plist version=\"1.0\">\n{one}</plist>\n"))
}

#[test]
fn accounts() {
    let known = ("/usr/bin/dscl -plist . -readall /Users*", users());
    let theirs = ("/usr/bin/dscl -plist . -readall /Groups*", groups());
    let home = ("stat /Users/alice", folder(501));
    let secrets = |authority| ("/usr/bin/dscl -plist . -read /Users/alice*", secret(authority));
    let seen: &[(&str, OpOutput)] = &[known.clone(), theirs.clone(), home.clone(), secrets(";ShadowHash;")];
    let locked: &[(&str, OpOutput)] =
        &[known.clone(), theirs.clone(), home.clone(), secrets(";DisabledUser;;ShadowHash;")];
    let none = said("<plist version=\"1.0\"><dict></dict></plist>");
    let without: &[(&str, OpOutput)] =
        &[known.clone(), theirs.clone(), home.clone(), ("/usr/bin/dscl -plist . -read /Users/alice*", none)];
    let elsewhere: &[(&str, OpOutput)] = &[known.clone(), theirs.clone(), ("/usr/bin/id -u carol", said("7001\n"))];
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let keys = format!("username: alice, authorized_keys: '{key}'");
    let cases: &[machine::Case<'_>] = &[
        ("new", "username: carol", &seen[..2]),
        (
            "new, with all",
            "username: carol, uid: 777, group: ops, groups: 'admin, staff', shell: /bin/bash, home: /srv/carol, comment: \
             'Carol C', password: s, locked: true, manage_home: false, sudo_nopasswd: true",
            &seen[..2],
        ),
        ("new, the system's", "username: _food, system: true, manage_home: false", &seen[..2]),
        ("new, a number that is taken", "username: carol, uid: 501", &seen[..2]),
        ("new, of a directory", "username: carol", elsewhere),
        ("there", "username: alice, uid: 501, comment: Alice Example, groups: admin, shell: /bin/zsh", seen),
        ("changed", "username: alice, uid: 777, group: ops, comment: A, shell: /bin/bash", seen),
        ("moved", "username: alice, home: /srv/alice, move_home: true", seen),
        ("another home", "username: alice, home: /srv/alice", seen),
        ("groups", "username: alice, groups: staff, groups_exact: true", seen),
        ("the same password", "username: alice, password: secret", seen),
        ("another password", "username: alice, password: other", seen),
        ("another password of a locked one", "username: alice, password: other", locked),
        ("another password, unlocked", "username: alice, password: other, locked: false", locked),
        ("the first password", "username: alice, password: other", without),
        ("the first password, on_create", "username: alice, password: other, update_password: on_create", without),
        ("locked", "username: alice, locked: true", seen),
        ("locked already", "username: alice, locked: true", locked),
        ("unlocked", "username: alice, locked: false", locked),
        ("keys", &keys, seen),
        ("to go", "username: alice, state: absent", seen),
        ("to go, the home stays", "username: alice, state: absent, manage_home: false", seen),
        ("gone", "username: carol, state: absent", seen),
        (
            "root stays",
            "username: toor, state: absent",
            &[(
                "/usr/bin/dscl -plist . -readall /Users*",
                plist(&record(&[("RecordName", "toor"), ("UniqueID", "0"), ("PrimaryGroupID", "0")])),
            )],
        ),
        ("another kind of hash", "username: alice, password_hash: '$6$a$b'", seen),
        ("ageing", "username: alice, password_max_age: 90", seen),
        ("expiry", "username: alice, expires: 2030-01-01", seen),
        ("class", "username: alice, login_class: staff", seen),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "user", cases));
}

#[test]
fn groups_of_accounts() {
    let seen: &[(&str, OpOutput)] =
        &[("/usr/bin/dscl -plist . -readall /Users*", users()), ("/usr/bin/dscl -plist . -readall /Groups*", groups())];
    let cases: &[machine::Case<'_>] = &[
        ("new", "group: devs", seen),
        ("new, the system's, with members", "group: devs, system: true, members: 'alice, bob'", seen),
        ("new, with a number", "group: devs, gid: 900", seen),
        ("a number that is taken", "group: devs, gid: 80", seen),
        ("there", "group: admin, gid: 80, members: 'root, alice'", seen),
        ("another number", "group: admin, gid: 81", seen),
        ("other members", "group: admin, members: bob", seen),
        ("more members", "group: admin, members: bob, members_exact: false", seen),
        ("a member that is nobody", "group: admin, members: carol", seen),
        ("to go", "group: admin, state: absent", seen),
        ("to go, somebody's own", "group: ops, state: absent", seen),
        ("gone", "group: devs, state: absent", seen),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "group", cases));
}

#[test]
fn the_machine() {
    let names: &[(&str, OpOutput)] = &[
        ("/usr/sbin/scutil --get HostName", said("web-1.example.com\n")),
        ("/usr/sbin/scutil --get ComputerName", said("web-1.example.com\n")),
        ("/usr/sbin/scutil --get LocalHostName", said("web-1\n")),
        ("/bin/hostname", said("web-1.example.com\n")),
    ];
    let mut other = names.to_vec();
    other[1].1 = said("Alice's Mac\n");
    let cases: &[machine::Case<'_>] = &[
        ("no name is set", "hostname: web-1.example.com", &[]),
        ("in sync", "hostname: web-1.example.com", names),
        ("another name for people", "hostname: web-1.example.com", &other),
        ("another", "hostname: db-1", names),
        ("a number", "hostname: '1234'", names),
    ];
    let hostnames = table(&BLANKS[0], "hostname", cases);
    let berlin: &[(&str, OpOutput)] = &[("/usr/sbin/systemsetup -gettimezone", said("Time Zone: Europe/Berlin\n"))];
    let missing: &[(&str, OpOutput)] = &[("stat /usr/share/zoneinfo/Mars/Base", OpOutput::Missing)];
    let cases: &[machine::Case<'_>] = &[
        ("another zone", "timezone: Europe/Berlin", &[]),
        ("in sync", "timezone: Europe/Berlin", berlin),
        ("no zone", "timezone: Mars/Base", missing),
    ];
    insta::assert_snapshot!(hostnames + &table(&BLANKS[0], "timezone", cases));
}

#[test]
fn mounts() {
    let mounted = "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n\
        nas:/x on /Volumes/nas (nfs, nodev, nosuid, mounted by admin)\n\
        /dev/disk4s1 on /private/tmp/b c (apfs, local, nodev, read-only)\n";
    let table_text = "nas:/x /Volumes/nas nfs nosuid 0 0\n";
    let live = ("/sbin/mount", said(mounted));
    let written = ("read /etc/fstab", OpOutput::file(table_text));
    let seen: &[(&str, OpOutput)] = &[live.clone(), written.clone()];
    let named: &[(&str, OpOutput)] =
        &[live, ("/usr/sbin/diskutil info ABC", said("   Device Node:               /dev/disk4s1\n"))];
    let nas = "path: /Volumes/nas, device: 'nas:/x', fstype: nfs";
    let [same, ro, other, present, unmounted, absent] = [
        format!("{nas}, options: nosuid"),
        format!("{nas}, options: 'nosuid, ro'"),
        "path: /Volumes/nas, device: 'nas:/y', fstype: nfs, options: nosuid".into(),
        format!("{nas}, state: present, options: nosuid"),
        "path: /Volumes/nas, state: unmounted".into(),
        "path: /Volumes/nas, state: absent".to_string(),
    ];
    let cases: &[machine::Case<'_>] = &[
        ("new", nas, &[]),
        ("in sync", &same, seen),
        ("other options", &ro, seen),
        ("another device", &other, seen),
        ("in the table", &present, seen),
        ("to be unmounted", &unmounted, seen),
        ("to go", &absent, seen),
        ("gone", &absent, &[]),
        ("by number, below a link", "path: /tmp/b c, device: UUID=ABC, fstype: apfs, options: ro", named),
        ("a bind mount", "path: /a, device: /b, fstype: none, options: bind", &[]),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "mount", cases));
}

#[test]
fn jobs_and_processes() {
    let old: &[(&str, OpOutput)] = &[("crontab -l", said("MAILTO=x\n# vigo: r\n@daily /bin/old\n"))];
    let cases: &[machine::Case<'_>] = &[
        ("new", "schedule: '*/5 * * * *', command: /bin/x", &[]),
        ("another's", "schedule: '@reboot', command: /bin/x, user: admin, environment: {A: b}", &[]),
        ("changed", "schedule: '@daily', command: /bin/x", old),
        ("in sync", "schedule: '@daily', command: /bin/old", old),
        ("to go", "state: absent", old),
        ("gone", "state: absent", &[]),
    ];
    let jobs = table(&BLANKS[0], "cron", cases);
    let listing: &[(&str, OpOutput)] = &[
        ("ps -axww -o pid= -o ucomm=", said("1 launchd\n2 vigo\n7 food\n9 food\n")),
        (
            "ps*",
            said("1 0 Ss 10:00 /sbin/launchd\n2 1 S 10:00 vigo\n7 1 S 05:00 /bin/food -x\n9 1 S 01:00 /bin/food\n"),
        ),
    ];
    let cases: &[machine::Case<'_>] = &[
        ("none", "process: food, restart_method: service, restart_unit: com.example.food", &[]),
        ("none, by a command", "process: food, restart_method: command, restart_command: 'open -a Food'", &[]),
        ("enough", "process: food", listing),
        ("too many", "process: food, max: 1, kill_excess: true", listing),
        ("to end", "process: food, state: stopped, signal: KILL", listing),
        ("no units", "process: food, restart_method: systemctl, restart_unit: food.service", &[]),
    ];
    insta::assert_snapshot!(jobs + &table(&BLANKS[0], "process", cases));
}
