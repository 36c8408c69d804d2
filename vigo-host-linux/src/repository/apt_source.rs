//! The two ways to write apt's sources, sources.list(5): one line a source, and deb822 stanzas.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// A source, or several that differ in type, address or suite only.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Source {
    pub(super) types: Vec<String>,
    pub(super) uris: Vec<String>,
    pub(super) suites: Vec<String>,
    components: Vec<String>,
    /// Options by their deb822 names.
    options: Vec<(String, String)>,
}

/// What is added to each source as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Extra<'a> {
    /// The file of the key.
    pub(super) signed_by: Option<&'a str>,
    /// Whether it is in use.
    pub(super) enabled: bool,
    /// Whether its signature does not matter.
    pub(super) trusted: bool,
}

impl Extra<'_> {
    /// Returns the deb822 fields that `source` does not have already.
    fn options(&self, source: &Source) -> Vec<(String, String)> {
        let has = |name: &str| source.options.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        let signed_by = self.signed_by.filter(|_| !has("Signed-By")).map(|p| ("Signed-By".into(), p.to_string()));
        let trusted = (self.trusted && !has("Trusted")).then(|| ("Trusted".into(), "yes".into()));
        signed_by.into_iter().chain(trusted).collect()
    }
}

/// One-line names of options, and their deb822 names, where these are not the same words.
const NAMES: &[(&str, &str)] = &[("arch", "Architectures"), ("lang", "Languages"), ("target", "Targets")];

/// Returns whether `text` is stanzas rather than lines.
pub(super) fn is_deb822(text: &str) -> bool {
    meaningful(text).next().is_some_and(|line| !is_line(line))
}

fn is_line(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some("deb" | "deb-src"))
}

fn meaningful(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))
}

/// Reads sources in either form.
///
/// # Errors
/// A fragment: what was expected, and found.
pub(super) fn parse(text: &str) -> Result<Vec<Source>, String> {
    let sources: Vec<Source> = match is_deb822(text) {
        true => stanzas(text).into_iter().map(stanza).collect::<Result<_, _>>()?,
        false => meaningful(text).map(line).collect::<Result<_, _>>()?,
    };
    if sources.is_empty() { Err("expected a source, found none".into()) } else { Ok(sources) }
}

fn line(text: &str) -> Result<Source, String> {
    let bad = |what: &str| format!("expected {what}, found `{text}`");
    let mut rest = text.trim();
    let (kind, after) = rest.split_once([' ', '\t']).ok_or_else(|| bad("`deb URI suite components`"))?;
    if !matches!(kind, "deb" | "deb-src") {
        return Err(bad("`deb` or `deb-src`"));
    }
    rest = after.trim_start();
    let mut options = Vec::new();
    if let Some(inside) = rest.strip_prefix('[') {
        let (inside, after) = inside.split_once(']').ok_or_else(|| bad("`]` after the options"))?;
        for option in inside.split_whitespace() {
            let (name, value) = option.split_once('=').ok_or_else(|| bad("options as `name=value`"))?;
            let (name, suffix) = match (name.strip_suffix('+'), name.strip_suffix('-')) {
                (Some(name), _) => (name, "-Add"),
                (_, Some(name)) => (name, "-Remove"),
                _ => (name, ""),
            };
            let plain = NAMES.iter().find(|(short, _)| *short == name).map_or_else(|| titled(name), |n| n.1.into());
            options.push((format!("{plain}{suffix}"), value.replace(',', " ")));
        }
        rest = after;
    }
    let mut words = rest.split_whitespace().map(String::from);
    let (Some(uri), Some(suite)) = (words.next(), words.next()) else { return Err(bad("a URI and a suite")) };
    let components: Vec<String> = words.take_while(|w| !w.starts_with('#')).collect();
    if components.is_empty() != suite.ends_with('/') {
        return Err(bad("components, or a suite that ends with `/`"));
    }
    Ok(Source {
        types: alloc::vec![kind.into()],
        uris: alloc::vec![uri],
        suites: alloc::vec![suite],
        components,
        options,
    })
}

