//! What two policies want differently, as resources: places, and the order in which attributes are written, count for
//! nothing.

use super::{Attribute, BundleResource, EdgeKind, PolicyBundle, Raw};
use crate::hex;
use crate::secret::{listed, mapped, shown, shown_value};
use crate::time::Duration;
use crate::value::Value;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// Something that one of two policies has otherwise than the other, or alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Difference {
    /// What it is.
    pub kind: DifferenceKind,
    /// `crate/name` of a resource, the names of crates, the path of a shipped file.
    pub id: String,
    /// The type of a resource; empty for others.
    pub type_name: String,
    /// What became of it.
    pub change: DifferenceChange,
    /// In what it differs, by name; of what one policy has alone, all that is said of it.
    pub fields: Vec<FieldDifference>,
}

/// What differs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DifferenceKind {
    /// A condition on a crate, or the user that it is for.
    Crate,
    /// Variables of crates.
    Variables,
    /// A resource.
    Resource,
    /// A shipped file.
    File,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DifferenceChange {
    /// Only the later policy has it.
    Added,
    /// Only the earlier policy has it.
    Removed,
    /// Both have it, in different ways.
    Changed,
}

/// One thing that is said of it, before and after. A reference to a secret is shown by the secret's path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FieldDifference {
    /// An attribute, `when`, `depends_on`, `case: CONDITION: ATTRIBUTE`, …
    pub name: String,
    /// What the earlier policy says.
    pub before: Option<String>,
    /// What the later policy says.
    pub after: Option<String>,
}

/// Characters of a field that are shown. Of longer ones it is the part that differs.
const SHOWN_CHARS: usize = 400;

/// Characters that are shown before the first one that differs.
const LEAD_CHARS: usize = 40;

/// Names in the id of a difference that several crates share.
const NAMES_SHOWN: usize = 3;

type Fields = BTreeMap<String, String>;

impl DifferenceKind {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Crate => "configcrate",
            Self::Variables => "variables",
            Self::Resource => "resource",
            Self::File => "file",
        }
    }
}

impl DifferenceChange {
    /// Returns the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl PolicyBundle {
    /// Returns what `after` wants otherwise than this, sorted.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        compare(DifferenceKind::Crate, &crates(self), &crates(after), &mut found);
        // A crate that comes or goes shows by its resources.
        found.retain(|d| d.change == DifferenceChange::Changed);
        variables(self, after, &mut found);
        compare(DifferenceKind::Resource, &resources(self), &resources(after), &mut found);
        compare(DifferenceKind::File, &files(self), &files(after), &mut found);
        found.sort();
        found
    }
}

/// Of each thing its type and what is said of it.
type Things = BTreeMap<String, (String, Fields)>;

fn compare(kind: DifferenceKind, before: &Things, after: &Things, into: &mut Vec<Difference>) {
    let none = Fields::new();
    for id in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (a, b) = (before.get(id), after.get(id));
        let change = match (a, b) {
            (None, _) => DifferenceChange::Added,
            (_, None) => DifferenceChange::Removed,
            (Some(a), Some(b)) if a == b => continue,
            _ => DifferenceChange::Changed,
        };
        let mut fields = fields(a.map_or(&none, |a| &a.1), b.map_or(&none, |b| &b.1));
        let type_name = b.or(a).map(|thing| thing.0.clone()).unwrap_or_default();
        if let (Some((a, _)), Some((b, _))) = (a, b)
            && a != b
        {
            fields.insert(0, FieldDifference { name: "type".into(), before: Some(a.clone()), after: Some(b.clone()) });
        }
        into.push(Difference { kind, id: id.clone(), type_name, change, fields });
    }
}

/// Returns in what two lists of fields differ.
fn fields(before: &Fields, after: &Fields) -> Vec<FieldDifference> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let one = |name: &String| {
        let (before, after) = excerpts(before.get(name), after.get(name));
        FieldDifference { name: name.clone(), before, after }
    };
    differing.map(one).collect()
}

/// Cuts two texts to what is shown of them: the part from a little before the first difference.
fn excerpts(before: Option<&String>, after: Option<&String>) -> (Option<String>, Option<String>) {
    let same = match (before, after) {
        (Some(a), Some(b)) => a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count(),
        _ => 0,
    };
    let from = same.saturating_sub(LEAD_CHARS);
    let cut = |text: &String| {
        let chars = text.chars().count();
        if chars <= SHOWN_CHARS {
            return text.clone();
        }
        let part: String = text.chars().skip(from).take(SHOWN_CHARS).collect();
        let (head, tail) = (if from > 0 { "…" } else { "" }, if chars > from + SHOWN_CHARS { "…" } else { "" });
        format!("{head}{part}{tail}")
    };
    (before.map(cut), after.map(cut))
}

