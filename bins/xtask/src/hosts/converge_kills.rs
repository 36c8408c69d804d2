//! The agent is killed at random moments: nothing is ever half-written, and the next run finishes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::agent::{start, vigo};
use super::boxes::Machine;
use super::checks::Checks;
use crate::failure::Result;

/// How often.
const KILLS: u64 = 20;

/// Takes away what the policy made, so that a run has something to do in every part of it.
const SPOIL: &str = "rm -rf /srv/site /etc/app.ini /etc/app.json /etc/app.secret /etc/foodd.conf /etc/motd /srv/greeted
    rm -rf /etc/cron.d/vigo-* /etc/systemd/system/worker.service.d; sed -i /db.internal/d /etc/hosts
    sed -i 's/^UMASK.*/UMASK 022/' /etc/login.defs; echo hacked >/etc/issue.net
    systemctl stop worker foodd 2>/dev/null || true; umount /srv/scratch || true
    userdel -r bob 2>/dev/null || true; rm -f /etc/sudoers.d/vigo-alice; true";

/// Takes a package away, too: that takes longer than all the rest.
const SPOIL_PACKAGE: &str = "apt-get -qq -y purge food-extra >/dev/null 2>&1 || true";

/// Files that one resource writes in one go: as before the run, or as after it, and never in between.
const WHOLE: &str = "/etc/motd /etc/issue.net /etc/login.defs /etc/hosts /etc/app.ini /etc/app.secret /etc/foodd.conf \
    /etc/cron.d/vigo-nightly /etc/cron.d/vigo-weekly /etc/sudoers.d/vigo-alice /etc/systemd/system/worker.service \
    /etc/systemd/system/worker.service.d/nice.conf /home/bob/.ssh/authorized_keys /srv/site/shop.conf \
    /srv/site/blog.conf /srv/site/wiki.conf /srv/site/note /srv/site/alice.txt /srv/site/debian /srv/site/looked \
    /srv/site/tree/index.txt /srv/site/tree/port.txt";

/// Kills the agent again and again on a converged machine.
pub fn killed(machine: &Machine, policy: &'static str, checks: &mut Checks) -> Result<()> {
    machine.sh(SPOIL)?;
    let begun = Instant::now();
    let whole = vigo(machine, "apply", policy, &[])?;
    let length = begun.elapsed();
    checks.same("a run repairs what is spoilt for the kills", whole.bad(), Vec::<String>::new());

    let mut dice = Dice::new();
    println!("  kills spread by chance over {:.1} s, seed {}", length.as_secs_f64(), dice.0);
    let (mut torn, mut unsound, mut unfinished, mut in_time) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 1..=KILLS {
        machine.sh(SPOIL)?;
        if round % 4 == 0 {
            machine.sh(SPOIL_PACKAGE)?;
        }
        let before = digests(machine)?;
        let delay = dice.below(length);
        let mut child = start(machine, policy)?;
        std::thread::sleep(delay);
        in_time += u64::from(child.try_wait().is_ok_and(|ended| ended.is_none()));
        machine.kill(child)?;
        let at = format!("kill {round} after {} ms", delay.as_millis());
        let (now, sound) = (digests(machine)?, sound(machine)?);

        let next = vigo(machine, "apply", policy, &[])?;
        let after = digests(machine)?;
        if next.code != 0 || !next.bad().is_empty() {
            unfinished.push(format!("{at}: exit {}, {:?}", next.code, next.bad()));
        }
        for (path, digest) in &now {
            if before.get(path) != Some(digest) && after.get(path) != Some(digest) {
                torn.push(format!("{at}: {path}"));
            }
        }
        if !sound.is_empty() {
            unsound.push(format!("{at}: {sound}"));
        }
    }
    checks.check("most kills met a run under way", in_time > KILLS / 2, in_time);
    checks.same("the run after each kill finishes", unfinished, Vec::<String>::new());
    checks.same("no file is ever half-written", torn, Vec::<String>::new());
    checks.same("accounts, sudo rules and data stay readable", unsound, Vec::<String>::new());
    let again = vigo(machine, "apply", policy, &[])?;
    checks.same("and then there is nothing to do", again.ids("changed"), Vec::<String>::new());
    let left = machine.sh("find / -xdev -name '.vigo-*' -not -path '/proc/*' | wc -l")?;
    checks.same("no temporary file is left", left.trim(), "0");
    Ok(())
}

/// Returns the digest of each of the files that is there.
fn digests(machine: &Machine) -> Result<BTreeMap<String, String>> {
    let text = machine.sh(&format!("sha256sum {WHOLE} 2>/dev/null || true"))?;
    let pair = |line: &str| line.split_once("  ").map(|(digest, path)| (path.to_owned(), digest.to_owned()));
    Ok(text.lines().filter_map(pair).collect())
}

/// Says what cannot be read any more; nothing, if all is well.
fn sound(machine: &Machine) -> Result<String> {
    // pwck's 2 and 3 are about homes and groups that a killed run has not made yet; a bad line is 2 with `invalid`.
    let script = "visudo -c >/dev/null || echo sudoers
        { pwck -r; grpck -r; } 2>&1 | grep -i 'invalid' || true
        ! test -s /etc/app.json || python3 -m json.tool /etc/app.json >/dev/null || echo app.json
        findmnt --verify --tab-file /etc/fstab >/dev/null 2>&1 || findmnt --fstab >/dev/null || echo fstab
        getent passwd root alice >/dev/null || echo passwd";
    machine.sh(script).map(|text| text.trim().to_owned())
}

/// Chance, with its seed. Where a run is killed depends on the machine's load as well.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |d| d.as_nanos());
        Self(u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or(1) | 1)
    }

    /// Returns a time from 0 to `limit` (xorshift64).
    fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(self.0 % u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1))
    }
}
