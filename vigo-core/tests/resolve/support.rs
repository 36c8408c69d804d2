//! Trees of texts, and what came of them in words.

use vigo_core::bundle::{EdgeKind, PolicyBundle, Raw};
use vigo_core::config::Config;
use vigo_core::diagnostic::{Diagnostic, SourceMap};
use vigo_core::resolve::{self, Resolved};
use vigo_core::source::{Sources, Tree};

/// Parses a tree of `(path, text)`.
pub fn sources(files: &[(&str, &str)]) -> Sources {
    Sources::read(&Tree::from_texts(files.iter().copied()))
}

/// Resolves a host, or returns what is wrong in words.
pub fn resolve(files: &[(&str, &str)], hostname: &str) -> Result<Resolved, String> {
    let sources = sources(files);
    let config = Config::read(&sources);
    resolve::resolve(&config, hostname, None).map_err(|errors| words(&errors, sources.map()))
}

/// Resolves a host that has a policy.
#[track_caller]
pub fn resolved(files: &[(&str, &str)], hostname: &str) -> Resolved {
    resolve(files, hostname).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Validates a tree.
pub fn check(files: &[(&str, &str)]) -> String {
    let sources = sources(files);
    words(&resolve::check(&Config::read(&sources)), sources.map())
}

/// Prints diagnostics: code, place and message a line, then labels and help.
pub fn words(all: &[Diagnostic], map: &SourceMap) -> String {
    let mut out = String::new();
    for d in all {
        out += &format!("{} {}: {}", d.code, map.describe(d.span()), d.message);
        if let Some(first) = d.labels.first().filter(|l| !l.text.is_empty()) {
            out += &format!(" [{}]", first.text);
        }
        out += "\n";
        for label in d.labels.iter().skip(1) {
            out += &format!("  {}: {}\n", map.describe(label.span), label.text);
        }
        for help in &d.help {
            out += &format!("  = {help}\n");
        }
    }
    out
}

/// Leaves of what templates, types and guards say the code and the place: their words are tested where they are made.
pub fn brief(words: &str) -> String {
    let mut foreign = false;
    let mut out = String::new();
    for line in words.lines() {
        if !line.starts_with(' ') {
            foreign = ["E04", "E05", "E07"].iter().any(|area| line.starts_with(area));
        }
        match foreign {
            true if line.starts_with(' ') => {}
            true => out += &format!("{}\n", line.split_once(": ").map_or(line, |(place, _)| place)),
            false => out += &format!("{line}\n"),
        }
    }
    out
}

/// Prints the edges of a policy, one a line.
pub fn edges(bundle: &PolicyBundle) -> Vec<String> {
    let id = |i: u32| &*bundle.resources[i as usize].id;
    let arrow = |kind| match kind {
        EdgeKind::Requires => "→",
        EdgeKind::Notifies => "⇒",
        EdgeKind::Order => "⇢",
    };
    bundle.edges.iter().map(|e| format!("{} {} {}", id(e.from), arrow(e.kind), id(e.to))).collect()
}

/// Returns the ids of the resources.
pub fn ids(bundle: &PolicyBundle) -> Vec<&str> {
    bundle.resources.iter().map(|r| &*r.id).collect()
}

/// Returns the text of an attribute.
pub fn attribute<'b>(bundle: &'b PolicyBundle, id: &str, name: &str) -> Option<&'b str> {
    let resource = bundle.resources.iter().find(|r| &*r.id == id)?;
    match &resource.attributes.iter().find(|a| &*a.name == name)?.value {
        Raw::Scalar(s) => Some(&s.text),
        _ => None,
    }
}

/// Returns how long this thread was computing: a machine that is busy with something else is not our slowness.
pub fn busy() -> std::time::Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match stat.split(' ').next().and_then(|ns| ns.parse().ok()) {
        Some(ns) => std::time::Duration::from_nanos(ns),
        None => std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
    }
}
