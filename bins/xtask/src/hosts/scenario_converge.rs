//! A machine is converged by a policy over all types: the machine itself is asked, not only our report.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use super::agent::{Run, vigo};
use super::apt_repository::REPOSITORY;
use super::boxes::Machine;
use super::checks::Checks;
use super::converge_kills::killed;
use super::drift::{Broken, repaired};
use super::scenario::{Lab, Scenario};
use crate::failure::{Failure, Result};
use crate::workspace::root;

/// The whole story of one machine, and of a second that is planned first.
pub const CONVERGE: Scenario =
    Scenario { name: "converge", about: "a policy over all types on a real machine", packages: &[], waits: false, run };

const PASSWORD: &str = "correct-horse-battery";

/// Where the policy is on the machine.
const POLICY: &str = "/srv/policy";

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("a machine converges", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    let machine = lab.boot("converge")?;
    furnish(&machine)?;
    first_run(&machine, checks)?;
    let again = vigo(&machine, "apply", POLICY, &[])?;
    checks.same("a second run converges", again.code, 0);
    checks.same("and changes nothing", again.ids("changed"), Vec::<String>::new());
    checks.same("a plan then finds nothing to do", vigo(&machine, "plan", POLICY, &[])?.code, 0);
    drift(&machine, checks)?;
    locks(&machine, checks)?;
    image(&machine, checks)?;
    reloads(&machine, checks)?;
    killed(&machine, POLICY, checks)?;
    predicted(lab, checks)
}

/// Types that this system does not have.
const FOREIGN: &[&str] = &["registry"];

/// Returns the names of all types that this system has: each has a page.
fn all_types() -> Result<BTreeSet<String>> {
    let dir = root().join("docs/src/types");
    let entries = fs::read_dir(&dir).map_err(|e| Failure::at(&dir, &e))?;
    let name = |path: std::path::PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let names = entries.filter_map(|entry| name(entry.ok()?.path()));
    Ok(names.filter(|name| !FOREIGN.contains(&&**name)).collect())
}

