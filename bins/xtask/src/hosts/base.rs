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

/// A layer over the base; it stays until the end.
pub struct Layer(String);

/// The prepared layer.
pub struct Base {
    work: PathBuf,
}

impl Base {
    /// Prepares the layer below `work`, which is not on the file system of `/`, with `programs` of ours in it, and with
    /// sets of packages of the distribution ready to be installed. Needs the network: apt.
    pub fn prepare(
        work: &Path,
        repository: &AptRepository,
        programs: &[PathBuf],
        packages: &[&[&str]],
    ) -> Result<Self> {
        let base = Self { work: work.to_owned() };
        let root = base.folder("base")?;
        mount_overlay(&root, "/")?;
        // Nobody looks a manual page up: its index would take longer than many a package.
        let index = root.join("var/lib/man-db/auto-update");
        if index.exists() {
            fs::remove_file(&index).map_err(|e| Failure::at(&index, &e))?;
        }
        installing(&root, |apt| {
            if apt(&[&["install"], PACKAGES].concat()).is_err() {
                // The lists may be missing or too old.
                apt(&["update"])?;
                apt(&[&["install"], PACKAGES].concat())?;
            }
            packages.iter().try_for_each(|names| fetch(&root, names, apt))?;
            Program::new("chroot").arg(&root).args(["sh", "-c", PRESETS]).env("LC_ALL", "C").text()?;
            repository.write(&root)?;
            if !packages.is_empty() {
                announce(&root)?;
            }
            apt(&["update"]).map(|_| ())
        })?;
        for program in programs {
            let to = root.join("usr/bin").join(program.file_name().unwrap_or_default());
            fs::copy(program, &to).map_err(|e| Failure::at(&to, &e))?;
        }
        Program::new("umount").arg(&root).text()?;
        Ok(base)
    }

    /// Makes a layer over the base in which one of its sets of packages is installed, and a script was run.
    pub fn extend(&self, name: &str, packages: &[&str], script: &str) -> Result<Layer> {
        let root = self.folder(name)?;
        mount_overlay(&root, &self.lower(None))?;
        installing(&root, |apt| {
            apt(&[&["install", "--allow-remove-essential"], packages].concat())?;
            Program::new("chroot").arg(&root).args(["sh", "-c", script]).env("LC_ALL", "C").text().map(|_| ())
        })?;
        Program::new("umount").arg(&root).text()?;
        Ok(Layer(name.to_owned()))
    }

    /// Makes the folders of a new machine's layer and mounts it over the base, or over a layer on that. Returns its root.
    pub fn layer(&self, name: &str, over: Option<&Layer>) -> Result<PathBuf> {
        let root = self.folder(name)?;
        mount_overlay(&root, &self.lower(over))?;
        Ok(root)
    }

    fn lower(&self, over: Option<&Layer>) -> String {
        let base = format!("{}:/", self.work.join("base/up").display());
        over.map_or(base.clone(), |layer| format!("{}:{base}", self.work.join(&layer.0).join("up").display()))
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

/// Runs something with apt below `root`, where nothing that is installed may start: this is not a machine yet.
fn installing(root: &Path, work: impl FnOnce(&dyn Fn(&[&str]) -> Result<String>) -> Result<()>) -> Result<()> {
    let inside = |name: &str| root.join(name);
    Program::new("mount").args(["-t", "proc", "proc"]).arg(inside("proc")).text()?;
    Program::new("mount").args(["--bind", "/dev"]).arg(inside("dev")).text()?;
    Program::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(inside("tmp")).text()?;
    let policy = inside("usr/sbin/policy-rc.d");
    fs::write(&policy, "#!/bin/sh\nexit 101\n").map_err(|e| Failure::at(&policy, &e))?;
    Program::new("chmod").arg("0755").arg(&policy).text()?;
    work(&|args| {
        let apt = Program::new("chroot").arg(root).args(["apt-get", "-q", "-y", "--no-install-recommends"]);
        apt.args(args).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").text()
    })?;
    fs::remove_file(&policy).map_err(|e| Failure::at(&policy, &e))?;
    ["tmp", "dev", "proc"].iter().try_for_each(|name| Program::new("umount").arg(inside(name)).text().map(|_| ()))
}