/// `check-valid-until` → `Check-Valid-Until`.
fn titled(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (i, part) in name.split('-').enumerate() {
        if i > 0 {
            out.push('-');
        }
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}

/// Returns the lines of each stanza.
fn stanzas(text: &str) -> Vec<Vec<&str>> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        match all.last_mut().filter(|_| open) {
            Some(stanza) => stanza.push(line),
            None => all.push(alloc::vec![line]),
        }
        open = true;
    }
    all.retain(|stanza| stanza.iter().any(|l| !l.starts_with('#')));
    all
}

fn stanza(lines: Vec<&str>) -> Result<Source, String> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines.into_iter().filter(|l| !l.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            let last = fields.last_mut().ok_or_else(|| format!("expected a field, found `{line}`"))?;
            last.1.push('\n');
            last.1.push_str(line);
        } else {
            let (name, value) =
                line.split_once(':').ok_or_else(|| format!("expected `Field: value`, found `{line}`"))?;
            fields.push((name.trim().into(), value.trim().into()));
        }
    }
    let mut source = Source::default();
    for (name, value) in fields {
        let words = || value.split_whitespace().map(String::from).collect();
        match name.to_ascii_lowercase().as_str() {
            "types" => source.types = words(),
            "uris" => source.uris = words(),
            "suites" => source.suites = words(),
            "components" => source.components = words(),
            _ => source.options.push((name, value)),
        }
    }
    for (name, list) in [("Types", &source.types), ("URIs", &source.uris), ("Suites", &source.suites)] {
        if list.is_empty() {
            return Err(format!("expected `{name}:` in each stanza, found none"));
        }
    }
    Ok(source)
}

/// Writes `text` as stanzas: what is stanzas already is kept as it stands, and completed.
///
/// # Errors
/// As [`parse`].
pub(super) fn to_deb822(text: &str, extra: &Extra<'_>) -> Result<String, String> {
    let sources = parse(text)?;
    let mut out = String::new();
    let add = |out: &mut String, source: &Source| {
        for (name, value) in extra.options(source) {
            let _ = writeln!(out, "{name}: {value}");
        }
        if !extra.enabled {
            out.push_str("Enabled: no\n");
        }
    };
    if is_deb822(text) {
        for (lines, source) in stanzas(text).iter().zip(&sources) {
            if !out.is_empty() {
                out.push('\n');
            }
            let enabled = |l: &str| l.to_ascii_lowercase().starts_with("enabled:");
            for line in lines.iter().filter(|l| extra.enabled || !enabled(l)) {
                out.push_str(line.trim_end());
                out.push('\n');
            }
            add(&mut out, source);
        }
        return Ok(out);
    }
    for source in &sources {
        if !out.is_empty() {
            out.push('\n');
        }
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "Types: {}", source.types.join(" "));
        let _ = writeln!(out, "URIs: {}", source.uris.join(" "));
        let _ = writeln!(out, "Suites: {}", source.suites.join(" "));
        if !source.components.is_empty() {
            let _ = writeln!(out, "Components: {}", source.components.join(" "));
        }
        for (name, value) in &source.options {
            let _ = writeln!(out, "{name}: {value}");
        }
        add(&mut out, source);
    }
    Ok(out)
}

