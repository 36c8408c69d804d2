//! The pages of the codes: each says what a mistake is, shows one, and shows it mended.

use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::config::Config;
use vigo_core::diagnostic::{Code, Diagnostic};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};

/// Codes that no short tree has.
const WITHOUT_EXAMPLE: &[Code] = &[Code::TooLarge];

/// An example of a page: what its fence says, and its text.
type Example = (String, String);

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut pages: Vec<String> = fs::read_dir(folder())
        .expect("the pages")
        .map(|entry| entry.expect("a page").file_name().to_string_lossy().into_owned())
        .collect();
    pages.sort();
    let mut codes: Vec<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    codes.sort();
    assert_eq!(pages, codes);
    let index = fs::read_to_string(folder().with_extension("md")).expect("the index");
    for code in Code::ALL {
        let summary = code.summary().trim_end_matches('.');
        let mut letters = summary.chars();
        let first = letters.next().expect("a summary").to_lowercase();
        let row = format!("| [{code}](diagnostics/{code}.md) | `{}` | {first}{} |", code.slug(), letters.as_str());
        assert!(index.lines().any(|line| line == row), "the index has no row\n{row}");
        let page = page(*code);
        assert!(page.starts_with(&format!("# {code}: {}\n\n", code.slug())), "{code}: {page}");
        let meaning = page.split("\n\n").nth(1).expect("a first paragraph");
        assert!(meaning.trim_end().ends_with(['.', ')']) && !meaning.starts_with("```"), "{code}: {meaning}");
    }
}

#[test]
fn the_wrong_example_has_the_mistake_and_the_right_one_none() {
    for code in Code::ALL {
        let examples = examples(&page(*code));
        let kinds: Vec<&str> = examples.iter().filter_map(|(info, _)| info.split(',').nth(1)).collect();
        if WITHOUT_EXAMPLE.contains(code) {
            assert!(kinds.is_empty(), "{code} has an example: take it out of the list");
            continue;
        }
        assert_eq!(kinds, ["broken", "mended"], "{code}");
        let [wrong, right] = [0, 1].map(|i| found(&examples[i]));
        let codes: Vec<Code> = wrong.iter().map(|d| d.code).collect();
        assert_eq!(codes, [*code], "{code}: {wrong:#?}");
        assert!(right.is_empty(), "{code}, mended: {right:#?}");
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/diagnostics")
}

fn page(code: Code) -> String {
    fs::read_to_string(folder().join(format!("{code}.md"))).unwrap_or_else(|e| panic!("the page of {code}: {e}"))
}

fn examples(page: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(info) if !open => (found.push((info.to_owned(), String::new())), open = true).1,
            Some(_) => open = false,
            None if open => found.last_mut().expect("an open fence").1.extend([line, "\n"]),
            None => {}
        }
    }
    found
}

/// Returns what is found in the tree of an example, whose files each begin with a comment that is the path.
fn found((info, text): &Example) -> Vec<Diagnostic> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ").filter(|path| path.ends_with(".vgo") && !path.contains(' ')) {
            Some(path) => files.push((path.to_owned(), String::new())),
            None => files.last_mut().expect("a path first").1.extend([line, "\n"]),
        }
    }
    let sources = Sources::read(&Tree::from_texts(files.iter().map(|(path, text)| (&**path, &**text))));
    let config = Config::read(&sources);
    match info.split(',').find_map(|part| part.strip_prefix("host=")) {
        Some(host) => resolve::validate(&config, host, None).err().unwrap_or_default(),
        None => resolve::check(&config),
    }
}
