//! What a machine runs first: systemd by systemd-nspawn, or another init in name spaces that are made by hand.

use std::path::Path;

use super::boxes::Machine;
use crate::failure::Result;
use crate::process::Program;

/// What a machine runs first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// systemd, which wants more than name spaces.
    Systemd,
    /// `/sbin/init` of the machine's layer: sysvinit with its own scripts or those of OpenRC, or runit.
    Init,
}

/// What a first process finds that does not make its own devices and folders. `$1` is the root, `$2` the machine's name.
const BY_HAND: &str = "hostname \"$2\"; cd \"$1\"
    mount -t proc proc proc; mount -t sysfs -o ro sysfs sys
    for dir in run tmp dev; do mount -t tmpfs tmpfs $dir; done
    chmod 1777 tmp; mkdir run/lock dev/pts dev/shm
    mknod -m 666 dev/null c 1 3; mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/full c 1 7
    mknod -m 666 dev/random c 1 8; mknod -m 666 dev/urandom c 1 9; mknod -m 666 dev/tty c 5 0
    mknod -m 600 dev/console c 1 3
    exec chroot . env -i PATH=/sbin:/usr/sbin:/bin:/usr/bin container=lxc /sbin/init";

/// What is there on a machine without systemd when all that starts at boot was started, and what makes it: the last of
/// the start scripts runs that file.
const IS_UP: &str = "/run/vigo-test-up";
const LAST_SCRIPT: &str = "/etc/rc.local";

impl First {
    /// Returns what makes a layer ready for it, when its packages are installed.
    pub fn furnish(self) -> String {
        match self {
            Self::Systemd => String::new(),
            Self::Init => format!(
                "set -e; printf '#!/bin/sh\\ntouch {IS_UP}\\n' >{LAST_SCRIPT}; chmod 0755 {LAST_SCRIPT}
                # There are no terminals.
                if [ -e /etc/inittab ]; then sed -i /getty/d /etc/inittab; fi; rm -f /etc/service/getty-*"
            ),
        }
    }

    /// Returns what boots a machine with its files at `root`; its network has the machine's name.
    pub fn boot(self, name: &str, root: &Path) -> Program {
        let network = format!("/run/netns/{name}");
        match self {
            Self::Systemd => Program::new("systemd-nspawn")
                .args(["--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off"])
                .args([format!("--machine={name}"), format!("--hostname={name}")])
                .arg(format!("--network-namespace-path={network}"))
                // The network is the machine's own: its services may rule it, as those of a real one do.
                .arg("--capability=CAP_NET_ADMIN")
                .arg("-D")
                .arg(root)
                .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1"),
            Self::Init => Program::new("nsenter")
                .arg(format!("--net={network}"))
                .args(["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"])
                .args(["--uts", "--ipc", "sh", "-euc", BY_HAND, "sh"])
                .arg(root)
                .arg(name),
        }
    }

    /// Returns how a machine is, once it is up.
    pub fn is_up(self, machine: &Machine) -> Result<Option<String>> {
        Ok(match self {
            Self::Systemd => {
                let state = machine.exec(&["systemctl", "is-system-running"])?.stdout.trim().to_owned();
                Some(state).filter(|state| matches!(&**state, "running" | "degraded"))
            }
            Self::Init => machine.exec(&["test", "-e", IS_UP])?.ok().then(|| "running".to_owned()),
        })
    }
}