/// Writes `text` as lines.
///
/// # Errors
/// As [`parse`]; also for a key inside a stanza, which a line cannot hold.
pub(super) fn to_list(text: &str, extra: &Extra<'_>) -> Result<String, String> {
    let mut out = String::new();
    for source in &parse(text)? {
        let mut options = String::new();
        let mut off = !extra.enabled;
        for (name, value) in source.options.iter().cloned().chain(extra.options(source)) {
            if name.eq_ignore_ascii_case("enabled") {
                off |= value.trim().eq_ignore_ascii_case("no");
                continue;
            }
            if value.contains('\n') {
                return Err(format!("expected a one-line `{name}` for the format `list`, found several lines"));
            }
            let (name, sign) = match (name.strip_suffix("-Add"), name.strip_suffix("-Remove")) {
                (Some(name), _) => (name, "+"),
                (_, Some(name)) => (name, "-"),
                _ => (&*name, ""),
            };
            let short = NAMES.iter().find(|(_, long)| long.eq_ignore_ascii_case(name)).map(|n| n.0.to_string());
            let short = short.unwrap_or_else(|| name.to_ascii_lowercase());
            let joined: Vec<&str> = value.split_whitespace().collect();
            let _ = write!(options, "{}{short}{sign}={}", if options.is_empty() { "" } else { " " }, joined.join(","));
        }
        for kind in &source.types {
            for uri in &source.uris {
                for suite in &source.suites {
                    let _ = write!(out, "{}{kind} ", if off { "# " } else { "" });
                    if !options.is_empty() {
                        let _ = write!(out, "[{options}] ");
                    }
                    let _ = write!(out, "{uri} {suite}");
                    for component in &source.components {
                        let _ = write!(out, " {component}");
                    }
                    out.push('\n');
                }
            }
        }
    }
    Ok(out)
}

