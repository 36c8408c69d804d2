//! What YAML makes of a policy that was meant differently, and what to write instead.

use super::layout;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use alloc::format;
use alloc::string::String;
use granit_parser as yaml;
use granit_parser::ErrorKind;

/// Says how a value is written in quotes.
fn quote_it(value: &str) -> String {
    let value = value.trim_end();
    let is_flow = value.starts_with(['{', '[']) && value.ends_with(['}', ']']);
    if value.is_empty() || is_flow || value.chars().nth(SHOWN_MAX).is_some() || value.contains(char::is_control) {
        return String::from("quote the whole value");
    }
    match (value.contains(['"', '\\']), value.contains('\'')) {
        (false, _) => format!("quote the whole value: `\"{value}\"`"),
        (true, false) => format!("quote the whole value: `'{value}'`"),
        (true, true) => String::from("write the value as a block scalar (`|`)"),
    }
}

/// The same, of a value that begins with a template.
fn quote_template(value: &str) -> String {
    let value = value.trim_end().trim_end_matches(',');
    let is_short = value.contains("}}") && value.chars().nth(SHOWN_MAX).is_none() && !value.contains(['\'', '\n', '#']);
    let shown = if is_short { value } else { "{{ … }}" };
    format!("quote it: `'{shown}'`; unquoted, `{{` begins a YAML map")
}

/// Characters of a value that a help line repeats.
const SHOWN_MAX: usize = 80;

/// Returns the first tab in the indent of a line, from the line that begins at `from` on.
fn tab(source: &str, from: usize) -> Option<usize> {
    let mut start = from;
    for line in source.get(from..)?.split_inclusive('\n').take(LINES_OF_A_TAB) {
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(at) = line.get(..blank).and_then(|indent| indent.find('\t')) {
            return Some(start + at);
        }
        start += line.len();
    }
    None
}

/// Lines in which the tab stands that the parser trips over: a text may go on over some.
const LINES_OF_A_TAB: usize = 50;

/// Words the error of the parser, or the trap behind it.
pub(super) fn scan_error(id: FileId, source: &str, error: &yaml::ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0).min(source.len());
    let span = layout::point(id, source, at);
    let line_start = source.get(..at).and_then(|s| s.rfind('\n')).map_or(0, |i| i + 1);
    let line = source.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let value = value_of_line(line);
    // What is wrong stands behind the value's beginning, and not with the line as a whole.
    let is_behind = at > line_start + (line.len() - value.len());
    let trap = |message: &str, help: &str| Diagnostic::new(Code::YamlTrap, span, message).help(help);
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            let at = tab(source, line_start).unwrap_or(at);
            Diagnostic::new(Code::Tab, layout::point(id, source, at), "a tab in the indent")
                .help("indent with blanks; YAML allows no tabs there")
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar if line.contains("{{") => trap(
            "the double quotes inside the template end the text",
            "write the whole value in '…' or as a block scalar (`|`), or use backquotes inside the template",
        ),
        ErrorKind::MissingAnchorOrAliasName if source.get(at..).is_some_and(|s| s.starts_with('*')) => {
            coded(Code::Alias, trap("a bare `*` begins a YAML alias", "quote it: `\"*\"`"))
        }
        _ if value.starts_with("{{") => {
            coded(Code::UnquotedTemplate, trap("a template that is not quoted", &quote_template(value)))
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::FlowMappingValueAdjacentCollection
            if value.starts_with('{') && is_behind =>
        {
            trap("unquoted, `{` begins a YAML map", &quote_it(value))
        }
        ErrorKind::ExpectedBlockMappingKey if value.starts_with('[') && is_behind => {
            trap("unquoted, `[` begins a YAML list", &quote_it(value))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            layout::unclosed_flow(id, source, at).or_else(|| layout::continued(id, source, at)).unwrap_or_else(|| {
                trap("a `:` with a blank behind it, inside a text that is not quoted", &quote_it(value))
            })
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => trap(
            &format!("a control character, `{}`", character.escape_default()),
            &format!("remove it, or write `{}` in double quotes", yaml_escape(*character)),
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            let shown = if *character == '`' { "a backquote".into() } else { format!("`{character}`") };
            trap(&format!("a text cannot begin with {shown} unless it is quoted"), &quote_it(value))
        }
        ErrorKind::RecursionLimitExceeded => Diagnostic::new(
            Code::YamlLimit,
            span,
            format!("nested deeper than {} levels", crate::limits::YAML_DEPTH_MAX),
        )
        .help("make it flatter"),
        kind => {
            layout::of_kind(id, source, at, kind).unwrap_or_else(|| Diagnostic::new(Code::Yaml, span, error.info()))
        }
    }
}

