//! What adapters must know of the machine before they choose their tools.

use crate::action::AbsPath;
use crate::time::Timestamp;
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

/// The machine, as far as the choice of a tool depends on it. Built once at the start of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFacts {
    /// `os.family`: `debian`, `redhat`, `freebsd` …
    pub family: Arc<str>,
    /// `os.distro`: `debian`, `ubuntu`, `rhel` …
    pub distro: Arc<str>,
    /// `os.version`.
    pub version: Arc<str>,
    /// `os.arch`: `amd64`, `arm64` …
    pub arch: Arc<str>,
    /// What starts services.
    pub init: Init,
    /// Whether this is a container (no kernel settings, no mounts of its own).
    pub container: bool,
    /// An image or sandbox is converged, mounted here: nothing runs in it. File operations are below it already (the
    /// executor sees to that); tools must be told (`--root`, `--prefix`), and services can only be enabled.
    pub image: Option<AbsPath>,
    /// Those of [`super::Host::programs`] that the machine has, by bare name.
    pub programs: BTreeSet<Arc<str>>,
    /// When the run started; the age of an index is counted from here.
    pub now: Timestamp,
    /// Whether this is a plan: adapters may then read more, to foretell what they would otherwise see happen.
    pub planning: bool,
}

/// The service manager in charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// systemd is PID 1 (`/run/systemd/system` exists), or manages the image.
    Systemd,
    /// OpenRC.
    OpenRc,
    /// System V scripts.
    SysV,
    /// runit.
    Runit,
    /// launchd.
    Launchd,
    /// rc.d of FreeBSD and NetBSD.
    Rc,
    /// OpenBSD's rcctl.
    Rcctl,
    /// The Service Management Facility.
    Smf,
    /// The Windows service control manager.
    Scm,
    /// Nothing that we know.
    #[default]
    None,
}

impl Init {
    /// Returns the manager named as in trait `init.manager`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "systemd" => Self::Systemd,
            "openrc" => Self::OpenRc,
            "sysv" => Self::SysV,
            "runit" => Self::Runit,
            "launchd" => Self::Launchd,
            "rc" => Self::Rc,
            "rcctl" => Self::Rcctl,
            "smf" => Self::Smf,
            "scm" => Self::Scm,
            _ => Self::None,
        }
    }
}

impl HostFacts {
    /// Returns the system's name in messages: `debian 12`, `openbsd`.
    pub fn system(&self) -> String {
        let name = if self.distro.is_empty() { &self.family } else { &self.distro };
        match (&**name, &*self.version) {
            ("", _) => "this system".into(),
            (name, "") => name.into(),
            (name, version) => format!("{name} {version}"),
        }
    }

    /// Returns the facts that `traits` hold; the other fields are the driver's to add.
    pub fn from_traits(traits: &Value) -> Self {
        let text = |path: &str| Arc::from(traits.at(path).and_then(Value::as_str).unwrap_or(""));
        let flag = |path: &str| matches!(traits.at(path), Some(Value::Bool(true)));
        Self {
            family: text("os.family"),
            distro: text("os.distro"),
            version: text("os.version"),
            arch: text("os.arch"),
            init: Init::from_name(&text("init.manager")),
            container: flag("virtualization.is_container"),
            image: None,
            programs: BTreeSet::new(),
            now: Timestamp::default(),
            planning: false,
        }
    }

    /// Returns whether the machine has the program of this bare name.
    pub fn has(&self, program: &str) -> bool {
        self.programs.contains(program)
    }
}
