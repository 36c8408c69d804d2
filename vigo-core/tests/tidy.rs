//! The rules of the repository, as plain text checks over the workspace.
//!
//! A rule is a function from texts to findings; one test runs it over the tree, another over samples that it must find
//! something in, and samples that it must leave alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the workspace, its path relative to the root and with `/`.
struct File {
    path: String,
    text: String,
}

type Findings = Vec<String>;

// ---- the rules over the tree ----

#[test]
fn core_and_hosts_cannot_do_io() {
    none(pure(&files(|p| is_pure(p) && p.ends_with(".rs"))));
}

#[test]
fn arrows_point_one_way() {
    none(one_way(&files(|p| p.ends_with("Cargo.toml"))));
}

#[test]
fn nothing_panics_without_a_written_invariant() {
    none(panics(&files(|p| is_product(p) && p.ends_with(".rs"))));
}

#[test]
fn limits_are_documented_and_used() {
    let rust = files(|p| is_product(p) && p.ends_with(".rs"));
    let limits = rust.iter().find(|f| f.path == "vigo-core/src/limits.rs").expect("the limits of the core");
    none(limits_rule(limits, &rust));
}

#[test]
fn fixtures_are_used() {
    none(fixtures_rule(&paths(), &files(|p| p.ends_with(".rs"))));
}

#[test]
fn lints_are_expected_with_a_reason() {
    none(bare_allows(&files(|p| p.ends_with(".rs"))));
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    none(places(&files(|p| !p.ends_with("Cargo.lock") && p != "LICENSE")));
}

#[test]
fn lib_and_mod_files_only_declare() {
    none(declares(&files(|p| is_product(p) && (p.ends_with("/lib.rs") || p.ends_with("/mod.rs")))));
}

#[test]
fn resource_types_and_their_attributes_are_documented() {
    let names = vigo_core::resource::types().iter();
    let entries = names.map(|t| (t.name.to_owned(), t.attributes.iter().map(|a| a.name.to_owned()).collect()));
    none(entries_rule("docs/src/types", &entries.collect::<Vec<_>>()));
}

#[test]
fn builtins_of_when_are_documented() {
    let names = vigo_core::when::builtins().iter();
    none(entries_rule("docs/src/language/when", &names.map(|b| (b.name.to_owned(), Vec::new())).collect::<Vec<_>>()));
}

#[test]
fn template_functions_are_documented() {
    let names = vigo_core::template::functions().iter();
    none(entries_rule(
        "docs/src/language/templates",
        &names.map(|f| (f.name.to_owned(), Vec::new())).collect::<Vec<_>>(),
    ));
}

#[test]
fn commands_are_documented() {
    none(entries_rule("docs/src/commands", &verbs()));
}

// ---- the rules ----

/// The crates that decide: no_std, no unsafe code, and no way to the standard library.
fn pure(files: &[File]) -> Findings {
    let mut found = Vec::new();
    for file in files {
        if file.path.ends_with("/src/lib.rs") {
            for line in ["#![no_std]", "#![forbid(unsafe_code)]"] {
                if !file.text.lines().any(|l| l == line) {
                    found.push(format!("{}: expected the line `{line}`", file.path));
                }
            }
        }
        if file.path.contains("/src/") {
            for (number, line) in code_of(&file.text).lines().enumerate() {
                if has_word(line, "std") && (line.contains("std::") || line.contains("crate std")) {
                    found.push(format!("{}:{}: reaches for std", file.path, number + 1));
                }
            }
        }
    }
    found
}

/// Bins may use hosts and core, hosts only core, core neither.
fn one_way(manifests: &[File]) -> Findings {
    let mut found = Vec::new();
    for manifest in manifests {
        let name = manifest.path.split('/').next().unwrap_or_default();
        if name != "vigo-core" && !name.starts_with("vigo-host-") {
            continue;
        }
        let mut only_tests = false;
        for (number, line) in manifest.text.lines().enumerate() {
            if line.starts_with('[') {
                only_tests = line == "[dev-dependencies]";
            }
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default().trim_matches('"');
            if only_tests {
                continue;
            }
            let is_ours = dependency.starts_with("vigo");
            if is_ours && !(name.starts_with("vigo-host-") && dependency == "vigo-core") {
                found.push(format!("{}:{}: `{name}` depends on `{dependency}`", manifest.path, number + 1));
            }
        }
    }
    found
}