fn coded(code: Code, d: Diagnostic) -> Diagnostic {
    Diagnostic { code, ..d }
}

/// Returns whether it is a trap: what the parser trips over behind one in the same line is the same mistake.
pub(super) fn is_trap(code: Code) -> bool {
    matches!(code, Code::YamlTrap | Code::Tab | Code::UnquotedTemplate | Code::Alias | Code::Tag)
}

fn yaml_escape(c: char) -> String {
    format!("\\x{:02x}", u32::from(c))
}

/// Returns what stands behind `key: ` and `- ` in a line.
pub(super) fn value_of_line(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some(after) = rest.strip_prefix("- ") {
        rest = after.trim_start();
    }
    match rest.split_once(": ") {
        Some((key, value)) if !key.starts_with(['{', '[', '"', '\'']) => value.trim_start(),
        _ => rest,
    }
}

pub(super) fn unknown_alias(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(Code::Alias, span, format!("`*{name}` is a YAML alias, and no anchor `&{name}` stands before it"))
        .help(format!("quote it if it is a text: `\"*{name}\"`"))
}

/// Words a tag that is not known; where nothing stands behind it, it was meant as a negation.
pub(super) fn tag(id: FileId, tag: &yaml::Tag, at: &yaml::Span, node: Span, is_all: bool) -> Diagnostic {
    let span = at.tag_span().and_then(|s| s.byte_range()).map_or(node, |r| Span::new(id, r.start as u32, r.end as u32));
    let written = tag.original();
    if tag.parts().0 == "!" && is_all {
        return Diagnostic::new(Code::Tag, span, format!("`{written}` is a YAML tag, not a negation"))
            .help(format!("quote the whole value, as in `when: \"{written}\"`"));
    }
    Diagnostic::new(Code::Tag, span, format!("`{written}` is a YAML tag that has no meaning here"))
        .help("quote the whole value if `!` belongs to it; tags are `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map` and `!!seq`")
}

/// Looks for a template that `#` cut off.
pub(super) fn plain(source: &str, span: Span, text: &str) -> Option<Diagnostic> {
    let open = text.rfind("{{")?;
    if text.get(open..)?.contains("}}") {
        return None;
    }
    let behind = source.get(span.end as usize..)?;
    behind.trim_start_matches(' ').starts_with('#').then(|| {
        let at = span.end + (behind.len() - behind.trim_start_matches(' ').len()) as u32;
        Diagnostic::new(
            Code::YamlTrap,
            Span::new(span.file, at, at + 1),
            "`#` begins a comment here and cuts the template off",
        )
        .help(quote_it(source.get(span.start as usize..).and_then(|s| s.lines().next()).unwrap_or_default()))
    })
}

/// Words a key that is no scalar: a template that was not quoted, as a rule.
pub(super) fn key(source: &str, span: Span) -> Diagnostic {
    let before = source.get(..span.start as usize).unwrap_or_default();
    let text: String =
        source.get(span.start as usize..span.end as usize).unwrap_or_default().chars().take(40).collect();
    if text.starts_with('{') && before.ends_with('{') {
        let whole = Span { start: span.start - 1, ..span };
        let rest = source.get(whole.start as usize..).unwrap_or_default();
        // In a list or map only the template itself; else all that stands in the line.
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = source.get(line_start..).and_then(|s| s.lines().next()).unwrap_or_default();
        let value = value_of_line(line);
        let value = if rest.starts_with(value) { value } else { until_end(rest).unwrap_or_default() };
        return Diagnostic::new(Code::UnquotedTemplate, whole, "a template that is not quoted")
            .help(quote_template(value));
    }
    Diagnostic::new(Code::Yaml, span, "a key must be a text").help("quote it, if it is one")
}

/// Returns a text up to the end of the template that it begins with.
fn until_end(text: &str) -> Option<&str> {
    text.get(..text.find("}}")? + 2)
}
