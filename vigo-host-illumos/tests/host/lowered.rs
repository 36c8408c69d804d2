//! What a plan comes to on illumos, by type: one reviewed table each of what is there, what is wanted, and what follows.

use crate::machine::{self, folder, said, table};
use vigo_core::action::OpOutput;
use vigo_host_illumos::BLANKS;

const INSTALLED: &str = "WARNING: a proxy is set\n\
    pkg://omnios/SUNWcs@0.5.11-151046.0:20230501T000000Z  i--\n\
    pkg://omnios/web/server/nginx@1.24.0-151046.0:20230501T000000Z  i--\n\
    pkg://extra.omnios/ooce/editor/vim@9.0,5.11-151046.1:20230501T000000Z  if-\n\
    pkg://omnios/developer/old@1.0-151046.0:20230501T000000Z  i-o\n";

const NEWEST: &str = "pkg://omnios/web/server/nginx@1.25.1-151046.0:20230601T000000Z  ---\n";

#[test]
fn packages() {
    let list = ("/usr/bin/pkg list -Hv", said(INSTALLED));
    let newest = |text: &str| ("/usr/bin/pkg list -Hvn*", said(text));
    let seen: &[(&str, OpOutput)] = &[list.clone(), newest(NEWEST)];
    let same: &[(&str, OpOutput)] =
        &[list.clone(), newest("pkg://omnios/web/server/nginx@1.24.0-151046.0:20230501T000000Z  i--\n")];
    let vim: &[(&str, OpOutput)] =
        &[list.clone(), newest("pkg://extra.omnios/ooce/editor/vim@9.1,5.11-151046.1:20230601T000000Z  -f-\n")];
    let none: &[(&str, OpOutput)] = &[
        list.clone(),
        ("/usr/bin/pkg list -Hvn*", OpOutput::exited(1, "", "pkg list: no packages matching 'food' known\n")),
    ];
    let all: &[(&str, OpOutput)] = &[
        list.clone(),
        ("/usr/bin/pkg list -Hvu", said("pkg://omnios/web/server/nginx@1.24.0-151046.0:20230501T000000Z  i--\n")),
        newest(NEWEST),
    ];
    let cases: &[machine::Case<'_>] = &[
        ("missing", "package: food", seen),
        ("there, by its last part", "package: nginx", seen),
        ("there, by its whole name", "package: 'pkg://omnios/web/server/nginx'", seen),
        ("of another publisher", "package: 'pkg://other/web/server/nginx'", seen),
        ("given up", "package: developer/old", seen),
        ("a version", "package: nginx, version: 1.25.1", seen),
        ("that version", "package: nginx, version: 1.24.0", seen),
        ("that version, without its build", "package: vim, version: 9.0-151046.1, lock_version: true", seen),
        ("a version to be held", "package: nginx, version: 1.24.0, lock_version: true", seen),
        ("to be released", "package: vim, lock_version: false", seen),
        ("not the latest", "package: nginx, state: latest", seen),
        ("the latest", "package: nginx, state: latest", same),
        ("frozen and not the latest", "package: vim, state: latest", vim),
        ("the latest of nothing", "package: food, state: latest", none),
        ("everything", "package: '*', state: latest", all),
        ("everything is the latest", "package: '*', state: latest", &[]),
        ("to go", "package: 'nginx, vim', state: absent", seen),
        ("gone", "package: food, state: absent", seen),
        ("an index of unknown age", "package: food, update_cache: true, flags: --no-refresh", seen),
        ("a beginning of a version", "package: nginx, version: '1.*'", seen),
        ("another manager", "package: food, manager: apt", seen),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "package", cases));
}

#[test]
fn repositories() {
    let head = "PUBLISHER\tSTICKY\tSYSPUB\tENABLED\tTYPE\tSTATUS\tURI\tPROXY\n";
    let two = format!(
        "{head}food\ttrue\tfalse\ttrue\torigin\tonline\thttps://b.example.com/\t-\nfood\ttrue\tfalse\ttrue\torigin\tonline\t\
         https://a.example.com/\t-\nfood\ttrue\tfalse\ttrue\tmirror\tonline\thttps://m.example.com/\t-\n"
    );
    let off = format!("{head}food\ttrue\tfalse\tfalse\torigin\tonline\thttps://a.example.com/\t-\n");
    let seen: &[(&str, OpOutput)] = &[("/usr/bin/pkg publisher*", said(&two))];
    let disabled: &[(&str, OpOutput)] = &[("/usr/bin/pkg publisher*", said(&off))];
    let cases: &[machine::Case<'_>] = &[
        ("new", "repository: food, repo: 'https://a.example.com/ https://b.example.com/'", &[]),
        ("there", "repository: food, repo: 'https://a.example.com https://b.example.com'", seen),
        ("another origin", "repository: food, repo: 'https://c.example.com/'", seen),
        ("off", "repository: food, repo: 'https://a.example.com/', enabled: false", disabled),
        ("to be on", "repository: food, repo: 'https://a.example.com/'", disabled),
        ("to go", "repository: food, state: absent", seen),
        ("gone", "repository: food, state: absent", &[]),
        ("no URL", "repository: food, repo: food", &[]),
        ("a key", "repository: food, repo: 'https://a.example.com/', key_url: /k", &[]),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "repository", cases));
}

