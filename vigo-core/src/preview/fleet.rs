//! What a policy asks of machines whose systems cannot do it.

use super::blank::Blank;
use super::plan::{Subject, plan};
use crate::bundle::PolicyBundle;
use crate::limits::KINDS_LOOKED_AT_MAX;
use crate::value::Value;
use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Finds what the machines of a fleet are to get and cannot do: one machine of each policy and system is looked at.
///
/// For each machine ask [`Refusals::is_new`], and [`Refusals::look`] where it is; then take [`Refusals::found`].
#[derive(Debug, Default)]
pub struct Refusals {
    /// By the digest of the policy, and the system.
    kinds: BTreeSet<([u8; 32], String)>,
    left_out: BTreeSet<([u8; 32], String)>,
    /// By place, resource and cause.
    found: BTreeMap<(String, Arc<str>, String), Vec<Arc<str>>>,
}

/// Something that a policy asks of machines that cannot do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// `crate/name`.
    pub resource: Arc<str>,
    /// Where it is written: `configcrates/web.vgo:12:5`.
    pub place: String,
    /// What cannot be done, and on which system.
    pub cause: String,
    /// One machine of each kind that cannot do it; the first stand for the others of their policy and system.
    pub machines: Vec<Arc<str>>,
}

impl Refusals {
    /// Returns whether no machine with this policy and of this system has been looked at. Of what a machine that has told
    /// no traits cannot do nothing is known.
    pub fn is_new(&mut self, digest: [u8; 32], traits: &Value) -> bool {
        let text = |path: &str| traits.at(path).and_then(Value::as_str).unwrap_or_default();
        let system = ["os.distro", "os.family", "os.version", "init.manager"].map(text);
        if system[..2] == ["", ""] {
            return false;
        }
        let kind = (digest, system.join(" "));
        if self.kinds.contains(&kind) {
            return false;
        }
        if self.kinds.len() >= KINDS_LOOKED_AT_MAX {
            self.left_out.insert(kind);
            return false;
        }
        self.kinds.insert(kind)
    }

    /// Notes what a machine like `blank` cannot do of `bundle`.
    pub fn look(&mut self, bundle: &Arc<PolicyBundle>, blank: &Blank, subject: Subject) {
        let hostname = subject.envoy.hostname.clone();
        let report = plan(bundle, blank, subject);
        for refused in report.resources.iter().filter(|resource| resource.unsupported) {
            let file = report.files.get(refused.place.file as usize).map_or("", |file| file);
            let place = format!("{file}:{}:{}", refused.place.line, refused.place.column);
            let cause = refused.cause.as_deref().unwrap_or_default();
            // It may begin with the place.
            let cause =
                cause.strip_prefix(&*place).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(cause).to_owned();
            self.found.entry((place, refused.id.clone(), cause)).or_default().push(hostname.clone());
        }
    }

    /// Returns how many kinds of machines were not looked at, because there were more than
    /// [`KINDS_LOOKED_AT_MAX`].
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Returns what was found, by place.
    pub fn found(self) -> Vec<Refusal> {
        let refusal = |((place, resource, cause), machines)| Refusal { resource, place, cause, machines };
        self.found.into_iter().map(refusal).collect()
    }
}
