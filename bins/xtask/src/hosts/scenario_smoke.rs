//! The machines themselves: they boot, they are apart, services and packages are real, the agent runs there.

use super::checks::Checks;
use super::scenario::{Lab, Scenario};
use crate::failure::Result;

/// Shows that a machine is a machine.
pub const SMOKE: Scenario =
    Scenario { name: "smoke", about: "a machine boots and is a real one", packages: &[], waits: false, run };

fn run(lab: &Lab, checks: &mut Checks) -> Result<()> {
    let machine = lab.boot("smoke")?;
    checks.same("systemd is process 1", machine.read_file("/proc/1/comm")?.trim(), "systemd");
    checks.same("it has its own name", machine.sh("hostname")?.trim(), machine.name());
    let failed = machine.sh("systemctl --failed --no-legend --plain")?;
    checks.same("no unit has failed", failed.trim(), "");
    let foreign = "systemctl list-unit-files --state=enabled --no-legend | cut -d' ' -f1 |
        grep -vE '^(cron|dbus|ssh|sshd|getty@|systemd-timesyncd|dbus-org\\.freedesktop\\.timesync1)\\.service$' || true";
    checks.same("nothing starts that only the build machine has", machine.sh(foreign)?.trim(), "");
    let links = machine.sh("ip -o link | cut -d: -f2")?;
    checks.same("its network is its own and empty", links.trim(), "lo");

    machine.push_file("/srv/a/b.txt", "text\n", "0640")?;
    checks.same("a pushed file arrives", machine.read_file("/srv/a/b.txt")?, "text\n");
    checks.same("with its mode", machine.stat("/srv/a/b.txt")?, "root:root 640 regular file");
    let missing = machine.exec(&["sh", "-c", "cat /nosuch; exit 7"])?;
    checks.same("an exit code is an answer", missing.code(), 7);

    machine.sh("apt-get -qq install -y food=1.0-1")?;
    checks.same("an old version is installed", machine.read_file("/usr/share/food/version")?, "1.0\n");
    machine.sh("apt-get -qq install -y food foodd")?;
    checks.same("and upgraded", machine.read_file("/usr/share/food/version")?, "2.0\n");
    machine.sh("systemctl enable --now foodd")?;
    checks.same("a service runs", machine.sh("systemctl is-active foodd")?.trim(), "active");

    let sleeper = machine.spawn(&["sleep", "1234"])?;
    machine.sh("timeout 5 sh -c 'until pgrep -fx \"sleep 1234\"; do sleep 0.05; done'")?;
    machine.kill(sleeper)?;
    let left = machine.exec(&["sh", "-c", "pgrep -fx 'sleep 1234' || echo none"])?;
    checks.same("a killed program is gone", left.stdout.trim(), "none");

    let other = lab.boot("smoke-two")?;
    let food = other.exec(&["test", "-e", "/usr/share/food"])?;
    checks.check("a second machine has nothing of the first", !food.ok(), "it has its files");

    if lab.vigo().is_none() {
        checks.skip("the agent runs there", "the package `vigo` is not in the workspace yet");
        return Ok(());
    }
    let version = machine.exec(&["vigo", "version"])?;
    checks.check("the agent runs there", version.ok() && version.stdout.contains("vigo"), format_args!("{version:?}"));
    Ok(())
}
