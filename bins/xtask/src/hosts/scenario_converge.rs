//! A machine is converged by a policy over all types: the machine itself is asked, not only our report.

use std::collections::BTreeMap;
use std::time::Duration;

use super::boxes::SystemdBox;
use super::checks::Checks;
use super::scenario::{Lab, Scenario};
use crate::failure::{Failure, Result};
use crate::json::Json;
use crate::process::Output;
use crate::workspace::root;

/// The whole story of one machine, and of a second that is planned first.
pub const CONVERGE: Scenario = Scenario { name: "converge", about: "a policy over all types on a real machine", run };

const PASSWORD: &str = "correct-horse-battery";

/// A run takes no longer.
const RUN_LIMIT: Duration = Duration::from_secs(300);

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("a machine converges", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    let machine = lab.boot("converge")?;
    furnish(&machine)?;
    first_run(&machine, checks)?;
    let again = vigo(&machine, "apply")?;
    checks.same("a second run converges", again.code, 0);
    checks.same("and changes nothing", again.ids("changed"), Vec::<String>::new());
    checks.same("a plan then finds nothing to do", vigo(&machine, "plan")?.code, 0);
    drift(&machine, checks)?;
    killed(&machine, checks)?;
    predicted(lab, checks)
}

/// What the policy expects to find.
fn furnish(machine: &SystemdBox) -> Result<()> {
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
    machine.sh(script).map(|_| ())
}

