//! What people copy works: all of `examples/stacks` that is for real hosts is applied to one, with Debian's own packages.

use super::agent::{Run, vigo_as};
use super::boxes::Machine;
use super::checks::Checks;
use super::drift::{Broken, repaired};
use super::scenario::{Lab, Scenario};
use crate::failure::Result;
use crate::workspace::root;

/// A machine with every role.
pub const STACKS: Scenario = Scenario {
    name: "stacks",
    about: "examples/stacks on a machine that has every role",
    packages: &[PACKAGES],
    waits: false,
    run,
};

/// What the crates install.
const PACKAGES: &[&str] = &[
    "acl",
    "ca-certificates",
    "chrony",
    "curl",
    "docker.io",
    "htop",
    "less",
    "logrotate",
    "needrestart",
    "nftables",
    "nginx",
    "openssh-client",
    "openssl",
    "postgresql-15",
    "postgresql-contrib",
    "prometheus-node-exporter",
    "restic",
    "rsync",
    "tmux",
    "unattended-upgrades",
    "vim-tiny",
];

/// Where the tree is on the machine.
const TREE: &str = "/srv/stacks";

/// The machine's name in the tree.
const HOSTNAME: &str = "all-in-one.prod.example.com";

const PASSWORD: &str = "correct-horse-battery";

const DATABASE_PASSWORD: &str = "shopsellsshoes";

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    if lab.vigo().is_none() {
        checks.skip("a machine gets every role", "the package `vigo` is not in the workspace");
        return Ok(());
    }
    let machine = lab.boot("stacks")?;
    furnish(&machine)?;
    let plan = apply_or(&machine, "plan")?;
    checks.same("a plan finds drift", plan.code, 1);
    checks.same("and nothing that fails", plan.bad(), Vec::<String>::new());
    let first = apply_or(&machine, "apply")?;
    checks.same("nothing failed", first.bad(), Vec::<String>::new());
    checks.same("the first run converges", first.code, 0);
    for secret in [PASSWORD, DATABASE_PASSWORD, "PRIVATE KEY"] {
        checks.check("no secret is shown", !(plan.text.contains(secret) || first.text.contains(secret)), secret);
    }
    let again = apply_or(&machine, "apply")?;
    checks.same("a second run changes nothing", again.ids("changed"), Vec::<String>::new());
    checks.same("and nothing fails", again.bad(), Vec::<String>::new());
    works(&machine, checks)?;
    sessions(&machine, checks)?;
    backup(&machine, checks)?;
    repaired(&machine, BROKEN, checks, || apply_or(&machine, "apply"))?;
    checks.skip("chrony sets the clock", "a container may not: its unit does not start there");
    checks.skip("the kernel's settings", "they are those of the machine below; `converge` shows the type");
    Ok(())
}

fn apply_or(machine: &Machine, verb: &str) -> Result<Run> {
    vigo_as(machine, HOSTNAME, verb, TREE, &[])
}

/// What an operator has besides the tree: secrets, a key of Alice's that opens, and a machine with a past.
fn furnish(machine: &Machine) -> Result<()> {
    machine.push(&root().join("examples/stacks"), TREE)?;
    let script = format!(
        "umask 077; cd /root
        # What Docker forwards is decided in the machine's own network.
        mount -o remount,rw /proc/sys
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=shop.example.com \\
            -addext subjectAltName=DNS:shop.example.com,DNS:www.shop.example.com -keyout key.pem -out cert.pem 2>/dev/null
        {{ echo 'tls/shop/certificate: |'; sed 's/^/  /' cert.pem; echo 'tls/shop/key: |'; sed 's/^/  /' key.pem
            echo 'people/alice/password: {PASSWORD}'; echo 'postgresql/shop: {DATABASE_PASSWORD}'
            echo 'backup/password: restores-too'; }} >secrets.yaml
        ssh-keygen -q -t ed25519 -N '' -C alice@example.com -f alice
        sed -i \"s|ssh-ed25519 .* alice@example.com|$(cat alice.pub)|\" {TREE}/data/people.yaml
        grep -q \"$(cat alice.pub)\" {TREE}/data/people.yaml
        useradd -m mallory"
    );
    machine.sh(&script).map(|_| ())
}

