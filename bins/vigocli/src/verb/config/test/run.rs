//! Running the policy tests of a tree.

use super::super::local::Stacks;
use super::junit;
use crate::cli::Global;
use crate::error::CliError;
use crate::hosts;
use crate::output::{Answer, shown};
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::config::Config;
use vigo_core::diagnostic::{Diagnostic, Severity, SourceMap};
use vigo_core::policy_test::{self, Case, Failure, Snapshots, Tests, Verdict};
use vigo_core::resolve;
use vigo_core::source::Sources;

/// Run the policy tests of a tree, its files `*.test.vgo`
#[derive(Args, Debug)]
pub(crate) struct Test {
    /// Run only the tests in whose file or name this stands
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    #[command(flatten)]
    stacks: Stacks,
    /// Take what hosts get now as their snapshots
    #[arg(long)]
    update: bool,
    /// Write the outcome for a CI system, as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Test {
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let stacks = self.stacks.dir(global);
        let tree = vigo_driver::read_tree(&stacks)?;
        let sources = Sources::read(&tree).with_tests(&tree);
        let (cases, wrong) = policy_test::read(&sources);
        if !wrong.is_empty() {
            return Ok(invalid("The tests cannot be read", &wrong, sources.map()));
        }
        let config = Config::read(&sources);
        let found = resolve::check(&config);
        let errors: Vec<Diagnostic> = found.iter().filter(|d| d.severity() == Severity::Error).cloned().collect();
        if !errors.is_empty() {
            return Ok(invalid("The tree is not valid", &errors, sources.map()));
        }
        let tests =
            Tests { tree: &tree, config: &config, found: &found, blank: hosts::blank, entropy: vigo_driver::entropy };
        let snapshots = Snapshots::read(&tree);
        let chosen = |case: &&Case<'_>| match &self.filter {
            Some(part) => case.name.contains(&**part) || case.file.contains(&**part),
            None => true,
        };
        let results: Vec<(&Case<'_>, Verdict)> =
            cases.iter().filter(chosen).map(|case| (case, tests.run(case, &snapshots, self.update))).collect();
        let mut written = Vec::new();
        if self.update {
            let new: Vec<_> = results.iter().filter_map(|(case, v)| Some((*case, v.snapshot.as_deref()?))).collect();
            for (path, text) in snapshots.updated(&new, self.filter.is_none()) {
                write(&stacks.join(&path), text.as_bytes())?;
                written.push(path);
            }
        }
        if let Some(path) = &self.junit {
            write(path, junit::xml(&results, sources.map()).as_bytes())?;
        }
        Ok(self.answer(&results, &written, sources.map()))
    }

    fn answer(&self, results: &[(&Case<'_>, Verdict)], written: &[String], map: &SourceMap) -> Answer {
        let failed = results.iter().filter(|(_, v)| !v.failures.is_empty()).count();
        let passed = results.len() - failed;
        let mut text = String::new();
        for (case, verdict) in results.iter().filter(|(_, v)| !v.failures.is_empty()) {
            text.push_str(&format!("FAILED {}: {}\n", shown(case.file), shown(case.name)));
            for failure in &verdict.failures {
                text.push_str(&format!("  {}\n", shown(&line(failure, map))));
            }
        }
        written.iter().for_each(|path| text.push_str(&format!("Wrote {}.\n", shown(path))));
        text.push_str(&match (results.len(), &self.filter) {
            (0, None) => "There are no tests: a file of tests is named `*.test.vgo`.\n".to_owned(),
            (0, Some(filter)) => format!("No test has `{}` in its file or name.\n", shown(filter)),
            (1, _) if failed == 0 => "1 test passed.\n".to_owned(),
            (all, _) if failed == 0 => format!("All {all} tests passed.\n"),
            (1, _) => "1 test failed.\n".to_owned(),
            (all, _) => format!("{failed} of {all} tests failed.\n"),
        });
        let tests: Vec<Value> = results.iter().map(|(case, verdict)| one(case, verdict, map)).collect();
        let json = json!({ "tests": tests, "passed": passed, "failed": failed, "written": written });
        let nothing = results.is_empty() && self.filter.is_some();
        Answer { status: u8::from(failed > 0 || nothing), ..Answer::new(json, text) }
    }
}

/// Returns an expectation that does not hold in one line.
pub(super) fn line(failure: &Failure, map: &SourceMap) -> String {
    let Failure { span, subject, expected, found } = failure;
    format!("{}: {subject}: expected {expected}, found {found}", place(map, *span))
}

/// Returns `file:line`.
fn place(map: &SourceMap, span: vigo_core::diagnostic::Span) -> String {
    let file = map.file(span.file).map_or("", |f| &f.path);
    format!("{file}:{}", map.position(span.file, span.start).line)
}

fn one(case: &Case<'_>, verdict: &Verdict, map: &SourceMap) -> Value {
    let failures = verdict.failures.iter().map(|f| {
        let at = map.position(f.span.file, f.span.start);
        json!({
            "file": map.file(f.span.file).map(|f| &*f.path), "line": at.line, "column": at.column,
            "subject": f.subject, "expected": f.expected, "found": f.found,
        })
    });
    json!({
        "file": &**case.file, "line": case.node.line(), "name": case.name,
        "passed": verdict.failures.is_empty(), "failures": failures.collect::<Vec<_>>(),
    })
}

/// Returns what keeps tests from being run.
fn invalid(what: &str, errors: &[Diagnostic], map: &SourceMap) -> Answer {
    let diagnostics = vigo_driver::diagnostics_json(errors, map);
    let text = format!("{what}: {}. No test was run.\n", vigo_driver::summary(&diagnostics));
    let mut json = vigo_driver::document(&diagnostics);
    json["tests"] = json!([]);
    Answer { diagnostics, status: 1, ..Answer::new(json, text) }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |e| CliError::File { what: "write", path: path.into(), why: vigo_driver::system_text(e) };
    fs::write(path, bytes).map_err(failed)
}
