//! What YAML makes of a policy that was meant differently, and what to write instead.

use super::layout;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use alloc::format;
use alloc::string::String;
use granit_parser as yaml;
use granit_parser::ErrorKind;

const QUOTE_TEMPLATE: &str = "quote it: `'{{ … }}'`; unquoted, `{` begins a YAML map";

/// Words the error of the parser, or the trap behind it.
pub(super) fn scan_error(id: FileId, source: &str, error: &yaml::ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0).min(source.len());
    let span = layout::point(id, source, at);
    let line_start = source.get(..at).and_then(|s| s.rfind('\n')).map_or(0, |i| i + 1);
    let line = source.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let value = value_of_line(line);
    let trap = |message: &str, help: &str| Diagnostic::new(Code::YamlTrap, span, message).help(help);
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            trap("a tab in the indent", "indent with spaces; YAML allows no tabs there")
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar if line.contains("{{") => trap(
            "the double quotes inside the template end the text",
            "write the whole value in '…' or as a block scalar (`|`), or use backquotes inside the template",
        ),
        ErrorKind::MissingAnchorOrAliasName if source.get(at..).is_some_and(|s| s.starts_with('*')) => {
            trap("a bare `*` begins a YAML alias", "quote it: `\"*\"`")
        }
        _ if value.starts_with("{{") => trap("a template that is not quoted", QUOTE_TEMPLATE),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::FlowMappingValueAdjacentCollection
            if value.starts_with('{') =>
        {
            trap("unquoted, `{` begins a YAML map", &format!("quote the value: `\"{}\"`", value.trim_end()))
        }
        ErrorKind::ExpectedBlockMappingKey if value.starts_with('[') => {
            trap("unquoted, `[` begins a YAML list", &format!("quote the value: `\"{}\"`", value.trim_end()))
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            layout::unclosed_flow(id, source, at).or_else(|| layout::continued(id, source, at)).unwrap_or_else(|| {
                trap("a `:` with a blank behind it, inside a text that is not quoted", "quote the whole value")
            })
        }
        ErrorKind::UnexpectedCharacter { character } if character.is_control() => trap(
            &format!("a control character, `{}`", character.escape_default()),
            &format!("remove it, or write `{}` in double quotes", yaml_escape(*character)),
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            let shown = if *character == '`' { "a backquote".into() } else { format!("`{character}`") };
            trap(&format!("a text cannot begin with {shown} unless it is quoted"), "quote the whole value")
        }
        ErrorKind::RecursionLimitExceeded => Diagnostic::new(
            Code::YamlLimit,
            span,
            format!("nested deeper than {} levels", crate::limits::YAML_DEPTH_MAX),
        ),
        kind => {
            layout::of_kind(id, source, at, kind).unwrap_or_else(|| Diagnostic::new(Code::Yaml, span, error.info()))
        }
    }
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
    Diagnostic::new(
        Code::YamlTrap,
        span,
        format!("`*{name}` is a YAML alias, and no anchor `&{name}` stands before it"),
    )
    .help(format!("quote it if it is a text: `\"*{name}\"`"))
}

/// Words a tag that is not known; where nothing stands behind it, it was meant as a negation.
pub(super) fn tag(id: FileId, tag: &yaml::Tag, at: &yaml::Span, node: Span, is_all: bool) -> Diagnostic {
    let span = at.tag_span().and_then(|s| s.byte_range()).map_or(node, |r| Span::new(id, r.start as u32, r.end as u32));
    let written = tag.original();
    if tag.parts().0 == "!" && is_all {
        return Diagnostic::new(Code::YamlTrap, span, format!("`{written}` is a YAML tag, not a negation"))
            .help(format!("quote the whole value, as in `when: \"{written}\"`"));
    }
    Diagnostic::new(Code::YamlTrap, span, format!("`{written}` is a YAML tag that has no meaning here"))
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
        .help("quote the whole value")
    })
}

/// Words a key that is no scalar: a template that was not quoted, as a rule.
pub(super) fn key(source: &str, span: Span) -> Diagnostic {
    let before = source.get(..span.start as usize).unwrap_or_default();
    let text: String =
        source.get(span.start as usize..span.end as usize).unwrap_or_default().chars().take(40).collect();
    if text.starts_with('{') && before.ends_with('{') {
        let whole = Span { start: span.start - 1, ..span };
        return Diagnostic::new(Code::YamlTrap, whole, "a template that is not quoted").help(QUOTE_TEMPLATE);
    }
    Diagnostic::new(Code::Yaml, span, "a key must be a text")
}