/// What may stop the program needs a comment `// invariant: why this cannot happen`, on its line or just above.
fn panics(files: &[File]) -> Findings {
    const WORDS: &[&str] = &[
        ".unwrap()",
        ".unwrap_err()",
        ".expect(\"",
        ".expect_err(\"",
        "panic!(",
        "unreachable!(",
        "todo!(",
        "unimplemented!(",
    ];
    let mut found = Vec::new();
    for file in files {
        let original: Vec<&str> = file.text.lines().collect();
        for (at, line) in without_tests(&code_of(&file.text)).lines().enumerate() {
            let Some(word) = WORDS.iter().find(|w| line.contains(*w)) else { continue };
            let above = original[..at].iter().rev().take_while(|l| l.trim_start().starts_with("//"));
            let mut near = std::iter::once(&original[at]).chain(above);
            if !near.any(|l| l.split_once("// invariant: ").is_some_and(|(_, why)| !why.trim().is_empty())) {
                found.push(format!("{}:{}: `{word}` without an invariant", file.path, at + 1));
            }
        }
    }
    found
}

/// A bound has a unit and a reason in its documentation, and bounds something.
fn limits_rule(limits: &File, rust: &[File]) -> Findings {
    let mut found = Vec::new();
    let lines: Vec<&str> = limits.text.lines().collect();
    let others: Vec<String> =
        rust.iter().filter(|f| f.path != limits.path).map(|f| without_tests(&code_of(&f.text))).collect();
    let own = code_of(&limits.text);
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line.strip_prefix("pub const ").and_then(|l| l.split(':').next()) else { continue };
        let above = lines[..at].iter().rev().find(|l| !l.starts_with("#["));
        if !above.is_some_and(|l| l.starts_with("/// ")) {
            found.push(format!("`{name}` is not documented at {}:{}", limits.path, at + 1));
        }
        let used_here = own.lines().filter(|l| has_word(l, name)).count() > 1;
        if !used_here && !others.iter().any(|text| has_word(text, name)) {
            found.push(format!("`{name}` bounds nothing: {}:{}", limits.path, at + 1));
        }
    }
    found
}

/// Every recorded output is named by a test of its crate, or lies in a folder that one walks and says so:
/// `// walks fixtures/<folder>`.
fn fixtures_rule(paths: &[String], rust: &[File]) -> Findings {
    let mut found = Vec::new();
    for path in paths {
        let Some((package, fixture)) = path.split_once("/tests/fixtures/") else { continue };
        let name = fixture.rsplit('/').next().unwrap_or(fixture);
        let stem = name.split('.').next().unwrap_or(name);
        let own = || rust.iter().filter(|f| f.path.starts_with(&format!("{package}/")));
        let named = own().any(|f| {
            [name, stem].iter().any(|n| f.text.contains(&format!("\"{n}\"")) || f.text.contains(&format!("/{n}\"")))
        });
        let walked = own().flat_map(|f| f.text.lines()).any(|line| {
            let folder = line.trim_start().strip_prefix("// walks fixtures/").map(|f| f.trim_end_matches('/'));
            folder.is_some_and(|f| f.is_empty() || fixture.starts_with(&format!("{f}/")))
        });
        if !named && !walked {
            found.push(format!("{path}: no test uses it"));
        }
    }
    found
}

/// A lint is expected with a reason, or not at all: an expectation that is not met any more is reported.
fn bare_allows(files: &[File]) -> Findings {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in code_of(&file.text).lines().enumerate() {
            if ["#[allow(", "#![allow("].iter().any(|a| line.contains(a)) {
                found.push(format!("{}:{}: expected `#[expect(lint, reason = \"…\")]`", file.path, number + 1));
            }
        }
    }
    found
}