/// What each crate is for is there, by the word of the programs themselves.
fn works(machine: &Machine, checks: &mut Checks) -> Result<()> {
    let https = "curl -sS --cacert /root/cert.pem --resolve shop.example.com:443:127.0.0.1 https://shop.example.com";
    machine.sh("echo hello >/srv/shop/hello.txt; chown shop /srv/shop/hello.txt")?;
    let asked: &[(&str, &str, &str)] = &[
        ("motd", "head -1 /etc/motd", "all-in-one.prod.example.com (production) is managed by Vigo."),
        ("packages", "for p in curl htop tmux; do command -v $p; done | wc -l", "3"),
        ("hardening: umask", "grep ^UMASK /etc/login.defs", "UMASK 027"),
        ("hardening: core dumps", "grep -c 'hard core 0' /etc/security/limits.d/10-no-core-dumps.conf", "1"),
        ("hardening: modules", "modprobe -n -v sctp 2>&1 | head -1", "install /bin/false"),
        ("hardening: cron", "stat -c %a /etc/crontab /etc/cron.d | tr '\\n' ' '", "600 700"),
        (
            "hardening: journal",
            "systemctl is-active systemd-journald; ls -d /var/log/journal",
            "active\n/var/log/journal",
        ),
        ("users: who left", "id mallory 2>&1 | grep -c 'no such user'; ls -d /home/mallory", "1\n/home/mallory"),
        ("users: groups", "id -nG alice | tr ' ' '\\n' | sort | tr '\\n' ' '", "admins alice docker"),
        ("users: sudo", "visudo -c >/dev/null && echo valid", "valid"),
        (
            "sshd: effective settings",
            "sshd -T | grep -E '^(permitrootlogin|passwordauthentication|allowgroups|x11forwarding|banner) '",
            "permitrootlogin no\npasswordauthentication no\nx11forwarding no\nbanner /etc/issue.net\nallowgroups admins",
        ),
        ("chrony: its file is good", "chronyd -p -f /etc/chrony/chrony.conf | grep -c ^pool", "3"),
        ("chrony: from the next boot on", "systemctl is-enabled chrony", "enabled"),
        ("chrony: alone", "dpkg-query -W -f '${db:Status-Status}' systemd-timesyncd", "config-files"),
        ("time zone", "timedatectl show -p Timezone --value", "Etc/UTC"),
        ("logrotate: no error", "logrotate -d /etc/logrotate.conf 2>&1 | grep -c ^error || true", "0"),
        (
            "logrotate: a rule",
            "logrotate -d /etc/logrotate.d/sudo 2>&1 | grep -c 'rotating pattern: /var/log/sudo.log'",
            "1",
        ),
        ("logrotate: the timer", "systemctl is-active logrotate.timer", "active"),
        ("upgrades: a trial", "unattended-upgrade --dry-run && echo ran", "ran"),
        (
            "upgrades: the timers",
            "systemctl is-active apt-daily.timer apt-daily-upgrade.timer | tr '\\n' ' '",
            "active active",
        ),
        ("upgrades: what is held back", "apt-config dump | grep -c 'Package-Blacklist:: \"postgresql-.*\"'", "1"),
        (
            "node exporter: figures",
            "/usr/local/libexec/node-exporter-reboot /var/lib/prometheus/node-exporter
            curl -sS http://127.0.0.1:9100/metrics | grep -E '^(node_reboot_required|node_textfile_scrape_error) '",
            "node_reboot_required 0\nnode_textfile_scrape_error 0",
        ),
        (
            "firewall: what is open",
            "nft list chain inet vigo input | grep -oE 'policy drop|dport [0-9]+' | tr '\\n' ' '",
            "policy drop dport 22 dport 80 dport 443",
        ),
        ("workers: runs as its own", "ps -o user= -p $(systemctl show -p MainPID --value shop)", "shop"),
        ("nginx: answers over TLS", &format!("{https}/hello.txt"), "hello"),
        (
            "nginx: sends on to TLS",
            "curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: shop.example.com' http://127.0.0.1/x",
            "301 https://shop.example.com/x",
        ),
        ("nginx: its version is nobody's business", &format!("{https}/ -I | grep -ic '^server: nginx.$'"), "1"),
        (
            "postgresql: the role, by its password",
            &format!(
                "PGPASSWORD={DATABASE_PASSWORD} psql -Xwh localhost -U shop shop -Atqc 'create table if not exists t (n int); select current_user'"
            ),
            "shop",
        ),
        (
            "postgresql: nobody without it",
            "PGPASSWORD=wrong psql -Xwh localhost -U shop shop -Atc 'select 1' 2>&1 | grep -om1 'password authentication failed'",
            "password authentication failed",
        ),
        (
            "postgresql: settings of production",
            "runuser -u postgres -- psql -XAtc \"select current_setting('shared_buffers'), current_setting('max_connections')\"",
            "1GB|200",
        ),
        (
            "docker: its daemon answers",
            "docker info --format '{{.LoggingDriver}} {{.LiveRestoreEnabled}}'",
            "local true",
        ),
        ("docker: Alice may", "runuser -u alice -- docker ps -q && echo may", "may"),
        ("a usercrate", "runuser -u alice -- env HOME=/home/alice sh -lc 'echo $EDITOR'", "vim"),
        ("nothing half-written", "find / -xdev -name '.vigo-*' -not -path '/proc/*' | head -5", ""),
    ];
    for (what, script, expected) in asked {
        let output = machine.exec(&["sh", "-c", script])?;
        checks.same(what, output.stdout.trim(), *expected);
    }
    Ok(())
}

