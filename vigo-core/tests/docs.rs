//! The guide: its examples are policies, its reference tables are whole, its links lead somewhere. `type_pages.rs` reads
//! the pages of the types.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::config::Config;
use vigo_core::diagnostic::Severity;
use vigo_core::policy_test::{self, Snapshots, Tests};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_host_linux::BLANKS;

/// A fenced block of a page: what it says it is, and its lines.
struct Fence {
    info: String,
    text: String,
    /// How many headings stand above it.
    section: usize,
}

/// What a fence holds.
enum Example {
    /// A configcrate of this name, whole in itself.
    Crate(String),
    /// A file of the page's tree.
    File(String),
    /// Something to look at.
    Other,
}

#[test]
fn examples_are_policies() {
    let (mut crates, mut trees) = (0, 0);
    for (path, text) in pages() {
        let mut tree: BTreeMap<String, String> = BTreeMap::new();
        let mut unchecked = None;
        for fence in fences(&text) {
            // A tree grows over a page, and is whole at the end of each section.
            if unchecked.is_some_and(|section| section != fence.section) {
                trees += 1;
                policy(&path, &tree, None);
                unchecked = None;
            }
            match example(&fence) {
                Ok(Example::Crate(name)) => {
                    crates += 1;
                    let host = format!("envoys:\n  - match: \"*\"\n    configcrates: [{name}]\n");
                    let files = [(format!("configcrates/{name}.vgo"), fence.text), ("envoys.vgo".to_owned(), host)];
                    policy(&path, &files.into(), Some("host"));
                }
                Ok(Example::File(file)) => {
                    tree.insert(file, fence.text);
                    unchecked = Some(fence.section);
                }
                Ok(Example::Other) => {}
                Err(why) => panic!("{path}: {why}:\n{}", fence.text),
            }
        }
        if unchecked.is_some() {
            trees += 1;
            policy(&path, &tree, None);
        }
    }
    assert!(crates >= 5 && trees >= 5, "{crates} configcrates and {trees} trees: the guide had more");
}

#[test]
fn a_wrong_example_is_found() {
    type Case<'a> = (&'a str, &'a str, bool);
    let file = "type: file\n    target_path: /etc/x\n    content: x\n";
    let cases: [Case<'_>; 5] = [
        ("whole", &format!("name: a\nresources:\n  - name: b\n    {file}"), true),
        ("wrong attribute", &format!("name: a\nresources:\n  - name: b\n    mod: 1\n    {file}"), false),
        ("wrong type", "name: a\nresources:\n  - {name: b, type: fil}\n", false),
        ("missing edge", &format!("name: a\nresources:\n  - name: b\n    depends_on: [c]\n    {file}"), false),
        ("not YAML", "name: a\nresources: [\n", false),
    ];
    for (name, text, right) in cases {
        let host = "envoys:\n  - {match: \"*\", configcrates: [a]}\n";
        let files = [("configcrates/a.vgo".to_owned(), text.to_owned()), ("envoys.vgo".to_owned(), host.to_owned())];
        assert_eq!(wrong(&files.into(), Some("host")).is_empty(), right, "{name}");
    }
    for (name, info, text, right) in [
        ("neither crate nor file", "yaml", "vars: {}\n", false),
        ("a part, and says so", "yaml,fragment", "vars: {}\n", true),
        ("no YAML", "sh", "vigo plan\n", true),
    ] {
        let fence = Fence { info: info.to_owned(), text: text.to_owned(), section: 0 };
        assert_eq!(example(&fence).is_ok(), right, "{name}");
    }
}

#[test]
fn reference_tables_are_whole() {
    let conditions: Vec<&str> = vigo_core::when::builtins().iter().map(|b| b.name).collect();
    let functions: Vec<&str> = vigo_core::template::functions().iter().map(|f| f.name).collect();
    for (page, mut names) in [("language/when.md", conditions), ("language/templates.md", functions)] {
        let text = fs::read_to_string(source().join(page)).expect(page);
        let mut rows: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(name, _)| name))
            .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            .collect();
        rows.sort_unstable();
        names.sort_unstable();
        assert_eq!(rows, names, "{page}");
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = fs::read_to_string(source().join("SUMMARY.md")).expect("a summary");
    let links: Vec<&str> = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    for path in files(&source()) {
        let name = path.strip_prefix(source()).expect("below the source").to_string_lossy().into_owned();
        assert!(name == "SUMMARY.md" || links.contains(&&*name), "{name} is not in SUMMARY.md");
    }
    for kind in vigo_core::resource::types() {
        let page = format!("types/{}.md", kind.name);
        assert!(links.contains(&&*page), "{page} is not in SUMMARY.md");
    }
}

#[test]
fn links_lead_somewhere() {
    let root = source().join("../..");
    let mut pages = files(&source());
    pages.extend(["README.md", "CHANGELOG.md"].map(|name| root.join(name)));
    let mut seen = 0;
    for path in pages {
        let text = fs::read_to_string(&path).expect("a page");
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            seen += 1;
            let dead = dead(&path, &text, &link);
            assert!(dead.is_none(), "{}: `{link}`: {}", path.display(), dead.unwrap_or_default());
        }
    }
    assert!(seen > 50, "{seen} links: the guide had more");
}