fn crates(bundle: &PolicyBundle) -> Things {
    let one = |krate: &super::BundleCrate| {
        let mut fields = Fields::new();
        fields.extend(krate.gate.as_ref().map(|gate| ("when".into(), gate.to_string())));
        fields.extend(krate.user.as_ref().map(|user| ("user".into(), user.to_string())));
        (krate.name.to_string(), (String::new(), fields))
    };
    bundle.crates.iter().map(one).collect()
}

/// Compares the variables of the crates that both have. Crates in which the same differs are one difference.
fn variables(before: &PolicyBundle, after: &PolicyBundle, into: &mut Vec<Difference>) {
    let scopes: BTreeMap<&str, u32> = after.crates.iter().map(|krate| (&*krate.name, krate.scope)).collect();
    let mut pairs: BTreeMap<(u32, u32), Vec<&str>> = BTreeMap::new();
    for krate in &before.crates {
        if let Some(scope) = scopes.get(&*krate.name) {
            pairs.entry((krate.scope, *scope)).or_default().push(&krate.name);
        }
    }
    let mut found: BTreeMap<Vec<FieldDifference>, Vec<&str>> = BTreeMap::new();
    for ((a, b), names) in pairs {
        let none = Value::Null;
        let (a, b) = (before.scopes.get(a as usize).unwrap_or(&none), after.scopes.get(b as usize).unwrap_or(&none));
        if a != b {
            found.entry(fields(&top_level(a), &top_level(b))).or_default().extend(names);
        }
    }
    for (fields, names) in found {
        let mut id = names.iter().take(NAMES_SHOWN).copied().collect::<Vec<_>>().join(", ");
        if names.len() > NAMES_SHOWN {
            id.push_str(&format!(" and {} more", names.len() - NAMES_SHOWN));
        }
        let (kind, change) = (DifferenceKind::Variables, DifferenceChange::Changed);
        into.push(Difference { kind, id, type_name: String::new(), change, fields });
    }
}

fn top_level(scope: &Value) -> Fields {
    let entries = scope.as_map().into_iter().flatten();
    entries.map(|(name, value)| (name.to_string(), shown_value(value))).collect()
}

fn files(bundle: &PolicyBundle) -> Things {
    let one = |blob: &super::Blob| {
        let digest = Sha256::digest(&blob.content);
        let digits = hex::encode(&digest[..8]);
        let mut fields = Fields::from([("content".into(), format!("{} bytes, sha256 {digits}…", blob.content.len()))]);
        fields.extend(blob.executable.then(|| ("executable".into(), "true".into())));
        (blob.path.to_string(), (String::new(), fields))
    };
    bundle.blobs.iter().map(one).collect()
}

fn resources(bundle: &PolicyBundle) -> Things {
    // Who comes before whom, by the number of the later one.
    let mut edges: BTreeMap<(u32, &str), BTreeSet<&str>> = BTreeMap::new();
    for edge in &bundle.edges {
        if let Some(from) = bundle.resources.get(edge.from as usize) {
            let word = match edge.kind {
                EdgeKind::Requires => "depends_on",
                EdgeKind::Notifies => "triggered by",
                EdgeKind::Order => "after",
            };
            edges.entry((edge.to, word)).or_default().insert(&from.id);
        }
    }
    let mut found = Things::new();
    for (number, resource) in (0u32..).zip(&bundle.resources) {
        let mut said = resource.described();
        for word in ["depends_on", "triggered by", "after"] {
            if let Some(ids) = edges.get(&(number, word)) {
                said.insert(word.into(), ids.iter().copied().collect::<Vec<_>>().join(", "));
            }
        }
        found.insert(resource.id.to_string(), (resource.type_name.to_string(), said));
    }
    found
}