/// Alice logs in by her key and becomes root by her password; nobody else does.
fn sessions(machine: &Machine, checks: &mut Checks) -> Result<()> {
    const SSH: &str = "ssh -i /root/alice -o StrictHostKeyChecking=no -o BatchMode=yes -o LogLevel=ERROR";
    let alice = format!("{SSH} alice@127.0.0.1 'whoami; echo {PASSWORD} | sudo -S -p \"\" id -un'");
    checks.same("a login by key, and sudo by password", machine.sh(&alice)?.trim(), "alice\nroot");
    machine.sh("mkdir -m 0700 -p /root/.ssh; cp /root/alice.pub /root/.ssh/authorized_keys; install -o bob /root/alice.pub /home/bob/.ssh/authorized_keys")?;
    for who in ["root", "bob"] {
        let output = machine.exec(&["sh", "-c", &format!("{SSH} {who}@127.0.0.1 true")])?;
        checks.check(&format!("{who} stays outside"), !output.ok(), format_args!("{output:?}"));
    }
    let log = machine.sh("grep -c 'alice.*COMMAND=/usr/bin/id -un' /var/log/sudo.log")?;
    checks.same("and sudo writes it down", log.trim(), "1");
    Ok(())
}

/// The job runs once; what it leaves is read back.
fn backup(machine: &Machine, checks: &mut Checks) -> Result<()> {
    machine.sh("systemctl start backup.service")?;
    let restored = "set -a; . /etc/backup/environment
        restic snapshots --json | grep -o short_id | wc -l
        restic dump latest /etc/motd | cmp - /etc/motd && echo same
        restic dump latest /var/lib/backup/postgresql.sql | grep -c '^CREATE DATABASE shop '";
    checks.same("a backup is there, and can be read back", machine.sh(restored)?.trim(), "1\nsame\n1");
    checks.same("the timer waits", machine.sh("systemctl is-active backup.timer")?.trim(), "active");
    Ok(())
}

const BROKEN: &[Broken] = &[
    Broken(
        "users/person[alice]",
        "cat /root/key.pem >>/home/alice/.ssh/authorized_keys",
        "wc -l </home/alice/.ssh/authorized_keys",
        "1",
    ),
    Broken("users/person[bob]", "usermod -s /bin/false bob", "getent passwd bob | cut -d: -f7", "/bin/bash"),
    Broken(
        "users/sudoers",
        "echo '%users ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/10-admins",
        "grep -c NOPASSWD /etc/sudoers.d/10-admins || true",
        "0",
    ),
    Broken(
        "sshd/settings",
        "sed -i 's/^PermitRootLogin.*/PermitRootLogin yes/' /etc/ssh/sshd_config.d/10-vigo.conf; systemctl reload ssh",
        "sshd -T | grep ^permitrootlogin",
        "permitrootlogin no",
    ),
    Broken(
        "firewall/loaded",
        "nft flush ruleset",
        "nft list chain inet vigo input 2>/dev/null | grep -o 'policy drop'",
        "policy drop",
    ),
    Broken(
        "nginx/site[shop]",
        "sed -i 's/listen 443/listen 8443/' /etc/nginx/conf.d/shop.conf; systemctl reload nginx",
        "sleep 1; curl -sS --cacert /root/cert.pem --resolve shop.example.com:443:127.0.0.1 https://shop.example.com/hello.txt 2>&1",
        "hello",
    ),
    Broken(
        "postgresql/password[shop]",
        "runuser -u postgres -- psql -Xqc \"ALTER ROLE shop PASSWORD 'changed'\"",
        "PGPASSWORD=shopsellsshoes psql -Xwh localhost -U shop shop -Atc 'select current_user' 2>&1",
        "shop",
    ),
    Broken(
        "postgresql/settings",
        "echo 'max_connections = 7' >>/etc/postgresql/15/main/conf.d/vigo.conf; systemctl restart postgresql@15-main",
        "runuser -u postgres -- psql -XAtc 'show max_connections'",
        "200",
    ),
    Broken(
        "node-exporter/service",
        "systemctl disable --now prometheus-node-exporter 2>/dev/null",
        "systemctl is-active prometheus-node-exporter",
        "active",
    ),
    Broken(
        "docker/setting[log-driver]",
        "sed -i s/local/json-file/ /etc/docker/daemon.json; systemctl restart docker",
        "docker info --format '{{.LoggingDriver}}'",
        "local",
    ),
    Broken(
        "unattended-upgrades/schedule",
        "echo 'APT::Periodic::Unattended-Upgrade \"0\";' >/etc/apt/apt.conf.d/20auto-upgrades",
        "apt-config dump APT::Periodic::Unattended-Upgrade",
        "APT::Periodic::Unattended-Upgrade \"1\";",
    ),
    Broken("backup/password", "chmod 0644 /etc/backup/password", "stat -c %a /etc/backup/password", "600"),
    Broken("workers[shop]/service", "systemctl stop shop", "systemctl is-active shop", "active"),
];