#[test]
fn a_dead_link_is_found() {
    let page = source().join("introduction.md");
    let text =
        "# Words of the `guide`\n[A](first-hour.md)\n```sh\n[not](a-link.md)\n```\nsee `[x](y)` and [z](a.md#b)\n";
    assert_eq!(links(text), ["first-hour.md", "a.md#b"]);
    for (link, is_dead) in [
        ("first-hour.md", false),
        ("first-hour.md#drift", false),
        ("first-hour.md#on-a-real-machine", false),
        ("#words-of-the-guide", false),
        ("#other", true),
        ("first-hour.md#driftt", true),
        ("second-hour.md", true),
        ("types/", true),
    ] {
        assert_eq!(dead(&page, text, link).is_some(), is_dead, "{link}");
    }
}

/// Returns the targets of a page's links; those in code are none.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        // Every other piece between backquotes is code.
        let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        found.extend(targets.filter(|_| !is_code).map(str::to_owned));
    }
    found
}

/// Returns why a link of a page leads nowhere.
fn dead(page: &Path, text: &str, link: &str) -> Option<&'static str> {
    let (file, place) = link.split_once('#').map_or((link, None), |(file, place)| (file, Some(place)));
    let target = page.parent().expect("a folder").join(file);
    let text = match file {
        "" => text.to_owned(),
        _ if target.is_file() => fs::read_to_string(&target).unwrap_or_default(),
        _ => return Some("no such file"),
    };
    let slug = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
    };
    let has = |place| text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == place);
    place.is_some_and(|place| !has(place)).then_some("no such heading")
}

/// Returns the pages but for those of the types, with their paths.
fn pages() -> Vec<(String, String)> {
    let own = |path: &PathBuf| !path.starts_with(source().join("types"));
    let read = |path: PathBuf| (path.display().to_string(), fs::read_to_string(&path).expect("a page"));
    files(&source()).into_iter().filter(own).map(read).collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn fences(page: &str) -> Vec<Fence> {
    let (mut found, mut open, mut section) = (Vec::new(), None::<Fence>, 0);
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Fence { info: info.to_owned(), text: String::new(), section }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(fence), None) => fence.text.extend([line, "\n"]),
            (None, None) => section += usize::from(line.starts_with('#')),
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

fn example(fence: &Fence) -> Result<Example, &'static str> {
    let first = fence.text.lines().next().unwrap_or_default();
    if let Some(path) = first.strip_prefix("# stacks/") {
        return Ok(Example::File(path.to_owned()));
    }
    match &*fence.info {
        "yaml" if fence.text.contains("\nresources:") => match first.strip_prefix("name: ") {
            Some(name) => Ok(Example::Crate(name.to_owned())),
            None => Err("a configcrate begins with `name:`"),
        },
        "yaml" => Err("neither a configcrate nor a file of a tree; a part of one is `yaml,fragment`"),
        "" => Err("a fence says what it holds"),
        _ => Ok(Example::Other),
    }
}

fn policy(page: &str, files: &BTreeMap<String, String>, host: Option<&str>) {
    let wrong = wrong(files, host);
    let texts: Vec<&str> = files.values().map(String::as_str).collect();
    assert!(wrong.is_empty(), "{page}: {}\n{}", wrong.join("\n"), texts.join("\n"));
}

/// Returns the errors of a tree; `host` must have a policy with resources in it.
fn wrong(files: &BTreeMap<String, String>, host: Option<&str>) -> Vec<String> {
    let tree = Tree::from_texts(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let sources = Sources::read(&tree).with_tests(&tree);
    let (cases, no_tests) = policy_test::read(&sources);
    let config = Config::read(&sources);
    let found = resolve::check(&config);
    let mut wrong: Vec<String> = found
        .iter()
        .chain(&no_tests)
        .filter(|d| d.severity() == Severity::Error)
        .map(|d| format!("{} {}: {}", d.code, sources.map().describe(d.span()), d.message))
        .collect();
    if wrong.is_empty() {
        let tests =
            Tests { tree: &tree, config: &config, found: &found, blank: |_| &BLANKS[0], entropy: |_| Vec::new() };
        let verdicts = cases.iter().map(|case| tests.run(case, &Snapshots::default(), true));
        let failures = verdicts.flat_map(|verdict| verdict.failures);
        wrong.extend(failures.map(|f| format!("{}: {f:?}", sources.map().describe(f.span))));
    }
    if let Some(host) = host.filter(|_| wrong.is_empty()) {
        match resolve::resolve(&config, host, None) {
            Ok(resolved) if !resolved.bundle.resources.is_empty() => {}
            Ok(_) => wrong.push("no resources".to_owned()),
            Err(_) => wrong.push("does not resolve".to_owned()),
        }
    }
    wrong
}
