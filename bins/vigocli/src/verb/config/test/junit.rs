//! The outcome of tests as JUnit XML: what CI systems read.

use super::run::line;
use std::fmt::Write as _;
use vigo_core::diagnostic::SourceMap;
use vigo_core::policy_test::{Case, Verdict};

/// Returns one `testsuite` for each file, in order.
pub(super) fn xml(results: &[(&Case<'_>, Verdict)], map: &SourceMap) -> String {
    let failed = |results: &[(&Case<'_>, Verdict)]| results.iter().filter(|(_, v)| !v.failures.is_empty()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a text does not fail.
    let _ = writeln!(out, "<testsuites tests=\"{}\" failures=\"{}\">", results.len(), failed(results));
    for suite in results.chunk_by(|(a, _), (b, _)| a.file == b.file) {
        let file = suite.first().map_or(String::new(), |(case, _)| attribute(case.file));
        let (tests, failures) = (suite.len(), failed(suite));
        let _ = writeln!(out, "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">");
        for (case, verdict) in suite {
            let (name, at) = (attribute(case.name), case.node.line());
            let _ = write!(out, "    <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{at}\"");
            if verdict.failures.is_empty() {
                out.push_str("/>\n");
                continue;
            }
            out.push_str(">\n");
            // One element: most readers take no second.
            let lines: Vec<String> = verdict.failures.iter().map(|f| attribute(&line(f, map))).collect();
            let message = lines.first().map_or("", String::as_str);
            let _ = write!(out, "      <failure type=\"expectation\" message=\"{message}\">{}", lines.join("\n"));
            out.push_str("</failure>\n    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Returns a text as it stands in an attribute or between tags; what XML cannot hold at all as an escape.
fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_attribute() {
        assert_eq!(attribute("a\"<b>&\n\u{1b}\u{ffff}é"), "a&quot;&lt;b&gt;&amp; \\u{1b}\\u{ffff}é");
    }
}
