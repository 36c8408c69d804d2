//! Which secrets of a policy an envoy needs: `hostname_match` narrows them, by the name that the server decided.

use super::{find, in_template, paths};
use crate::bundle::{Attribute, BundleResource, PolicyBundle, Raw};
use crate::value::Value;
use crate::when::{Expr, fold_name};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The secrets of a policy, by the name of who needs them.
///
/// It is an upper bound: what only a machine can decide (traits, looks) takes nothing away, and a secret that no place
/// is found for is everybody's.
#[derive(Clone, Debug, Default)]
pub struct SecretNeeds {
    /// All, sorted.
    all: Vec<Arc<str>>,
    /// Those that some names need, with the conditions of each place that needs them.
    narrow: BTreeMap<Arc<str>, Vec<Vec<Expr>>>,
}

/// The places of a policy that need secrets: all conditions must hold.
#[derive(Default)]
struct Places(Vec<(Vec<Expr>, BTreeSet<Arc<str>>)>);

impl SecretNeeds {
    /// Finds the places of `bundle` that need secrets.
    pub fn of(bundle: &PolicyBundle) -> Self {
        if bundle.secret_refs.is_empty() {
            return Self::default();
        }
        let mut places = Places::default();
        for resource in &bundle.resources {
            places.resource(bundle, resource);
        }
        let shipped = shipped(bundle);
        let narrow = bundle.secret_refs.iter().filter(|path| !shipped.contains(*path)).filter_map(|path| {
            let of =
                places.0.iter().filter(|(_, found)| found.contains(path)).map(|(conditions, _)| conditions.clone());
            let of: Vec<_> = of.collect();
            (!of.is_empty() && of.iter().all(|conditions| !conditions.is_empty())).then(|| (path.clone(), of))
        });
        Self { narrow: narrow.collect(), all: bundle.secret_refs.clone() }
    }

    /// Returns whether the policy has the secret, for whomever.
    pub fn has(&self, path: &str) -> bool {
        self.all.binary_search_by(|p| (**p).cmp(path)).is_ok()
    }

    /// Returns whether an envoy of this name needs the secret.
    pub fn has_for(&self, hostname: &str, path: &str) -> bool {
        self.has(path)
            && self
                .narrow
                .get(path)
                .is_none_or(|places| places.iter().any(|all| all.iter().all(|e| fold_name(e, hostname) != Expr::False)))
    }

    /// Returns the secrets that an envoy of this name needs, sorted.
    pub fn of_name(&self, hostname: &str) -> Vec<Arc<str>> {
        self.all.iter().filter(|path| self.has_for(hostname, path)).cloned().collect()
    }

    /// Returns all secrets of the policy, sorted.
    pub fn all(&self) -> &[Arc<str>] {
        &self.all
    }
}

impl Places {
    fn resource(&mut self, bundle: &PolicyBundle, resource: &BundleResource) {
        let mut conditions = Vec::new();
        let krate = bundle.crates.get(resource.krate as usize);
        let gate = krate.and_then(|krate| krate.gate.as_ref());
        // What holds for every name narrows nothing.
        conditions.extend(gate.into_iter().chain(&resource.when).filter(|e| asks_name(e)).cloned());
        let mut found = BTreeSet::new();
        let selected = resource.selector.iter().flat_map(|s| &s.arms).flat_map(|a| &a.set);
        let attributes = resource.attributes.iter().chain(resource.on_revert.as_deref()).chain(selected);
        attributes.for_each(|a| of_attribute(a, &mut found));
        if let Some(selector) = &resource.selector {
            of_text(&selector.on.text, &mut found);
        }
        if let Some(stamp) = &resource.stamp {
            [Some(&stamp.item), stamp.outer.as_ref()].into_iter().flatten().for_each(|v| paths(v, &mut found));
        }
        if let Some(scope) = krate.and_then(|krate| bundle.scopes.get(krate.scope as usize)) {
            paths(scope, &mut found);
        }
        for arm in &resource.arms {
            let mut own = BTreeSet::new();
            arm.set.iter().for_each(|a| of_attribute(a, &mut own));
            match arm.when.as_ref().filter(|e| asks_name(e)) {
                Some(expr) if !own.is_empty() => {
                    self.0.push((conditions.iter().cloned().chain([expr.clone()]).collect(), own));
                }
                _ => found.append(&mut own),
            }
        }
        if !found.is_empty() {
            self.0.push((conditions, found));
        }
    }
}