const PASSWD: &str = "root:x:0:0:Super-User:/root:/usr/bin/bash\nalice:x:101:10:Alice:/home/alice:/bin/sh\nbob:x:102:600::/home/bob:/bin/sh\n";
const GROUP: &str = "root::0:\nother::1:root\nsys::3:root,alice\nstaff::10:\nops::600:\n";

/// SHA-512-crypt of `secret`.
const HASH: &str =
    "$6$abcdefghijklmnop$J/AWykHqo2Tx5UtavGnFc3ytI33la50JpzLTarSWVhkIXK6wOjNwwZjsrIw2UgmrER2EKrSHCeQyAINEEXAk1/";

#[test]
fn accounts() {
    let files = |password: &str| {
        [
            ("read /etc/passwd", OpOutput::file(PASSWD)),
            ("read /etc/group", OpOutput::file(GROUP)),
            (
                "read /etc/shadow",
                OpOutput::file(&format!("root:NP:6445::::::\nalice:{password}:19000:7:90:14::21915:\n")),
            ),
            ("stat /home/alice", folder(101)),
            ("list /etc/skel", OpOutput::Dir(Vec::new())),
        ]
    };
    let [seen, locked, fresh, none] = [files(HASH), files(&format!("*LK*{HASH}")), files("UP"), files("NP")];
    let homeless = {
        let mut f = files(HASH);
        f[3].1 = OpOutput::Missing;
        f
    };
    let mut elsewhere = seen.to_vec();
    elsewhere.push(("/usr/bin/getent passwd carol", said("carol:x:7001:1::/home/carol:/bin/sh\n")));
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let keys = format!("username: alice, authorized_keys: '{key}'");
    let cases: &[machine::Case<'_>] = &[
        ("new", "username: carol", &seen),
        (
            "new, with all",
            "username: carol, uid: 777, group: ops, groups: 'sys, staff', shell: /usr/bin/bash, home: /srv/carol, comment: \
             'Carol C', password: s, expires: 2030-01-01, manage_home: false, sudo_nopasswd: true",
            &seen,
        ),
        ("new, the system's", "username: food, system: true, manage_home: false", &seen),
        ("new, of a directory", "username: carol", &elsewhere),
        (
            "there",
            "username: alice, uid: 101, comment: Alice, groups: sys, password: secret, expires: 2030-01-01",
            &seen,
        ),
        ("changed", "username: alice, uid: 777, group: ops, comment: A, shell: /usr/bin/bash", &seen),
        ("moved", "username: alice, home: /srv/alice, move_home: true", &seen),
        ("groups", "username: alice, groups: staff", &seen),
        ("groups, and no others", "username: alice, groups: ops, groups_exact: true", &seen),
        ("another password", "username: alice, password: other", &seen),
        ("another password of a locked one", "username: alice, password: other", &locked),
        ("the first password, on_create", "username: alice, password: other, update_password: on_create", &fresh),
        ("there is none, on_create", "username: alice, password: other, update_password: on_create", &none),
        ("locked", "username: alice, locked: true", &seen),
        ("locked already", "username: alice, locked: true", &locked),
        ("unlocked", "username: alice, locked: false", &locked),
        ("ages", "username: alice, password_max_age: 30, password_min_age: -1, password_warn_days: 14", &seen),
        ("another day", "username: alice, expires: 2031-01-01, shell: /usr/bin/bash", &seen),
        ("never", "username: alice, expires: never", &seen),
        ("keys", &keys, &seen),
        ("to go", "username: alice, state: absent", &seen),
        ("to go, without a home", "username: alice, state: absent", &homeless),
        ("gone", "username: carol, state: absent", &seen),
        ("inactive days", "username: alice, password_inactive_days: 7", &seen),
        ("class", "username: alice, login_class: staff", &seen),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "user", cases));
}

#[test]
fn groups_of_accounts() {
    let seen: &[(&str, OpOutput)] =
        &[("read /etc/passwd", OpOutput::file(PASSWD)), ("read /etc/group", OpOutput::file(GROUP))];
    let cases: &[machine::Case<'_>] = &[
        ("new", "group: devs", seen),
        ("new, the system's, with members", "group: devs, system: true, members: 'alice, bob'", seen),
        ("new, with a number", "group: devs, gid: 900", seen),
        ("a number that is taken", "group: devs, gid: 10", seen),
        ("there", "group: sys, gid: 3, members: 'root, alice'", seen),
        ("another number", "group: sys, gid: 81", seen),
        ("other members", "group: sys, members: bob", seen),
        ("more members", "group: sys, members: bob, members_exact: false", seen),
        ("a member that is nobody", "group: sys, members: carol", seen),
        ("to go", "group: sys, state: absent", seen),
        ("to go, somebody's own", "group: ops, state: absent", seen),
        ("gone", "group: devs, state: absent", seen),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "group", cases));
}

