//! The layer that all machines share: this machine's own root, and what a Debian machine has besides.

use std::fs;
use std::path::{Path, PathBuf};

use super::apt_repository::AptRepository;
use super::debian_packages::{announce, fetch};
use crate::failure::{Failure, Result};
use crate::process::Program;

/// What a Debian server has and a build machine may not have; and what the resource types need to be real.
const PACKAGES: &[&str] = &[
    "systemd-sysv",
    "dbus",
    "udev",
    "sudo",
    "cron",
    "openssh-server",
    "iproute2",
    "nftables",
    "procps",
    "git",
    "tzdata",
    "kmod",
];

/// Leaves enabled what a Debian server starts, and nothing that happens to be installed where this runs: a database or an
/// updater of the build machine would write behind the back of a check, or hold a lock that it needs.
const PRESETS: &str = "set -e
    preset=/etc/systemd/system-preset/00-base.preset; mkdir -p ${preset%/*}
    for unit in cron.service dbus.service getty@.service ssh.service systemd-timesyncd.service; do
        echo enable $unit
    done >$preset
    echo 'disable *' >>$preset
    systemctl preset-all; rm $preset
    for link in /etc/rc[2345].d/S*; do
        case $link in
            */S[0-9][0-9]cron | */S[0-9][0-9]dbus | */S[0-9][0-9]ssh) ;;
            *) mv $link ${link%/S*}/K${link##*/S} ;;
        esac
    done";

/// The prepared layer.
pub struct Base {
    work: PathBuf,
}

impl Base {
    /// Prepares the layer below `work`, which is not on the file system of `/`, with `packages` of the distribution ready
    /// to be installed. Needs the network: apt.
    pub fn prepare(work: &Path, repository: &AptRepository, packages: &[&str]) -> Result<Self> {
        let base = Self { work: work.to_owned() };
        let root = base.folder("base")?;
        mount_overlay(&root, "/")?;
        let inside = |name: &str| root.join(name);
        Program::new("mount").args(["-t", "proc", "proc"]).arg(inside("proc")).text()?;
        Program::new("mount").args(["--bind", "/dev"]).arg(inside("dev")).text()?;
        Program::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(inside("tmp")).text()?;
        // Nothing that is installed may start: this is not a machine yet.
        let policy = inside("usr/sbin/policy-rc.d");
        fs::write(&policy, "#!/bin/sh\nexit 101\n").map_err(|e| Failure::at(&policy, &e))?;
        Program::new("chmod").arg("0755").arg(&policy).text()?;
        let apt = |args: &[&str]| {
            let apt = Program::new("chroot").arg(&root).args(["apt-get", "-q", "-y", "--no-install-recommends"]);
            apt.args(args).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").text()
        };
        if apt(&[&["install"], PACKAGES].concat()).is_err() {
            // The lists may be missing or too old.
            apt(&["update"])?;
            apt(&[&["install"], PACKAGES].concat())?;
        }
        if !packages.is_empty() {
            fetch(&root, packages, apt)?;
        }
        fs::remove_file(&policy).map_err(|e| Failure::at(&policy, &e))?;
        Program::new("chroot").arg(&root).args(["sh", "-c", PRESETS]).env("LC_ALL", "C").text()?;
        repository.write(&root)?;
        if !packages.is_empty() {
            announce(&root)?;
        }
        apt(&["update"])?;
        for name in ["tmp", "dev", "proc", ""] {
            Program::new("umount").arg(inside(name)).text()?;
        }
        Ok(base)
    }

    /// Makes the folders of a new machine's layer and mounts it over the base. Returns its root.
    pub fn layer(&self, name: &str) -> Result<PathBuf> {
        let root = self.folder(name)?;
        mount_overlay(&root, &format!("{}:/", self.work.join("base/up").display()))?;
        Ok(root)
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let dir = self.work.join(name);
        for part in ["up", "wk", "root"] {
            let path = dir.join(part);
            fs::create_dir_all(&path).map_err(|e| Failure::at(&path, &e))?;
        }
        Ok(dir.join("root"))
    }
}

fn mount_overlay(root: &Path, lower: &str) -> Result<()> {
    let dir = root.parent().unwrap_or(root).display();
    let options = format!("lowerdir={lower},upperdir={dir}/up,workdir={dir}/wk");
    Program::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(root).text().map(|_| ())
}
