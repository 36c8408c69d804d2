//! The pages of the resource types: their tables agree with the declarations, and their examples are policies.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use vigo_core::config::Config;
use vigo_core::diagnostic::Severity;
use vigo_core::resolve;
use vigo_core::resource::{TypeDecl, find};
use vigo_core::source::{Sources, Tree};

/// Returns the pages: type and text.
fn pages() -> Vec<(&'static TypeDecl, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/types");
    let mut pages = Vec::new();
    for entry in fs::read_dir(&dir).expect("docs/src/types") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|s| s.to_str()).expect("a name");
        let Some(decl) = find(name) else { panic!("{}: no type of that name", path.display()) };
        pages.push((decl, fs::read_to_string(&path).expect("a page")));
    }
    assert!(!pages.is_empty());
    pages
}

#[test]
fn tables_agree_with_the_declarations() {
    for (decl, text) in pages() {
        let first_cell = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
        let rows: BTreeSet<String> = text.lines().filter_map(first_cell).collect();
        for attribute in decl.attributes {
            assert!(rows.contains(attribute.name), "{}: no row for `{}`", decl.name, attribute.name);
            let row = text.lines().find(|line| line.starts_with(&format!("| `{}` |", attribute.name)));
            let required = row.and_then(|r| r.split('|').nth(2)).is_some_and(|cell| !cell.trim().is_empty());
            assert!(
                required || attribute.required.is_empty(),
                "{}: `{}` is required, and its row does not say so",
                decl.name,
                attribute.name
            );
        }
        for state in decl.states.iter().filter(|_| decl.states.len() > 1) {
            assert!(text.contains(&format!("`{state}`")), "{}: no word of state `{state}`", decl.name);
        }
    }
}

#[test]
fn examples_are_policies() {
    let mut seen = 0;
    for (decl, text) in pages() {
        let fences: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(fences.len() >= 2, "{}: fewer than two examples", decl.name);
        let mut used = false;
        for fence in fences {
            seen += 1;
            let name = fence.lines().find_map(|l| l.strip_prefix("name: ")).expect("an example begins with `name:`");
            let host = format!("envoys:\n  - match: \"*\"\n    configcrates: [{name}]\n");
            // What an example ships is there.
            let shipped: Vec<String> = fence
                .lines()
                .filter_map(|l| l.trim().strip_prefix("source: templates/"))
                .map(|path| format!("templates/{path}{}", if decl.name == "directory" { "/shipped.conf" } else { "" }))
                .collect();
            let crate_file = format!("configcrates/{name}.vgo");
            let mut files = vec![(crate_file.as_str(), fence), ("envoys.vgo", host.as_str())];
            files.extend(shipped.iter().map(|path| (path.as_str(), "shipped\n")));
            let sources = Sources::read(&Tree::from_texts(files.iter().copied()));
            let config = Config::read(&sources);
            let wrong: Vec<String> = resolve::check(&config)
                .iter()
                .filter(|d| d.severity() == Severity::Error)
                .map(|d| format!("{} {}: {}", d.code, sources.map().describe(d.span()), d.message))
                .collect();
            assert!(wrong.is_empty(), "{}: {}\n{fence}", decl.name, wrong.join("\n"));
            let resolved = resolve::resolve(&config, "host", None);
            let bundle = resolved.unwrap_or_else(|_| panic!("{}: does not resolve\n{fence}", decl.name)).bundle;
            used |= bundle.resources.iter().any(|r| &*r.type_name == decl.name);
        }
        assert!(used, "{}: no example has a resource of the type", decl.name);
    }
    assert!(seen > 0);
}