#[test]
fn the_machine() {
    let named: &[(&str, OpOutput)] =
        &[("read /etc/nodename", OpOutput::file("web-1\n")), ("/usr/bin/hostname", said("web-1\n"))];
    let later: &[(&str, OpOutput)] = &[("read /etc/nodename", OpOutput::file("web-1\n"))];
    let cases: &[machine::Case<'_>] = &[
        ("another", "hostname: web-1", &[]),
        ("in sync", "hostname: web-1", named),
        ("after a boot only", "hostname: web-1", later),
    ];
    let hostnames = table(&BLANKS[0], "hostname", cases);
    let berlin: &[(&str, OpOutput)] = &[("read /etc/default/init", OpOutput::file("TZ=UTC\nTZ=\"Europe/Berlin\"\n"))];
    let missing: &[(&str, OpOutput)] = &[("stat /usr/share/lib/zoneinfo/Mars/Base", OpOutput::Missing)];
    let cases: &[machine::Case<'_>] = &[
        ("another zone", "timezone: Europe/Berlin", &[]),
        ("in sync", "timezone: Europe/Berlin", berlin),
        ("no zone", "timezone: Mars/Base", missing),
    ];
    insta::assert_snapshot!(hostnames + &table(&BLANKS[0], "timezone", cases));
}

#[test]
fn mounts() {
    let live = "rpool/ROOT/omnios\t/\tzfs\trw,devices,setuid,exec,dev=1690002\t0\n\
        /dev/dsk/c1t0d0s7\t/data\tufs\trw,intr,largefiles,nosetuid,nodevices,dev=2\t1683000000\n";
    let text = "#device\n/dev/dsk/c1t0d0s7\t/dev/rdsk/c1t0d0s7\t/data\tufs\t2\tyes\tnosuid\n";
    let seen: &[(&str, OpOutput)] =
        &[("read /etc/mnttab", OpOutput::file(live)), ("read /etc/vfstab", OpOutput::file(text))];
    let data = "path: /data, device: /dev/dsk/c1t0d0s7, fstype: ufs, pass: 2";
    let [same, ro, present] = [
        format!("{data}, options: nosuid"),
        format!("{data}, options: 'nosuid, ro, noauto'"),
        format!("{data}, state: present, options: nosuid"),
    ];
    let cases: &[machine::Case<'_>] = &[
        ("new", data, &[]),
        ("in sync", &same, seen),
        ("other options", &ro, seen),
        ("another device", "path: /data, device: swap, fstype: tmpfs, options: size=1g", seen),
        ("in the table", &present, seen),
        ("to be unmounted", "path: /data, state: unmounted", seen),
        ("to go", "path: /data, state: absent", seen),
        ("gone", "path: /data, state: absent", &[]),
        ("blanks", "path: '/a b', device: swap, fstype: tmpfs", &[]),
        ("by number", "path: /a, device: UUID=ABC, fstype: ufs", &[]),
        ("to be dumped", "path: /a, device: swap, fstype: tmpfs, dump: 1", &[]),
        ("a bind mount", "path: /a, device: /b, fstype: none, options: bind", &[]),
    ];
    insta::assert_snapshot!(table(&BLANKS[0], "mount", cases));
}

#[test]
fn jobs_and_processes() {
    let old: &[(&str, OpOutput)] = &[("crontab -l", said("#ident\n# vigo: r\n0 0 * * * /bin/old\n"))];
    let cases: &[machine::Case<'_>] = &[
        ("new", "schedule: '*/20 * * * mon-fri', command: /bin/x", &[]),
        (
            "another's",
            "schedule: '@weekly', command: /bin/x, user: alice, environment: {A: b}",
            &[("as alice: crontab -l", OpOutput::exited(1, "", "crontab: can't open your crontab file.\n"))],
        ),
        ("changed", "schedule: '@daily', command: /bin/x", old),
        ("in sync, by a macro", "schedule: '@daily', command: /bin/old", old),
        ("at boot", "schedule: '@reboot', command: /bin/x", &[]),
        ("to go", "state: absent", old),
        ("gone", "state: absent", &[]),
    ];
    let jobs = table(&BLANKS[0], "cron", cases);
    let listing: &[(&str, OpOutput)] = &[
        ("ps -e -o pid= -o fname=", said("1 init\n2 vigo\n5 food\n7 food\n9 food\n")),
        (
            "ps*",
            said(
                "0 1 0 S 10:00 /sbin/init\n0 2 1 S 10:00 vigo\n3 5 1 S 05:00 /bin/food of a zone\n\
                 0 7 1 S 05:00 /bin/food -x\n0 9 1 S 01:00 /bin/food\n",
            ),
        ),
    ];
    let cases: &[machine::Case<'_>] = &[
        ("none", "process: food, restart_method: service, restart_unit: food", &[]),
        ("enough", "process: food", listing),
        ("too many", "process: food, max: 1, kill_excess: true, kill_timeout: 0", listing),
        ("to end", "process: food, state: stopped, signal: KILL", listing),
    ];
    insta::assert_snapshot!(jobs + &table(&BLANKS[0], "process", cases));
}