/// Returns the secrets of shipped files: which resources render them is known only when they do.
fn shipped(bundle: &PolicyBundle) -> BTreeSet<Arc<str>> {
    let mut found = BTreeSet::new();
    for text in bundle.blobs.iter().filter_map(|blob| core::str::from_utf8(&blob.content).ok()) {
        found.extend(find(text).iter().map(|r| Arc::from(r.path)));
        in_template(text, &mut found);
    }
    found
}

fn of_attribute(attribute: &Attribute, into: &mut BTreeSet<Arc<str>>) {
    of_raw(&attribute.value, into);
}

fn of_raw(raw: &Raw, into: &mut BTreeSet<Arc<str>>) {
    match raw {
        Raw::Scalar(scalar) => of_text(&scalar.text, into),
        Raw::List(items) => items.iter().for_each(|item| of_raw(item, into)),
        Raw::Map(entries) => entries.iter().for_each(|(_, value)| of_raw(value, into)),
    }
}

fn of_text(text: &Arc<str>, into: &mut BTreeSet<Arc<str>>) {
    paths(&Value::text(text.clone()), into);
    in_template(text, into);
}

/// Returns whether an expression asks for the name.
fn asks_name(expr: &Expr) -> bool {
    let mut asks = false;
    expr.each_call(&mut |call| asks |= call.asks_name());
    asks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::resolve::resolve;
    use crate::source::{Sources, Tree};

    fn needs(krate: &str, shipped: &str) -> SecretNeeds {
        let envoys = "envoys:\n  - {match: '*', configcrates: [c]}\n";
        let files = [("configcrates/c.vgo", krate), ("envoys.vgo", envoys), ("templates/t", shipped)];
        let sources = Sources::read(&Tree::from_texts(files));
        let resolved = resolve(&Config::read(&sources), "web-1", None);
        SecretNeeds::of(&resolved.unwrap_or_else(|d| panic!("{d:?}")).bundle)
    }

    #[test]
    fn the_name_narrows_and_nothing_else_does() {
        let file = |rest: &str| alloc::format!("- {{type: file, target_path: /x, mode: '0600', {rest}}}");
        let cases = [
            ("plain", "", file("name: a, content: 'secret:s'"), true),
            ("when, true", "", file("name: a, content: 'secret:s', when: hostname_match('web-*')"), true),
            ("when, false", "", file("name: a, content: 'secret:s', when: hostname_match('db-*')"), false),
            ("not", "", file("name: a, content: 'secret:s', when: \"!hostname_match('web-*')\""), false),
            (
                "a trait beside",
                "",
                file("name: a, content: 'secret:s', when: \"hostname_match('db-*') || ram_mb_ge(1)\""),
                true,
            ),
            ("a trait alone", "", file("name: a, content: 'secret:s', when: ram_mb_ge(9)"), true),
            ("in a template", "", file("name: a, content: '{{ secret \"s\" }}', when: hostname_match('db-*')"), false),
            (
                "by a variable",
                "vars: {v: 'secret:s'}\n",
                file("name: a, content: '{{ .Vars.v }}', when: hostname_match('db-*')"),
                false,
            ),
            ("the crate's gate", "when: hostname_match('db-*')\n", file("name: a, content: 'secret:s'"), false),
            ("in a shipped file", "", file("name: a, source: templates/t, when: hostname_match('db-*')"), true),
        ];
        for (name, head, resource, expected) in cases {
            let krate = alloc::format!("name: c\n{head}resources:\n  {resource}\n");
            let needs = needs(&krate, if name.contains("shipped") { "secret:s" } else { "" });
            assert_eq!((needs.has("s"), needs.has("t")), (true, false), "{name}");
            assert_eq!(needs.has_for("web-1", "s"), expected, "{name}");
            assert_eq!(needs.of_name("web-1").len(), usize::from(expected), "{name}");
        }
    }

    #[test]
    fn two_places_are_two_reasons() {
        let krate = "name: c
resources:
  - {name: a, type: file, target_path: /a, mode: '0600', content: 'secret:s', when: hostname_match('db-*')}
  - {name: b, type: file, target_path: /b, mode: '0600', content: 'secret:s', when: hostname_match('web-*')}
";
        let needs = needs(krate, "");
        let has = |name: &str| needs.has_for(name, "s");
        assert_eq!((has("web-1"), has("db-1"), has("mail-1")), (true, true, false));
    }
}