fn first_run(machine: &SystemdBox, checks: &mut Checks) -> Result<()> {
    let before = snapshot(machine)?;
    let plan = vigo(machine, "plan")?;
    checks.same("a plan finds drift", plan.code, 1);
    checks.same("and nothing that fails", plan.bad(), Vec::<String>::new());
    checks.same("a plan writes nothing", snapshot(machine)?, before);

    let run = vigo(machine, "apply")?;
    checks.same("nothing failed", run.bad(), Vec::<String>::new());
    checks.same("the first run converges", run.code, 0);
    checks.check("at least 60 resources took part", run.outcomes.len() >= 60, run.outcomes.len());
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
        ("group", "getent group ops | cut -d: -f3", "3000"),
        ("group members", "getent group web | cut -d: -f4", "www-data"),
        ("absent group", "getent group vigo-test-gone || echo none", "none"),
        ("user groups", "id -nG alice | tr ' ' '\\n' | sort | tr '\\n' ' '", "adm alice sudo"),
        ("user shell", "getent passwd alice | cut -d: -f7", "/bin/bash"),
        ("sudo file", "visudo -cf /etc/sudoers.d/vigo-alice >/dev/null && echo valid", "valid"),
        ("all of sudo", "visudo -c >/dev/null && echo valid", "valid"),
        ("sudo works", "su alice -c 'sudo -n true' && echo works", "works"),
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

/// Twenty things are broken by hand; each is repaired, and reported.
fn drift(machine: &SystemdBox, checks: &mut Checks) -> Result<()> {
    let broken: &[(&str, &str)] = &[
        ("base/motd", "echo hacked >/etc/motd"),
        ("base/issue", "chown nobody /etc/issue.net"),
        ("base/srv-data", "chmod 0700 /srv/site/data"),
        ("base/tree", "rm /srv/site/tree/port.txt"),
        ("base/link", "ln -sfn /tmp /srv/site/current"),
        ("base/line", "sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs"),
        ("base/block", "sed -i 's/VIGO_TEST=1/VIGO_TEST=2/' /etc/profile"),
        ("base/ini", "sed -i 's/^SystemMaxUse=.*/SystemMaxUse=1G/' /etc/systemd/journald.conf"),
        ("base/json", "sed -i 's/8080/9090/' /etc/app.json"),
        ("packages/extra", "apt-get -qq -y purge food-extra >/dev/null"),
        ("people/ops", "groupmod -g 3999 ops"),
        ("people/alice", "usermod -s /bin/sh alice; rm /etc/sudoers.d/vigo-alice"),
        ("people/bob-key", "rm /home/bob/.ssh/authorized_keys"),
        ("services/worker", "systemctl disable --now worker 2>/dev/null"),
        ("services/worker-limits", "rm -r /etc/systemd/system/worker.service.d"),
        ("services/cron-service", "systemctl stop cron"),
        (
            "app/repo",
            "git -c safe.directory='*' -C /srv/site/code update-ref -d HEAD; git -c safe.directory='*' -C /srv/site/code reset -q",
        ),
        ("system/job", "rm /etc/cron.d/vigo-nightly"),
        ("system/db-host", "sed -i /db.internal/d /etc/hosts"),
        ("system/zone", "timedatectl set-timezone UTC"),
        ("system/scratch", "umount /srv/scratch"),
        ("system/forward", "echo 0 >/proc/sys/net/ipv4/ip_forward"),
    ];
    let broken: Vec<_> = broken.iter().filter(|(id, _)| *id != "app/repo").collect();
    for (id, script) in &broken {
        let output = machine.exec(&["sh", "-c", script])?;
        checks.check(&format!("{id} can be broken"), output.ok(), format_args!("{output:?}"));
    }
    let run = vigo(machine, "apply")?;
    checks.same("drift is repaired", run.bad(), Vec::<String>::new());
    for (id, _) in &broken {
        checks.same(&format!("{id} is reported"), run.outcome(id), "changed");
    }
    checks.same("and then there is none", vigo(machine, "apply")?.ids("changed"), Vec::<String>::new());
    Ok(())
}

/// The agent is killed twenty times; the next run finishes, and no file is half-written.
fn killed(machine: &SystemdBox, checks: &mut Checks) -> Result<()> {
    let spoil =
        "rm -rf /srv/site /etc/app.ini /etc/app.json /etc/cron.d/vigo-* /etc/motd; sed -i /db.internal/d /etc/hosts
        systemctl stop worker foodd || true; userdel -r bob 2>/dev/null || true; rm -f /etc/sudoers.d/vigo-alice; true";
    for i in 0..20u64 {
        machine.sh(spoil)?;
        // Spread over a run, without a clock: multiplication by a number coprime to the range.
        let delay = Duration::from_millis(10 + (i * 37) % 400);
        let child = machine.spawn(&argv("apply"))?;
        std::thread::sleep(delay);
        machine.kill(child)?;
        machine.sh("visudo -c >/dev/null; pwck -qr || true; grpck -qr || true")?;
    }
    let run = vigo(machine, "apply")?;
    checks.same("a run after twenty kills finishes", run.bad(), Vec::<String>::new());
    checks.same("it converges", run.code, 0);
    checks.same("and the next has nothing to do", vigo(machine, "apply")?.ids("changed"), Vec::<String>::new());
    let left = machine.sh("find / -xdev -name '.vigo-*' -not -path '/proc/*' | wc -l")?;
    checks.same("nothing half-written is left", left.trim(), "0");
    checks.same("accounts are sound", machine.sh("pwck -qr; grpck -qr; echo $?")?.lines().last(), Some("0"));
    Ok(())
}

/// On a second machine a plan comes first: what it says is what then happens.
fn predicted(lab: &Lab, checks: &mut Checks) -> Result<()> {
    let machine = lab.boot("predict")?;
    furnish(&machine)?;
    let plan = vigo(&machine, "plan")?;
    let run = vigo(&machine, "apply")?;
    checks.same("the second machine converges", run.bad(), Vec::<String>::new());
    let mut unknown = 0;
    for (id, planned) in &plan.outcomes {
        let done = run.outcome(id);
        match planned.as_str() {
            "unknown" => unknown += 1,
            "would_change" => checks.same(&format!("{id} was planned to change"), done, "changed"),
            other => checks.same(&format!("{id} was planned to be {other}"), done, other),
        }
    }
    checks.check("few were not known, and each names why", unknown <= 8, unknown);
    Ok(())
}

struct Run {
    code: i32,
    text: String,
    outcomes: BTreeMap<String, String>,
    causes: BTreeMap<String, String>,
}

impl Run {
    fn ids(&self, outcome: &str) -> Vec<String> {
        self.outcomes.iter().filter(|(_, o)| *o == outcome).map(|(id, _)| id.clone()).collect()
    }

    fn outcome(&self, id: &str) -> &str {
        self.outcomes.get(id).map_or("nothing", String::as_str)
    }

    /// Returns what did not go well, each with its cause.
    fn bad(&self) -> Vec<String> {
        let mut bad: Vec<String> = Vec::new();
        for (id, outcome) in &self.outcomes {
            let cause = self.causes.get(id).map_or("", String::as_str);
            let fine = cause.contains("when") || cause.contains("gate is false") || cause.contains("triggered");
            if outcome == "failed" || outcome == "blocked" || (outcome == "skipped" && !fine) {
                bad.push(format!("{id} {outcome}: {cause}"));
            }
        }
        bad
    }
}

fn argv(verb: &'static str) -> Vec<&'static str> {
    vec![
        "vigo",
        verb,
        "--stacks",
        "/srv/policy",
        "--hostname",
        "converge",
        "--secrets-file",
        "/root/secrets.yaml",
        "--format",
        "json",
    ]
}

fn vigo(machine: &SystemdBox, verb: &'static str) -> Result<Run> {
    let output: Output = machine.exec_with(&argv(verb), "", RUN_LIMIT)?;
    let json = Json::parse(&output.stdout)
        .map_err(|_| Failure::new(format!("`vigo {verb}` printed no report: {}{}", output.stdout, output.stderr)))?;
    let mut run = Run {
        code: output.code(),
        text: output.stdout + &output.stderr,
        outcomes: BTreeMap::new(),
        causes: BTreeMap::new(),
    };
    for resource in json.list("resources") {
        let word = |key: &str| resource.text(key).unwrap_or_default().to_owned();
        run.outcomes.insert(word("id"), word("outcome"));
        run.causes.insert(word("id"), word("cause"));
    }
    Ok(run)
}

/// Returns what is where on the disk: path, mode, owner, size and change of everything that a policy could touch.
fn snapshot(machine: &SystemdBox) -> Result<String> {
    machine.sh("find /etc /srv /home /usr/local /var/lib/vigo /root -xdev -printf '%p %m %u %g %s %C@\\n' 2>/dev/null | sort | sha256sum")
}
