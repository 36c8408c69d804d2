//! Which traits a policy looks at, so that an agent need not collect the others.

use super::{BundleResource, PolicyBundle, Raw};
use crate::traits::areas;
use crate::when::Expr;
use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::sync::Arc;

/// The areas (first components of trait paths) that a policy looks at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TraitsWanted {
    /// All: some template takes `.Traits` whole.
    All,
    /// These.
    Areas(BTreeSet<Arc<str>>),
}

/// What every run needs to choose its adapters.
const ALWAYS: [&str; 3] = ["os", "init", "virtualization"];

impl TraitsWanted {
    /// Returns all areas but those whose collectors walk over all files.
    pub fn all_but_scans() -> Self {
        let names = areas().iter().map(|area| area.name).filter(|name| *name != "security_scan");
        Self::Areas(names.chain(["custom"]).map(Arc::from).collect())
    }

    /// Returns whether the area is wanted.
    pub fn has(&self, area: &str) -> bool {
        match self {
            Self::All => true,
            Self::Areas(areas) => areas.contains(area),
        }
    }

    fn add(&mut self, area: &str) {
        if let Self::Areas(areas) = self
            && !areas.contains(area)
        {
            areas.insert(area.into());
        }
    }

    /// Adds what a template text names. A mention in a comment or plain text counts too: collecting it does no harm.
    fn text(&mut self, text: &str) {
        for (at, _) in text.match_indices(".Traits") {
            let rest = &text[at + ".Traits".len()..];
            let name = rest.strip_prefix('.').unwrap_or("");
            let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
            if end == 0 {
                *self = Self::All;
                return;
            }
            self.add(&name[..end]);
        }
    }

    fn raw(&mut self, raw: &Raw) {
        match raw {
            Raw::Scalar(s) if s.templated => self.text(&s.text),
            Raw::Scalar(_) => {}
            Raw::List(items) => items.iter().for_each(|i| self.raw(i)),
            Raw::Map(entries) => entries.iter().for_each(|(_, v)| self.raw(v)),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        expr.each_call(&mut |call| match call.builtin.name {
            "is_container" | "is_virtual" => self.add("virtualization"),
            "host_is_libvirt" => self.add("hypervisor"),
            "port_listening" => self.add("ports"),
            "ram_mb_ge" | "cpus_ge" => self.add("hardware"),
            "has_trait" | "trait_is" => {
                let path = call.text(0).to_string();
                self.add(path.split('.').next().unwrap_or(""));
            }
            _ => {}
        });
    }

    fn resource(&mut self, r: &BundleResource) {
        r.attributes.iter().chain(r.on_revert.as_deref()).for_each(|a| self.raw(&a.value));
        for arm in &r.arms {
            arm.set.iter().for_each(|a| self.raw(&a.value));
            arm.when.iter().for_each(|w| self.expr(w));
        }
        if let Some(selector) = &r.selector {
            self.text(&selector.on.text);
            selector.arms.iter().flat_map(|a| &a.set).for_each(|a| self.raw(&a.value));
        }
        r.when.iter().for_each(|w| self.expr(w));
    }
}

impl PolicyBundle {
    /// Returns the traits that its templates and conditions look at, and those that every run needs.
    pub fn traits_wanted(&self) -> TraitsWanted {
        let mut wanted = TraitsWanted::Areas(ALWAYS.iter().map(|a| Arc::from(*a)).collect());
        self.crates.iter().flat_map(|c| &c.gate).for_each(|gate| wanted.expr(gate));
        self.resources.iter().for_each(|r| wanted.resource(r));
        for blob in &self.blobs {
            if let Ok(text) = core::str::from_utf8(&blob.content) {
                wanted.text(text);
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_name_their_areas() {
        let cases = [
            ("{{ .Traits.os.family }} {{ $.Traits.memory.total_mb }}", Some(&["memory", "os"][..])),
            ("{{ range $k, $v := .Traits }}{{ end }}", None),
            ("plain", Some(&[][..])),
        ];
        for (text, expected) in cases {
            let mut wanted = TraitsWanted::Areas(BTreeSet::new());
            wanted.text(text);
            let expected = match expected {
                None => TraitsWanted::All,
                Some(areas) => TraitsWanted::Areas(areas.iter().map(|a| Arc::from(*a)).collect()),
            };
            assert_eq!(wanted, expected, "{text}");
        }
    }
}