/// Paths of the machine where somebody works, and hosts that packages come from, differ elsewhere.
fn places(files: &[File]) -> Findings {
    // Put together here, so that this file does not find itself.
    let registries = [
        ["index.crates", ".io"],
        ["static.crates", ".io"],
        ["deb.debian", ".org"],
        ["security.debian", ".org"],
        ["pypi", ".org"],
        ["pythonhosted", ".org"],
        ["registry.npmjs", ".org"],
        ["proxy.golang", ".org"],
    ]
    .map(|parts| parts.concat());
    let machine =
        [["/wo", "rk/"], ["/tmp/", "wt/"], ["/home/", "runner/"], ["/root/", ".cargo"], ["/root/", ".rustup"]];
    let machine = machine.map(|parts| parts.concat());
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(host) = registries.iter().find(|host| line.contains(*host)) {
                found.push(format!("{}:{}: names the registry `{host}`", file.path, number + 1));
            }
            let begins = |at: usize| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && !"/._-}*~".contains(c))
            };
            if let Some(path) = machine.iter().find(|p| line.match_indices(p.as_str()).any(|(at, _)| begins(at))) {
                found.push(format!("{}:{}: names the machine's path `{path}`", file.path, number + 1));
            }
        }
    }
    found
}

/// `lib.rs` and `mod.rs` say what there is, and where; what it does stands in files with a name.
fn declares(files: &[File]) -> Findings {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in without_tests(&code_of(&file.text)).lines().enumerate() {
            if has_word(line, "fn") && line.contains('(') && line.contains("fn ") {
                found.push(format!("{}:{}: holds logic", file.path, number + 1));
            }
        }
    }
    found
}

/// Each entry has a page of its name, or a large heading with its name in backquotes, or a row of a table that begins
/// with it; each part of it is named, in backquotes, there.
fn documented(chapter: &str, pages: &[File], entries: &[(String, Vec<String>)]) -> Findings {
    let mut found = Vec::new();
    for (name, parts) in entries {
        let level = |line: &str| line.chars().take_while(|c| *c == '#').count();
        let begins = |line: &str| {
            let row = [format!("| `{name}` "), format!("| `{name}("), format!("- `{name}`"), format!("- `{name}(")];
            (1..=2).contains(&level(line)) && line.contains(&format!("`{name}`"))
                || row.iter().any(|r| line.starts_with(r))
        };
        let own = pages.iter().find(|page| page.path.ends_with(&format!("/{name}.md"))).map(|page| page.text.clone());
        let section = own.or_else(|| {
            pages.iter().find_map(|page| {
                let mut lines = page.text.lines().skip_while(|line| !begins(line));
                let level_own = level(lines.next()?);
                let below = lines.take_while(|line| !(1..=level_own).contains(&level(line)));
                Some(below.collect::<Vec<_>>().join("\n"))
            })
        });
        let Some(section) = section else {
            found.push(format!("{chapter}: no heading for `{name}`"));
            continue;
        };
        for part in
            parts.iter().filter(|p| !section.contains(&format!("`{p}`")) && !section.contains(&format!("`{p}:")))
        {
            found.push(format!("{chapter}: `{part}` is not told of `{name}`"));
        }
    }
    found
}

/// Runs [`documented`] over `<chapter>.md` and the pages below `<chapter>/`.
fn entries_rule(chapter: &str, entries: &[(String, Vec<String>)]) -> Findings {
    assert!(!entries.is_empty(), "nothing to look up in {chapter}");
    documented(chapter, &files(|p| p == format!("{chapter}.md") || p.starts_with(&format!("{chapter}/"))), entries)
}

/// The verbs of the programs: one file each, below `bins/<program>/src/verb/`.
fn verbs() -> Vec<(String, Vec<String>)> {
    let paths = paths();
    let verb = |path: &String| {
        let (program, file) = path.strip_prefix("bins/")?.split_once("/src/verb/")?;
        let name = file.strip_suffix(".rs").filter(|n| *n != "mod" && !n.contains('/'))?;
        Some((format!("{program} {}", name.replace('_', "-")), Vec::new()))
    };
    paths.iter().filter_map(verb).collect()
}

