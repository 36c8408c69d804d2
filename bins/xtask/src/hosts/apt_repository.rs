//! Debian packages of our own making, in a repository that needs no network.

use std::fs;
use std::path::Path;

use super::debian_packages::paragraph;
use crate::failure::{Failure, Result};
use crate::process::Program;

/// Where the repository is inside every machine.
pub const REPOSITORY: &str = "/srv/vigo-test/deb";

/// A package to be made.
pub struct DebPackage {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it needs; may be empty.
    pub depends: &'static str,
    /// Path without the leading `/`, mode, content.
    pub files: &'static [(&'static str, &'static str, &'static str)],
    /// Those of the files that are configuration.
    pub conffiles: &'static [&'static str],
}

/// Packages for one repository.
pub struct AptRepository(pub &'static [DebPackage]);

impl AptRepository {
    /// Returns `food` in two versions, `food-extra` that needs it, and `foodd`, a service.
    pub const fn food() -> Self {
        Self(&[
            DebPackage {
                name: "food",
                version: "1.0-1",
                depends: "",
                files: &[("usr/share/food/version", "0644", "1.0\n"), ("etc/food.conf", "0644", "taste = plain\n")],
                conffiles: &["/etc/food.conf"],
            },
            DebPackage {
                name: "food",
                version: "2.0-1",
                depends: "",
                files: &[("usr/share/food/version", "0644", "2.0\n"), ("etc/food.conf", "0644", "taste = rich\n")],
                conffiles: &["/etc/food.conf"],
            },
            DebPackage {
                name: "food-extra",
                version: "1.0-1",
                depends: "food (>= 1.0)",
                files: &[("usr/share/food-extra/spice", "0644", "pepper\n")],
                conffiles: &[],
            },
            DebPackage {
                name: "foodd",
                version: "1.0-1",
                depends: "food",
                files: &[
                    ("usr/sbin/foodd", "0755", "#!/bin/sh\nexec sleep infinity\n"),
                    (
                        "lib/systemd/system/foodd.service",
                        "0644",
                        "[Unit]\nDescription=food\n[Service]\nExecStart=/usr/sbin/foodd\nExecReload=/bin/true\n\
                         [Install]\nWantedBy=multi-user.target\n",
                    ),
                ],
                conffiles: &[],
            },
        ])
    }

    /// Makes the packages and their index below `root`, and lets apt there know of nothing else.
    pub fn write(&self, root: &Path) -> Result<()> {
        let place = root.join(REPOSITORY.trim_start_matches('/'));
        make_dir(&place)?;
        let mut index = String::new();
        for package in self.0 {
            index.push_str(&package.build(&place)?);
        }
        write(&place.join("Packages"), &index, "0644")?;
        let apt = root.join("etc/apt");
        for name in ["sources.list", "sources.list.d"] {
            let (from, to) = (apt.join(name), apt.join(format!("{name}.off")));
            if from.exists() {
                // A rename of a folder that lies in a lower layer is refused by the overlay: mv copies it.
                Program::new("mv").arg(&from).arg(&to).text()?;
            }
        }
        write(&apt.join("sources.list.d/vigo-test.list"), &format!("deb [trusted=yes] file:{REPOSITORY} ./\n"), "0644")
    }
}

impl DebPackage {
    /// Builds the package in `place` and returns its paragraph for the index.
    fn build(&self, place: &Path) -> Result<String> {
        let tree = place.join("tree");
        let mut control = format!(
            "Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nPriority: optional\n",
            self.name, self.version
        );
        if !self.depends.is_empty() {
            control.push_str(&format!("Depends: {}\n", self.depends));
        }
        control.push_str("Description: a package for tests\n");
        write(&tree.join("DEBIAN/control"), &control, "0644")?;
        if !self.conffiles.is_empty() {
            write(&tree.join("DEBIAN/conffiles"), &format!("{}\n", self.conffiles.join("\n")), "0644")?;
        }
        for (path, mode, content) in self.files {
            write(&tree.join(path), content, mode)?;
        }
        let deb = place.join(format!("{}_{}_all.deb", self.name, self.version));
        Program::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&deb).text()?;
        fs::remove_dir_all(&tree).map_err(|e| Failure::at(&tree, &e))?;
        paragraph(&deb)
    }
}

fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Failure::at(path, &e))
}

fn write(path: &Path, content: &str, mode: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    fs::write(path, content).map_err(|e| Failure::at(path, &e))?;
    Program::new("chmod").arg(mode).arg(path).text().map(|_| ())
}