/// What the policy expects to find.
fn furnish(machine: &Machine) -> Result<()> {
    machine.push(&root().join("bins/xtask/stacks"), "/srv/policy")?;
    machine.push_file("/root/secrets.yaml", format!("people/alice: {PASSWORD}\n"), "0600")?;
    let greet = "#!/bin/sh\nin=$(cat)\ncase $in in *'\"dry_run\":true'*) dry=1;; *) dry=;; esac\n\
        if [ -e /srv/greeted ]; then echo '{\"changed\":false,\"action\":\"none\"}'; exit; fi\n\
        [ $dry ] || echo hello >/srv/greeted\necho '{\"changed\":true,\"action\":\"created\"}'\n";
    machine.push_file("/usr/local/share/vigo/executors/greet", greet, "0755")?;
    let script = "set -e
        mount -o remount,rw /proc/sys
        mkdir -p /srv/old/deep; echo x >/srv/old/deep/file; echo bye >/etc/vigo-test-gone
        printf 'good\\nbad\\n' >/etc/vigo-test-lines; groupadd vigo-test-gone; useradd -m carol
        printf '10.1.1.1 old.internal\\n' >>/etc/hosts
        mkdir -p /etc/cron.d; echo '0 0 * * * root true' >/etc/cron.d/vigo-old
        export HOME=/root; git init -q -b main /srv/origin; cd /srv/origin
        git config user.email a@b; git config user.name a; echo one >file; git add file; git commit -q -m one
        git clone -q --bare /srv/origin /srv/origin.git";
    machine.sh(script)?;
    // A maintenance window that is closed now, in any time zone of this test.
    let window = "h=$(date -u +%-H); sed -i \"s/hour_range(2,5)/hour_range($(((h + 8) % 24)),$(((h + 9) % 24)))/\"";
    machine.sh(&format!("{window} {POLICY}/configcrates/late.vgo"))?;
    // A repository that is signed by a key made for it: its fingerprint is a variable of the policy.
    let signed = format!(
        "export GNUPGHOME=/root/keys; mkdir -m 0700 /root/keys; mkdir /srv/signed; cp {REPOSITORY}/food_2* {REPOSITORY}/Packages /srv/signed
        cd /srv/signed; gpg --batch --quiet --passphrase '' --quick-gen-key test@example.org ed25519 sign never 2>/dev/null
        {{ echo 'Origin: test'; echo 'SHA256:'; echo \" $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages\"; }} >Release
        gpg --batch --quiet --clearsign --output InRelease Release; gpg --armor --export >key.asc
        print=$(gpg --with-colons --fingerprint | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -1)
        sed -i \"s/site_port: 8080/site_port: 8080, test_key: '$print'/\" {POLICY}/envoys.vgo"
    );
    machine.sh(&signed).map(|_| ())
}

fn first_run(machine: &Machine, checks: &mut Checks) -> Result<()> {
    snapshot(machine)?;
    let plan = vigo(machine, "plan", POLICY, &[])?;
    checks.same("a plan finds drift", plan.code, 1);
    checks.same("and nothing that fails", plan.bad(), Vec::<String>::new());
    checks.same("a plan writes nothing", snapshot(machine)?, "");

    let run = vigo(machine, "apply", POLICY, &[])?;
    checks.same("nothing failed", run.bad(), Vec::<String>::new());
    checks.same("the first run converges", run.code, 0);
    checks.check("at least 60 resources took part", run.resources.len() >= 60, run.resources.len());
    let used: BTreeSet<String> = run.resources.values().map(|r| r.type_name.clone()).collect();
    let idle: Vec<String> = all_types()?.difference(&used).cloned().collect();
    checks.same("every type took part", idle, Vec::<String>::new());
    checks.check("no secret is shown", !run.text.contains(PASSWORD) && !plan.text.contains(PASSWORD), "it is");

    let asked: &[(&str, &str, &str)] = &[
        ("motd", "cat /etc/motd", "converge: debian"),
        ("absent file", "test ! -e /etc/vigo-test-gone && echo gone", "gone"),
        ("absent tree", "test ! -e /srv/old && echo gone", "gone"),
        ("directory mode and group", "stat -c '%a %G' /srv/site/data", "2770 adm"),
        ("shipped tree", "cat /srv/site/tree/index.txt", "hello from converge"),
        ("symlink", "readlink /srv/site/current", "data"),
        ("hard link", "stat -c %h /etc/motd", "2"),
        ("file_line", "grep -c '^UMASK 027$' /etc/login.defs", "1"),
        ("absent line", "cat /etc/vigo-test-lines", "good"),
        ("block", "bash -lc 'echo $VIGO_TEST'", "1"),
        ("replace", "grep -c '^DIR_MODE=0750$' /etc/adduser.conf", "1"),
        ("ini", "grep -A99 '^\\[Journal\\]' /etc/systemd/journald.conf | grep -c '^SystemMaxUse=64M$'", "1"),
        (
            "json",
            "python3 -c 'import json;d=json.load(open(\"/etc/app.json\"));print(d[\"listen\"][\"port\"],d[\"modules\"])'",
            "8080 ['core']",
        ),
        ("package version", "dpkg-query -W -f '${Version}' food", "1.0-1"),
        ("package hold", "apt-mark showhold", "food"),
        ("packages", "dpkg-query -W -f '${db:Status-Status} ' food-extra foodd", "installed installed"),
        ("repository", "ls /etc/apt/sources.list.d/vigo-test-more.list", "/etc/apt/sources.list.d/vigo-test-more.list"),
        (
            "signed repository",
            "apt-cache policy food | grep -om1 '/srv/signed'; grep -o 'signed-by=.*gpg' /etc/apt/sources.list.d/vigo-test-signed.list",
            "/srv/signed\nsigned-by=/etc/apt/keyrings/vigo-vigo-test-signed.gpg",
        ),
        ("group", "getent group ops | cut -d: -f3", "3000"),
        ("group members", "getent group web | cut -d: -f4", "www-data"),
        ("absent group", "getent group vigo-test-gone || echo none", "none"),
        ("user groups", "id -nG alice | tr ' ' '\\n' | sort | tr '\\n' ' '", "adm alice sudo"),
        ("user shell", "getent passwd alice | cut -d: -f7", "/bin/bash"),
        ("sudo file", "visudo -cf /etc/sudoers.d/vigo-alice >/dev/null && echo valid", "valid"),
        ("all of sudo", "visudo -c >/dev/null && echo valid", "valid"),
        // By the machine's own first process: what comes in from outside has no control group that a login could move.
        ("sudo works", "systemd-run -q --wait --pipe su alice -c 'sudo -n true' && echo works", "works"),
        ("ageing", "chage -l bob | grep -c 'Jan 31, 2030'", "1"),
        ("absent user", "id carol 2>/dev/null || echo none", "none"),
        (
            "ssh folder",
            "stat -c '%a %U' /home/alice/.ssh /home/alice/.ssh/authorized_keys | tr '\\n' ' '",
            "700 alice 600 alice",
        ),
        ("one key", "grep -c '^no-pty ssh-ed25519 ' /home/bob/.ssh/authorized_keys", "1"),
        ("owner", "stat -c '%U %G %a' /srv/site/alice.txt", "alice ops 640"),
        ("secret file is closed", "stat -c %a /etc/app.secret", "600"),
        ("unit", "systemctl is-active worker", "active"),
        ("drop-in", "systemctl show -p Nice --value worker", "5"),
        ("boot state", "systemctl is-enabled worker", "enabled"),
        ("service", "systemctl is-active foodd cron | tr '\\n' ' '", "active active"),
        ("stopped service", "systemctl is-enabled ssh || true", "disabled"),
        ("mask", "systemctl is-enabled systemd-timesyncd || true", "masked"),
        (
            "foreach",
            "cat /srv/site/shop.conf /srv/site/blog.conf /srv/site/wiki.conf | tr '\\n' ' '",
            "listen 8081; listen 8082; listen 8083;",
        ),
        ("git", "git -c safe.directory='*' -C /srv/site/code log --format=%s", "one"),
        ("exec", "cat /srv/site/built", "built"),
        ("exec of arguments", "test -e '/srv/site/a b' && echo there", "there"),
        ("exec as a user", "cat /tmp/whoami", "alice"),
        ("a guard that says no", "test ! -e /srv/never && echo no", "no"),
        ("a handler ran once", "cat /srv/site/reloads", "reloaded"),
        ("when", "ls /srv/site/debian /srv/site/looked | wc -l; ls /srv/site/redhat 2>/dev/null || true", "2"),
        ("cron", "grep -c '17 3 \\* \\* \\* root /usr/bin/true' /etc/cron.d/vigo-nightly", "1"),
        ("absent job", "test ! -e /etc/cron.d/vigo-old && echo gone", "gone"),
        ("host", "getent hosts db.internal | tr -s ' '", "10.9.9.9 db.internal db database"),
        ("absent host", "grep -c old.internal /etc/hosts || true", "0"),
        ("hostname", "hostname; cat /etc/hostname", "converged\nconverged"),
        ("timezone", "date +%Z -d 2026-01-15; readlink /etc/localtime | grep -o Europe/Berlin", "CET\nEurope/Berlin"),
        ("sysctl", "cat /proc/sys/net/ipv4/ip_forward", "1"),
        ("mount", "findmnt -no FSTYPE /srv/scratch; grep -c /srv/scratch /etc/fstab", "tmpfs\n1"),
        ("listed mount", "findmnt /srv/listed || grep -c /srv/listed /etc/fstab", "1"),
        ("custom", "cat /srv/greeted", "hello"),
        ("nothing half-written", "find / -xdev -name '.vigo-*' -not -path '/proc/*' | head -5", ""),
    ];
    for (what, script, expected) in asked {
        let output = machine.exec(&["sh", "-c", script])?;
        checks.same(what, output.stdout.trim(), *expected);
    }
    let password = format!(
        "import crypt,spwd;h=spwd.getspnam('alice').sp_pwdp;print(h.startswith('$6$') and crypt.crypt('{PASSWORD}',h)==h)"
    );
    let output = machine.exec(&["python3", "-W", "ignore", "-c", &password])?;
    checks.same("the password is the secret", output.stdout.trim(), "True");
    Ok(())
}

const BROKEN: &[Broken] = &[
    Broken("base/motd", "echo hacked >/etc/motd", "cat /etc/motd", "converge: debian"),
    Broken("base/issue", "chown nobody /etc/issue.net", "stat -c %U /etc/issue.net", "root"),
    Broken("base/srv-data", "chmod 0700 /srv/site/data", "stat -c %a /srv/site/data", "2770"),
    Broken("base/tree", "rm /srv/site/tree/port.txt", "test -s /srv/site/tree/port.txt && echo there", "there"),
    Broken("base/link", "ln -sfn /tmp /srv/site/current", "readlink /srv/site/current", "data"),
    Broken("base/line", "sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs", "grep ^UMASK /etc/login.defs", "UMASK 027"),
    Broken("base/block", "sed -i 's/VIGO_TEST=1/VIGO_TEST=2/' /etc/profile", "bash -lc 'echo $VIGO_TEST'", "1"),
    Broken(
        "base/swapped",
        "sed -i 's/^DIR_MODE=.*/DIR_MODE=0777/' /etc/adduser.conf",
        "grep ^DIR_MODE /etc/adduser.conf",
        "DIR_MODE=0750",
    ),
    Broken(
        "base/ini",
        "sed -i 's/^SystemMaxUse=.*/SystemMaxUse=1G/' /etc/systemd/journald.conf",
        "grep ^SystemMaxUse /etc/systemd/journald.conf",
        "SystemMaxUse=64M",
    ),
    Broken("base/json", "sed -i 's/8080/9090/' /etc/app.json", "grep -o '8080\\|9090' /etc/app.json", "8080"),
    Broken(
        "packages/extra",
        "apt-get -qq -y purge food-extra >/dev/null",
        "dpkg-query -W -f '${db:Status-Status}' food-extra",
        "installed",
    ),
    Broken("packages/food", "apt-mark -qq unhold food", "apt-mark showhold", "food"),
    Broken(
        "packages/signed",
        "echo x >/etc/apt/keyrings/vigo-vigo-test-signed.gpg",
        "gpg --show-keys --with-colons /etc/apt/keyrings/vigo-vigo-test-signed.gpg 2>/dev/null | grep -c ^pub",
        "1",
    ),
    Broken("people/ops", "groupmod -g 3999 ops", "getent group ops | cut -d: -f3", "3000"),
    Broken("people/web", "gpasswd -M root web", "getent group web | cut -d: -f4", "www-data"),
    Broken(
        "people/alice",
        "usermod -s /bin/sh -p '*' -G adm alice; rm /etc/sudoers.d/vigo-alice; echo x >/home/alice/.ssh/authorized_keys",
        "getent passwd alice | cut -d: -f7; systemd-run -q --wait --pipe su alice -c 'sudo -n id -u'; id -nG alice; wc -l </home/alice/.ssh/authorized_keys",
        "/bin/bash\n0\nalice adm sudo\n1",
    ),
    Broken(
        "people/bob",
        "chage -M 7 bob; usermod -c Robert bob",
        "getent passwd bob | cut -d: -f5; chage -l bob | grep -c 'Maximum.*: 90'",
        "Bob\n1",
    ),
    Broken(
        "people/bob-key",
        "rm /home/bob/.ssh/authorized_keys",
        "stat -c '%U %a' /home/bob/.ssh/authorized_keys",
        "bob 600",
    ),
    Broken(
        "services/worker",
        "systemctl disable --now worker 2>/dev/null",
        "systemctl is-active worker; systemctl is-enabled worker",
        "active\nenabled",
    ),
    Broken(
        "services/worker-limits",
        "rm -r /etc/systemd/system/worker.service.d",
        "systemctl show -p Nice --value worker; ps -o ni= -p $(systemctl show -p MainPID --value worker) | tr -d ' '",
        "5\n5",
    ),
    Broken("services/cron-service", "systemctl stop cron", "systemctl is-active cron", "active"),
    Broken(
        "services/masked",
        "systemctl unmask systemd-timesyncd 2>/dev/null",
        "systemctl is-enabled systemd-timesyncd || true",
        "masked",
    ),
    Broken(
        "app/repo",
        "cd /srv/site/code; git -c safe.directory='*' remote set-url origin /nowhere; rm -f file; git -c safe.directory='*' checkout -q file",
        "git -c safe.directory='*' -C /srv/site/code remote get-url origin",
        "/srv/origin.git",
    ),
    Broken("app/build", "rm /srv/site/built", "cat /srv/site/built", "built"),
    Broken(
        "system/job",
        "rm /etc/cron.d/vigo-nightly",
        "grep -c '17 3 \\* \\* \\* root /usr/bin/true' /etc/cron.d/vigo-nightly",
        "1",
    ),
    Broken("system/db-host", "sed -i /db.internal/d /etc/hosts", "getent hosts database | cut -d' ' -f1", "10.9.9.9"),
    Broken("system/name", "hostname other", "hostname", "converged"),
    Broken("system/zone", "timedatectl set-timezone UTC", "date +%Z -d 2026-01-15", "CET"),
    Broken("system/scratch", "umount /srv/scratch", "findmnt -no FSTYPE /srv/scratch", "tmpfs"),
    Broken(
        "system/listed",
        "sed -i 's|/srv/listed tmpfs noauto|/srv/listed tmpfs defaults|' /etc/fstab",
        "findmnt --fstab -no OPTIONS /srv/listed",
        "noauto",
    ),
    Broken("system/forward", "echo 0 >/proc/sys/net/ipv4/ip_forward", "cat /proc/sys/net/ipv4/ip_forward", "1"),
    Broken("late/ours", "rm /srv/greeted", "cat /srv/greeted", "hello"),
];

/// Twenty things and more are broken by hand; each is repaired, and reported.
fn drift(machine: &Machine, checks: &mut Checks) -> Result<()> {
    repaired(machine, BROKEN, checks, || vigo(machine, "apply", POLICY, &[]))
}

/// Somebody else's apt is waited for; a mistyped name is told before anything is done.
fn locks(machine: &Machine, checks: &mut Checks) -> Result<()> {
    const TYPO: &str = "/srv/policy-typo";
    let hold = "import fcntl, time
locks = [open(path, 'w') for path in ('/var/lib/dpkg/lock-frontend', '/var/lib/apt/lists/lock')]
for lock in locks: fcntl.lockf(lock, fcntl.LOCK_EX)
open('/tmp/held', 'w').close()
time.sleep(6)
";
    machine.push_file("/root/hold.py", hold, "0644")?;
    machine.sh(
        "apt-get -qq -y purge food-extra >/dev/null; sed -i s/^deb/#deb/ /etc/apt/sources.list.d/vigo-test-more.list",
    )?;
    let holder = machine.spawn(&["python3", "/root/hold.py"])?;
    machine.sh("timeout 20 sh -c 'until test -e /tmp/held; do sleep 0.05; done'")?;
    let run = vigo(machine, "apply", POLICY, &[])?;
    checks.same("the locks of another apt are waited for", run.bad(), Vec::<String>::new());
    checks.same("and then the index is fetched", run.outcome("packages/local"), "changed");
    checks.same("and the package is installed", run.outcome("packages/extra"), "changed");
    machine.kill(holder)?;

    let policy = "name: typo\nresources:\n  - {name: typo, type: package, package: [cron, food-extre]}\n";
    machine.push_file(&format!("{TYPO}/configcrates/typo.vgo"), policy, "0644")?;
    machine.push_file(&format!("{TYPO}/envoys.vgo"), "envoys: [{match: '*', configcrates: [typo]}]\n", "0644")?;
    for verb in ["plan", "apply"] {
        let run = vigo(machine, verb, TYPO, &[])?;
        let expected = ["typo/typo failed: no package is called `food-extre`"];
        checks.same(&format!("{verb} tells a mistyped name"), run.bad(), expected);
        checks.check("and the nearest one", run.text.contains("did you mean `food-extra`?"), &run.text);
    }
    Ok(())
}

/// An image is converged: its swap file is made, and not used.
fn image(machine: &Machine, checks: &mut Checks) -> Result<()> {
    const IMAGE: &str = "/srv/policy-image";
    let policy = "name: image
resources:
  - {name: swap, type: swap, path: /swapfile, size: 8M}
  - {name: user, type: user, username: dora, manage_home: false}
";
    machine.push_file(&format!("{IMAGE}/configcrates/image.vgo"), policy, "0644")?;
    machine.push_file(&format!("{IMAGE}/envoys.vgo"), "envoys: [{match: '*', configcrates: [image]}]\n", "0644")?;
    machine.sh("mkdir -p /srv/image/etc")?;
    let before = machine.read_file("/proc/swaps")?;
    let run = vigo(machine, "apply", IMAGE, &["--root", "/srv/image"])?;
    checks.same("an image converges", run.bad(), Vec::<String>::new());
    let kind =
        "blkid -p -s TYPE -o value /srv/image/swapfile; stat -c '%a %s' /srv/image/swapfile; cat /srv/image/etc/fstab";
    checks.same("its swap file is made", machine.sh(kind)?.trim(), "swap\n600 8388608\n/swapfile none swap sw 0 0");
    checks.same("and not used", machine.read_file("/proc/swaps")?, before);
    checks.same("its account is not ours", machine.sh("getent passwd dora || echo none")?.trim(), "none");
    let again = vigo(machine, "apply", IMAGE, &["--root", "/srv/image"])?;
    checks.same("a second run on the image changes nothing", again.ids("changed"), Vec::<String>::new());
    checks.skip("swap is switched on", "a container uses the swap of its host");
    Ok(())
}

/// Several units of one run cost one `daemon-reload`.
fn reloads(machine: &Machine, checks: &mut Checks) -> Result<()> {
    const UNITS: &str = "/srv/policy-units";
    let mut policy = String::from("name: units\nresources:\n");
    for name in ["one", "two", "three", "four"] {
        let text = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n";
        policy += &format!(
            "  - {{name: {name}, type: systemd_unit, unit: vigo-{name}.service, enabled: true, content: \"{text}\"}}\n  \
             - {{name: {name}-nice, type: systemd_dropin, unit: vigo-{name}.service, content: \"[Service]\\nNice=7\\n\"}}\n"
        );
    }
    policy += "  - {name: template, type: systemd_unit, unit: vigo-tpl@.service, \
               content: \"[Service]\\nExecStart=/bin/sleep infinity\\n\"}\n  \
               - {name: runs, type: service, service: vigo-one}\n  \
               - {name: instance, type: service, service: vigo-tpl@first}\n";
    machine.push_file(&format!("{UNITS}/configcrates/units.vgo"), policy, "0644")?;
    machine.push_file(&format!("{UNITS}/envoys.vgo"), "envoys: [{match: '*', configcrates: [units]}]\n", "0644")?;
    let count = "journalctl --sync; journalctl -b -o cat _PID=1 | grep -c '^Reloading' || true";
    let before: u32 = machine.sh(count)?.trim().parse().unwrap_or(0);
    let run = vigo(machine, "apply", UNITS, &[])?;
    checks.same("new units converge", run.bad(), Vec::<String>::new());
    let after: u32 = machine.sh(count)?.trim().parse().unwrap_or(0);
    checks.same("nine unit files cost one reload", after - before, 1);
    let state = "systemctl is-enabled vigo-one vigo-two vigo-three vigo-four | sort -u; systemctl show -p Nice --value vigo-one; systemctl is-active vigo-tpl@first";
    checks.same("they are enabled and loaded", machine.sh(state)?.trim(), "enabled\n7\nactive");
    let again = vigo(machine, "apply", UNITS, &[])?;
    checks.same("a second run on units changes nothing", again.ids("changed"), Vec::<String>::new());
    Ok(())
}

/// On a second machine a plan comes first: what it says is what then happens.
fn predicted(lab: &Lab, checks: &mut Checks) -> Result<()> {
    let machine = lab.boot("predict")?;
    furnish(&machine)?;
    let plan = vigo(&machine, "plan", POLICY, &[])?;
    let run = vigo(&machine, "apply", POLICY, &[])?;
    checks.same("the second machine converges", run.bad(), Vec::<String>::new());
    let mut unknown = Vec::new();
    for (id, planned) in &plan.resources {
        let Some(done) = run.resources.get(id) else { continue };
        match planned.outcome.as_str() {
            "unknown" => unknown.push(id.as_str()),
            "would_change" => {
                checks.same(&format!("{id} was planned to change"), done.outcome.as_str(), "changed");
                checks.same(&format!("{id}: each change was foretold"), &planned.changes, &done.changes);
            }
            other => checks.same(&format!("{id} was planned to be {other}"), done.outcome.as_str(), other),
        }
    }
    checks.same("both name the same resources", ids(&plan), ids(&run));
    checks.check("few were not known", unknown.len() <= 8, unknown.join(" "));
    Ok(())
}

fn ids(run: &Run) -> Vec<&String> {
    run.resources.keys().collect()
}

/// Returns what differs on the disk from the snapshot before: path, mode, owner, size and time of change.
fn snapshot(machine: &Machine) -> Result<String> {
    // Left out: what the machine's own services write.
    let script = "find /etc /srv /home /root /opt /usr /var -xdev \\( -path /var/log -o -path /var/lib/systemd \\
        -o -name .cargo -o -name .rustup -o -name .cache \\) -prune -o -printf '%p %m %u %g %s %C@\\n' 2>/dev/null \\
        | LC_ALL=C sort >/tmp/now
        touch /tmp/before; diff /tmp/before /tmp/now | grep '^[<>]' | head -20; mv /tmp/now /tmp/before";
    // All of a disk, and other machines at work beside.
    let looked = machine.exec_with(&["sh", "-euc", script], "", Duration::from_secs(600))?;
    if looked.ok() { Ok(looked.stdout) } else { Err(Failure::new(format!("the disk cannot be looked at: {looked:?}"))) }
}