// ---- the texts ----

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// Returns the path of every file in the workspace that could be committed.
fn paths() -> Vec<String> {
    fn walk(dir: &Path, prefix: &str, into: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a readable folder") {
            let entry = entry.expect("a readable entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("a kind of file");
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                if name != ".git" && name != "target" && !entry.path().join("CACHEDIR.TAG").exists() {
                    walk(&entry.path(), &format!("{path}/"), into);
                }
            } else if kind.is_file() && name != ".git" {
                into.push(path);
            }
        }
    }
    let mut all = Vec::new();
    walk(&root(), "", &mut all);
    all.sort();
    assert!(all.iter().any(|p| p == "vigo-core/tests/tidy.rs"), "this is not the workspace");
    all
}

/// Returns the text files whose path is `wanted`.
fn files(wanted: impl Fn(&str) -> bool) -> Vec<File> {
    let read = |path: String| {
        let bytes = fs::read(root().join(&path)).expect("a readable file");
        String::from_utf8(bytes).ok().map(|text| File { path, text })
    };
    paths().into_iter().filter(|p| wanted(p)).filter_map(read).collect()
}

fn is_pure(path: &str) -> bool {
    path.starts_with("vigo-core/") || path.starts_with("vigo-host-")
}

/// Returns whether a path belongs to what is shipped, or to the tools: not to tests, examples or fuzzing.
fn is_product(path: &str) -> bool {
    let apart = ["tests", "tests.rs", "benches", "examples", "fuzz"];
    (is_pure(path) || path.starts_with("bins/")) && !path.split('/').any(|part| apart.contains(&part))
}

/// Returns `text` with comments and the insides of literals blanked; lines and columns stay.
fn code_of(text: &str) -> String {
    #[derive(PartialEq)]
    enum In {
        Code,
        Line,
        Block(usize),
        Text,
        Raw(usize),
    }
    let chars: Vec<char> = text.chars().collect();
    let starts = |at: usize, word: &str| word.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let mut out = String::with_capacity(text.len());
    let mut state = In::Code;
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let before = if at == 0 { ' ' } else { chars[at - 1] };
        let mut width = 1;
        let mut keep = state == In::Code;
        match state {
            In::Code if starts(at, "//") => (state, keep) = (In::Line, false),
            In::Code if starts(at, "/*") => (state, keep, width) = (In::Block(1), false, 2),
            In::Code if c == '"' => state = In::Text,
            In::Code if c == 'r' && !before.is_alphanumeric() && before != '_' || (c == 'r' && before == 'b') => {
                let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
                if chars.get(at + 1 + hashes) == Some(&'"') {
                    (state, width) = (In::Raw(hashes), hashes + 2);
                }
            }
            // A character, not a lifetime: it ends two or, escaped, some more places on.
            In::Code if c == '\'' => {
                let escaped = chars.get(at + 1) == Some(&'\\');
                let end =
                    if escaped { chars[at + 3..].iter().position(|c| *c == '\'').map(|i| i + 3) } else { Some(2) };
                if let Some(end) = end.filter(|e| chars.get(at + e) == Some(&'\'')) {
                    (keep, width) = (false, end + 1);
                }
            }
            In::Code => {}
            In::Line if c == '\n' => (state, keep) = (In::Code, true),
            In::Line => {}
            In::Block(depth) if starts(at, "/*") => (state, width) = (In::Block(depth + 1), 2),
            In::Block(depth) if starts(at, "*/") => {
                (state, width) = (if depth == 1 { In::Code } else { In::Block(depth - 1) }, 2);
            }
            In::Block(_) => {}
            In::Text if c == '\\' => width = 2,
            In::Text if c == '"' => (state, keep) = (In::Code, true),
            In::Text => {}
            In::Raw(hashes) if c == '"' && (0..hashes).all(|i| chars.get(at + 1 + i) == Some(&'#')) => {
                (state, keep, width) = (In::Code, true, hashes + 1);
            }
            In::Raw(_) => {}
        }
        for c in &chars[at..(at + width).min(chars.len())] {
            out.push(if keep || *c == '\n' { *c } else { ' ' });
        }
        at += width;
    }
    out
}