impl BundleResource {
    /// Returns all that it says, by name: attributes, those of its cases, what it runs on; secrets by their paths.
    pub fn described(&self) -> BTreeMap<String, String> {
        let mut fields = Fields::new();
        let mut attributes = |head: &str, attributes: &[Attribute]| {
            for attribute in attributes {
                fields.insert(format!("{head}{}", attribute.name), raw_text(&attribute.value));
            }
        };
        attributes("", &self.attributes);
        let default = || String::from("default");
        for (number, arm) in self.arms.iter().enumerate() {
            let when = arm.when.as_ref().map_or_else(default, ToString::to_string);
            attributes(&format!("case {}: {when}: ", number + 1), &arm.set);
        }
        if let Some(selector) = &self.selector {
            for arm in &selector.arms {
                let word = arm.word.as_deref().map_or_else(default, ToString::to_string);
                attributes(&format!("case {}: {word}: ", shown(&selector.on.text)), &arm.set);
            }
        }
        fields.extend(self.when.as_ref().map(|when| ("when".into(), when.to_string())));
        fields.extend(self.handler.then(|| ("handler".into(), "true".into())));
        if let Some(stamp) = &self.stamp {
            fields.insert("item".into(), shown_value(&stamp.item));
            fields.insert("index".into(), stamp.index.to_string());
            fields.extend(stamp.outer.as_ref().map(|outer| ("outer item".into(), shown_value(outer))));
        }
        if self.retries > 0 {
            fields.insert("retries".into(), self.retries.to_string());
        }
        if self.retry_delay != Duration::ZERO {
            fields.insert("retry_delay".into(), self.retry_delay.to_string());
        }
        fields.extend(self.timeout.map(|timeout| ("timeout".into(), timeout.to_string())));
        fields.extend(self.revert.then(|| ("revert".into(), "true".into())));
        fields.extend(self.on_revert.as_ref().map(|revert| ("on_revert".into(), raw_text(&revert.value))));
        fields
    }
}

/// Returns a written value on one line; texts of their own are as they are.
fn raw_text(raw: &Raw) -> String {
    match raw {
        Raw::Scalar(scalar) => shown(&scalar.text),
        Raw::List(items) => listed(items.iter().map(raw_text)),
        Raw::Map(entries) => mapped(entries.iter().map(|(key, value)| (&**key, raw_text(value)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::resolve;
    use crate::source::{Sources, Tree};

    fn policy(crates: &str) -> PolicyBundle {
        let envoys = "envoys:\n  - {match: '*', configcrates: [web]}\n";
        let tree = Tree::from_texts([("envoys.vgo", envoys), ("configcrates/web.vgo", crates)]);
        let sources = Sources::read(&tree);
        let mut found = None;
        let resolved = resolve::classes(&Config::read(&sources), &mut |policy| found = Some(policy.bundle));
        assert!(resolved.is_ok(), "{:?}", resolved.err());
        found.unwrap()
    }

    fn told(before: &str, after: &str) -> Vec<String> {
        let field = |f: &FieldDifference| {
            let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
            format!("{} {} > {}", f.name, or_none(&f.before), or_none(&f.after))
        };
        let line = |d: &Difference| {
            let fields: Vec<_> = d.fields.iter().map(field).collect();
            format!("{} {} {}: {}", d.change.word(), d.kind.word(), d.id, fields.join("; "))
        };
        policy(before).differences(&policy(after)).iter().map(line).collect()
    }

    #[test]
    fn what_differs_is_told_by_resource_and_attribute() {
        let base = "vars: {x: 1, y: [a]}\nresources:\n  - {name: f, type: file, target_path: /f, content: one}\n";
        let same = "# A comment, and another order.\nvars: {y: [a], x: 1}\nresources:\n\n  - type: file\n    name: f\n    \
                    content: 'one'\n    target_path: /f\n";
        assert_eq!(told(base, same), [""; 0], "only how it is written");
        let cases = [
            ("a content", base.replace("one", "two"), "changed resource web/f: content one > two"),
            ("a variable", base.replace("x: 1", "x: 2"), "changed variables web: x 1 > 2"),
            (
                "a condition",
                base.replace("content:", "when: is_virtual(), content:"),
                "changed resource web/f: when - > ",
            ),
            ("a secret", base.replace("one", "secret:db/pw"), "changed resource web/f: content one > «secret db/pw»"),
            (
                "another resource",
                format!("{base}  - {{name: g, type: file, target_path: /g, content: x, depends_on: [f]}}\n"),
                "added resource web/g: content - > x; depends_on - > web/f; ",
            ),
        ];
        for (name, after, expected) in cases {
            let found = told(base, &after);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{name}: {found:?}");
        }
        let gone = told(&base.replace("one", "x"), "vars: {x: 1, y: [a]}\nresources: []\n");
        assert!(gone.iter().any(|d| d.starts_with("removed resource web/f: content x > -")), "{gone:?}");
    }

    #[test]
    fn of_long_texts_the_part_that_differs_is_shown() {
        let (same, rest) = ("a".repeat(5000), "z".repeat(5000));
        let (before, after) = (format!("{same}b{rest}"), format!("{same}c{rest}"));
        let (before, after) = excerpts(Some(&before), Some(&after));
        let (before, after) = (before.unwrap(), after.unwrap());
        assert!(before.contains("aab") && after.contains("aac"), "{before} {after}");
        assert!(before.chars().count() <= SHOWN_CHARS + 2 && before.starts_with('…') && before.ends_with('…'));
    }
}