/// Returns how the names of a source's lists begin in `/var/lib/apt/lists`, one for each address and suite; `None` when
/// the address holds something that apt would spell otherwise.
pub(super) fn list_names(sources: &[Source]) -> Option<Vec<String>> {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-./".contains(c));
    let mut names = Vec::new();
    for source in sources.iter().filter(|s| s.types.iter().any(|t| t == "deb")) {
        for uri in &source.uris {
            let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
            for suite in &source.suites {
                if !plain(rest) || !plain(suite) || suite.ends_with('/') {
                    return None;
                }
                let path = format!("{}/dists/{suite}/", rest.trim_end_matches('/'));
                names.push(path.replace('/', "_"));
            }
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Extra<'_> = Extra { signed_by: None, enabled: true, trusted: false };
    const KEY: Extra<'_> = Extra { signed_by: Some("/k.gpg"), enabled: true, trusted: false };
    const OFF: Extra<'_> = Extra { signed_by: None, enabled: false, trusted: true };
    const STANZA: &str = "# ours\nTypes: deb deb-src\nURIs: http://a/x\nSuites: s s-updates\nComponents: main\n\
Architectures: amd64 arm64\n";

    #[test]
    fn each_form_is_written_from_each() {
        let line = "deb [arch=amd64,arm64 lang+=de] http://a/x s main contrib";
        let cases = [
            ("line as line", to_list(line, &PLAIN), "deb [arch=amd64,arm64 lang+=de] http://a/x s main contrib\n"),
            ("line with key", to_list("deb http://a/x ./", &KEY), "deb [signed-by=/k.gpg] http://a/x ./\n"),
            (
                "own key stays",
                to_list("deb [signed-by=/own] http://a/x s main", &KEY),
                "deb [signed-by=/own] http://a/x s main\n",
            ),
            ("line, off", to_list("deb http://a/x s main", &OFF), "# deb [trusted=yes] http://a/x s main\n"),
            (
                "line as stanza",
                to_deb822(line, &KEY),
                "Types: deb\nURIs: http://a/x\nSuites: s\nComponents: main contrib\nArchitectures: amd64 arm64\n\
Languages-Add: de\nSigned-By: /k.gpg\n",
            ),
            (
                "lines as stanzas",
                to_deb822("deb http://a/x s main\n# gone\ndeb-src http://a/x s main\n", &PLAIN),
                "Types: deb\nURIs: http://a/x\nSuites: s\nComponents: main\n\n\
Types: deb-src\nURIs: http://a/x\nSuites: s\nComponents: main\n",
            ),
            (
                "stanza as stanza",
                to_deb822(STANZA, &KEY),
                "# ours\nTypes: deb deb-src\nURIs: http://a/x\nSuites: s s-updates\nComponents: main\n\
Architectures: amd64 arm64\nSigned-By: /k.gpg\n",
            ),
            (
                "stanza, off",
                to_deb822("Types: deb\nURIs: http://a\nSuites: s\nComponents: c\nEnabled: yes\n", &OFF),
                "Types: deb\nURIs: http://a\nSuites: s\nComponents: c\nTrusted: yes\nEnabled: no\n",
            ),
            (
                "stanza as lines",
                to_list(STANZA, &PLAIN),
                "deb [arch=amd64,arm64] http://a/x s main\ndeb [arch=amd64,arm64] http://a/x s-updates main\n\
deb-src [arch=amd64,arm64] http://a/x s main\ndeb-src [arch=amd64,arm64] http://a/x s-updates main\n",
            ),
        ];
        for (name, seen, expected) in cases {
            assert_eq!(seen.as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_source_is_refused() {
        let inline = "Types: deb\nURIs: http://a\nSuites: s\nComponents: c\nSigned-By:\n -----BEGIN\n .\n x\n";
        let cases = [
            ("nothing", to_list("# x\n", &PLAIN), "expected a source, found none"),
            ("no suite", to_list("deb http://a", &PLAIN), "expected a URI and a suite, found `deb http://a`"),
            (
                "no components",
                to_list("deb http://a s", &PLAIN),
                "expected components, or a suite that ends with `/`, found `deb http://a s`",
            ),
            (
                "open options",
                to_list("deb [a=b http://a s c", &PLAIN),
                "expected `]` after the options, found `deb [a=b http://a s c`",
            ),
            ("neither", to_list("http://a s c", &PLAIN), "expected `Types:` in each stanza, found none"),
            ("no suites", to_deb822("Types: deb\nURIs: x\n", &PLAIN), "expected `Suites:` in each stanza, found none"),
            (
                "key inside",
                to_list(inline, &PLAIN),
                "expected a one-line `Signed-By` for the format `list`, found several lines",
            ),
        ];
        for (name, seen, expected) in cases {
            assert_eq!(seen, Err(expected.to_string()), "{name}");
        }
        assert_eq!(to_deb822(inline, &KEY).as_deref(), Ok(inline), "a key inside is kept");
    }

    #[test]
    fn lists_are_named_as_apt_names_them() {
        let names = |text: &str| list_names(&parse(text).unwrap());
        let debian =
            "Types: deb\nURIs: http://deb.example.org/debian/\nSuites: bookworm bookworm-updates\nComponents: main\n";
        let expected = ["deb.example.org_debian_dists_bookworm_", "deb.example.org_debian_dists_bookworm-updates_"];
        assert_eq!(names(debian), Some(expected.map(String::from).to_vec()));
        for unsure in
            ["deb file:/srv/x s main", "deb http://a:80/x s main", "deb http://a/x ./", "deb http://a/$(ARCH) s m"]
        {
            assert_eq!(names(unsure), None, "{unsure}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(deb|deb-src|Types: deb|URIs: |Suites: a|\\[|\\]|=|[ a-z/:#\n]){0,20}") {
            for extra in [PLAIN, KEY, OFF] {
                let _ = (to_list(&text, &extra), to_deb822(&text, &extra));
            }
        }

        #[test]
        fn writing_again_changes_nothing(suite in "[a-z]{1,4}", arch in "[a-z]{1,4}") {
            let line = format!("deb [arch={arch}] http://a/x {suite} main");
            let stanza = to_deb822(&line, &KEY).unwrap();
            prop_assert_eq!(to_deb822(&stanza, &KEY).unwrap(), stanza.clone());
            let list = to_list(&stanza, &KEY).unwrap();
            prop_assert_eq!(to_list(&list, &KEY).unwrap(), list.clone());
            prop_assert_eq!(to_deb822(&list, &KEY).unwrap(), stanza);
        }
    }
}