/// Returns `code` with every item under `#[cfg(test)]`, or `#[cfg(all(test, …))]`, blanked.
fn without_tests(code: &str) -> String {
    let mut out: Vec<u8> = code.bytes().collect();
    let mut from = 0;
    let next = |from: usize| ["#[cfg(test)]", "#[cfg(all(test,"].iter().filter_map(|a| code[from..].find(a)).min();
    while let Some(found) = next(from) {
        let start = from + found;
        let mut depth = 0_usize;
        let mut end = code.len();
        for (at, byte) in code.bytes().enumerate().skip(start) {
            match byte {
                b'{' => depth += 1,
                b'}' if depth <= 1 => {
                    end = at + 1;
                    break;
                }
                b'}' => depth -= 1,
                b';' if depth == 0 => {
                    end = at + 1;
                    break;
                }
                _ => {}
            }
        }
        for byte in &mut out[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    // invariant of the loop: whole characters are replaced, as the bounds are ASCII.
    String::from_utf8(out).expect("still UTF-8")
}

/// Returns whether `word` stands in `text`, not as a part of another word.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(part) && !text[at + word.len()..].chars().next().is_some_and(part)
    })
}

fn none(findings: Findings) {
    let found: BTreeSet<String> = findings.into_iter().collect();
    assert!(found.is_empty(), "\n{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

// ---- the rules can fail ----

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

/// Checks that a rule finds something in each bad text, and nothing in each good one.
fn tells(rule: impl Fn(&[File]) -> Findings, path: &str, bad: &[&str], good: &[&str]) {
    for text in bad {
        assert!(!rule(&[file(path, text)]).is_empty(), "nothing is found in: {text}");
    }
    for text in good {
        let found = rule(&[file(path, text)]);
        assert!(found.is_empty(), "found {found:?} in: {text}");
    }
}

#[test]
fn io_is_found() {
    let head = "#![no_std]\n#![forbid(unsafe_code)]\n";
    let bad = ["extern crate std;", "use std::fs;", "fn f() { ::std::process::exit(1) }"];
    let good = ["// std::fs is not for us", "use core::fmt;", "const S: &str = \"std::fs\";", "use my_std::x;"];
    tells(pure, "vigo-core/src/a.rs", &bad, &good);
    tells(pure, "vigo-core/src/lib.rs", &["#![no_std]\n", "#![forbid(unsafe_code)]\n"], &[head]);
}

#[test]
fn arrows_the_wrong_way_are_found() {
    let bad = ["[dependencies]\nvigo-host-bsd.workspace = true", "vigo-host-bsd = { path = \"../x\" }", "vigo = \"1\""];
    tells(one_way, "vigo-host-linux/Cargo.toml", &bad, &["[dependencies]\nvigo-core.workspace = true"]);
    tells(one_way, "vigo-core/Cargo.toml", &["vigo-core = \"1\""], &["regex.workspace = true"]);
    tells(one_way, "bins/vigo/Cargo.toml", &[], &["vigo-host-linux.workspace = true"]);
}

#[test]
fn panics_are_found() {
    let bad = [
        "fn f() { x.unwrap() }",
        "fn f() { x.expect(\"why\") }",
        "fn f() { panic!(\"no\") }",
        "// invariant:\nfn f() { x.unwrap() }",
        "// invariant: x is set\n\nfn f() { x.unwrap() }",
        "#[cfg(test)]\nmod tests { fn t() { x.unwrap() } }\nfn f() { unreachable!() }",
        "#[cfg(not(test))]\nfn f() { x.unwrap() }",
    ];
    let good = [
        "// invariant: x was set above\nfn f() { x.unwrap() }",
        "fn f() { x.unwrap() } // invariant: x was set above",
        "// invariant: x was set above,\n// always\nx.expect(\"set\")",
        "// x.unwrap()\nlet s = \"panic!(\";\nparser.expect(Token::Comma)",
        "#[cfg(test)]\nmod tests { fn t() { x.unwrap(); { panic!() } } }",
        "#[cfg(all(test, unix))]\nmod tests { fn t() { x.unwrap() } }",
        "fn f() { let c = '\"'; x.unwrap_or_default() }",
    ];
    tells(panics, "vigo-core/src/a.rs", &bad, &good);
}

#[test]
fn idle_limits_are_found() {
    let rule = |limits: &str, user: &str| {
        let limits = file("vigo-core/src/limits.rs", limits);
        limits_rule(&limits, &[file("vigo-core/src/a.rs", user)])
    };
    let text = "/// Bytes of a file.\npub const FILE_BYTES_MAX: usize = 1;\n";
    assert!(rule(text, "if n > FILE_BYTES_MAX {}").is_empty());
    assert!(!rule(text, "// FILE_BYTES_MAX\nif n > MY_FILE_BYTES_MAX {}").is_empty(), "not used");
    assert!(!rule("pub const A: usize = 1;\n", "A").is_empty(), "not documented");
}

#[test]
fn idle_fixtures_are_found() {
    let paths = ["vigo-host-x/tests/fixtures/tool/1/case.txt".to_owned()];
    let rule = |text: &str| fixtures_rule(&paths, &[file("vigo-host-x/tests/a.rs", text)]);
    assert!(rule("fixture(\"tool/1/case.txt\")").is_empty(), "named by its path");
    assert!(rule("fixture(\"case\")").is_empty(), "named by its stem");
    assert!(rule("    // walks fixtures/tool/\n").is_empty(), "walked");
    for bad in ["", "fixture(\"showcase.txt\")", "// walks fixtures/other/", "fn case() {}"] {
        assert!(!rule(bad).is_empty(), "{bad}");
    }
    assert!(!fixtures_rule(&paths, &[file("vigo-host-y/tests/a.rs", "\"case.txt\"")]).is_empty(), "another crate's");
}

#[test]
fn allows_are_found() {
    let bad = ["#[allow(dead_code)]", "#![allow(clippy::all)]"];
    tells(bare_allows, "vigo-core/src/a.rs", &bad, &["#[expect(dead_code, reason = \"x\")]", "// #[allow(x)]"]);
}

#[test]
fn places_are_found() {
    let bad = [["see /wo", "rk/main"], ["get it from deb.debian", ".org"], ["\"/wo", "rk/x\""]].map(|p| p.concat());
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    tells(places, "a.md", &bad, &["/var/work/x", "`work/`", "/home/alice/.ssh", "debian.org"]);
}

#[test]
fn logic_is_found() {
    let bad = ["mod a;\nfn f() {}", "impl A { pub const fn new() -> Self { A } }"];
    let good = [
        "//! fn f()\nmod a;\npub use a::fn_of;",
        "#[cfg(test)]\nmod tests { fn t() {} }\nmod b;",
        "pub type F = fn(u8);",
    ];
    tells(declares, "vigo-core/src/a/mod.rs", &bad, &good);
}

#[test]
fn missing_entries_are_found() {
    let entries = [("file".to_owned(), vec!["mode".to_owned()])];
    let rule = |text: &str| documented("x", &[file("docs/src/x.md", text)], &entries);
    assert!(rule("# Types\n## `file`\nIt has a `mode`.\n## `other`\n").is_empty());
    assert!(rule("## `file`\n### Attributes\n`mode: 0644`\n").is_empty(), "below a smaller heading");
    let page = |text: &str| documented("x", &[file("docs/src/x/file.md", text)], &entries);
    assert!(page("# Files\nIt has a `mode`.").is_empty(), "a page of its own");
    assert!(!page("# Files\n").is_empty(), "a page that tells nothing");
    for bad in [
        "",
        "## `other`\n### `file`\n`mode`",
        "## file\n`mode`",
        "the `file` type\n`mode`",
        "## `file`\n## `other`\n`mode`",
    ] {
        assert!(!rule(bad).is_empty(), "{bad}");
    }
}

#[test]
fn only_code_is_read_as_code() {
    let cases = [
        ("comment", "a // b\nc", "a     \nc"),
        ("nested comment", "a /* b /* c */ d */ e", "a                   e"),
        ("text", "f(\"a\\\"b\") c", "f(\"    \") c"),
        ("raw text", "r#\"a\"b\"# c", "r#\"   \"# c"),
        ("character", "'\"' 'a 'b' '\\'' c", "    'a          c"),
    ];
    for (name, text, code) in cases {
        assert_eq!(code_of(text), code, "{name}");
    }
}
