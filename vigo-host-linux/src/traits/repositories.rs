//! `repositories`: where packages come from.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, list, path, read, read_at};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("repositories", probe, interpret).of_image();

const APT: &str = "/etc/apt/sources.list";
const APT_PARTS: &str = "/etc/apt/sources.list.d";
const YUM: &str = "/etc/yum.repos.d";
const ZYPP: &str = "/etc/zypp/repos.d";
const APK: &str = "/etc/apk/repositories";
const PACMAN: &str = "/etc/pacman.conf";

/// Repositories that are told of: one stanza may stand for each of its places with each of its suites.
const SOURCES_MAX: usize = 10_000;

/// A repository.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Source {
    pub id: String,
    pub url: String,
    pub enabled: bool,
    /// Whether packages are taken without a signature that is checked.
    pub unsigned: bool,
}

pub(super) fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(APT), list(APT_PARTS), list(YUM), list(ZYPP), read(APK), read(PACMAN)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    match sources(See(outputs)) {
        Err(ops) => Ok(Found::Ask(ops)),
        Ok(sources) => Ok(form::repositories(sources.iter().map(|s| (&*s.id, &*s.url, s.enabled)))),
    }
}

/// Returns the repositories, or what must be read first.
pub(super) fn sources(see: See<'_>) -> Result<Vec<Source>, Vec<Op>> {
    let part = |folder: &str, ends: &'static [&'static str]| {
        let of = move |name: &str| ends.iter().any(|end| name.ends_with(end)) && !name.starts_with('.');
        let names: Vec<&str> = see.entries(folder).iter().map(|e| &*e.path).filter(|n| of(n)).take(1000).collect();
        names.into_iter().filter_map(|name| path(&format!("{folder}/{name}"))).collect::<Vec<_>>()
    };
    let apt = part(APT_PARTS, &[".list", ".sources"]);
    let rpm: Vec<_> = part(YUM, &[".repo"]).into_iter().chain(part(ZYPP, &[".repo"])).collect();
    let open = see.open(apt.iter().chain(&rpm).cloned().map(read_at).collect());
    if !open.is_empty() {
        return Err(open);
    }
    let mut found = Vec::new();
    for file in path(APT).into_iter().chain(apt) {
        let Some(text) = see.text(file.as_str()) else { continue };
        let stem = file.name().rsplit_once('.').map_or(file.name(), |(stem, _)| stem);
        match file.as_str().ends_with(".sources") {
            true => found.extend(deb822(stem, &text)),
            false => found.extend(text.lines().filter_map(|line| apt_line(stem, line))),
        }
    }
    for file in rpm {
        found.extend(see.text(file.as_str()).map(|text| ini(&text)).unwrap_or_default());
    }
    found.extend(see.text(APK).map(|text| text.lines().filter_map(apk_line).collect::<Vec<_>>()).unwrap_or_default());
    found.extend(see.text(PACMAN).map(|text| pacman(&text)).unwrap_or_default());
    Ok(found)
}

/// `deb [options] url suite component…`, sources.list(5). What is switched off is a comment, and no source.
fn apt_line(stem: &str, line: &str) -> Option<Source> {
    let rest = line.trim().strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (url, suite) = (words.next()?, words.next().unwrap_or_default());
    let unsigned = options.split_whitespace().any(|o| is_trusted(o.strip_prefix("trusted=").unwrap_or_default()));
    Some(Source { id: id_of(stem, suite), url: url.to_string(), enabled: true, unsigned })
}

fn is_trusted(word: &str) -> bool {
    matches!(word, "yes" | "true" | "1")
}

fn id_of(stem: &str, suite: &str) -> String {
    if suite.is_empty() || suite == "/" { stem.to_string() } else { format!("{stem}/{suite}") }
}

/// Stanzas of fields; a line that starts with a blank goes on with the field before.
fn deb822(stem: &str, text: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for stanza in lines.split(|line| line.trim().is_empty()) {
        let field = |name: &str| -> Option<Cow<'_, str>> {
            let at = stanza
                .iter()
                .position(|line| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name)))?;
            let mut value = stanza.get(at)?.split_once(':')?.1.trim().to_string();
            for more in stanza.get(at + 1..)?.iter().take_while(|line| line.starts_with([' ', '\t'])) {
                value.push(' ');
                value.push_str(more.trim());
            }
            Some(value.into())
        };
        let is_binary = field("Types").is_some_and(|types| types.split_whitespace().any(|t| t == "deb"));
        let (Some(uris), true) = (field("URIs"), is_binary) else { continue };
        let suites = field("Suites").unwrap_or_default();
        let enabled = !field("Enabled").is_some_and(|v| matches!(&*v, "no" | "false" | "0"));
        let unsigned = field("Trusted").is_some_and(|v| is_trusted(&v));
        for uri in uris.split_whitespace() {
            for suite in suites.split_whitespace() {
                if found.len() == SOURCES_MAX {
                    return found;
                }
                found.push(Source { id: id_of(stem, suite), url: uri.to_string(), enabled, unsigned });
            }
        }
    }
    found
}

/// Sections of dnf and zypper: `[id]` with `baseurl`, `mirrorlist` or `metalink`.
fn ini(text: &str) -> Vec<Source> {
    let section = |part: &str| {
        let (id, body) = part.split_once(']')?;
        let url = ["baseurl", "metalink", "mirrorlist"].iter().find_map(|key| assigned(body, key))?;
        let enabled = !matches!(assigned(body, "enabled"), Some("0" | "no" | "false"));
        let unsigned = matches!(assigned(body, "gpgcheck"), Some("0" | "no" | "false"));
        Some(Source { id: id.to_string(), url: url.to_string(), enabled, unsigned })
    };
    // A section starts a line.
    let text = format!("\n{text}");
    text.split("\n[").skip(1).filter_map(section).collect()
}

/// A line is a URL, which a tag `@name` may precede; its packages are signed.
fn apk_line(line: &str) -> Option<Source> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let url = line.rsplit([' ', '\t']).next()?;
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let (last, before) = (parts.next()?, parts.next().unwrap_or_default());
    Some(Source { id: format!("{before}/{last}"), url: url.to_string(), enabled: true, unsigned: false })
}

/// Sections of pacman.conf(5) but `[options]`.
fn pacman(text: &str) -> Vec<Source> {
    let text = format!("\n{text}");
    let never = |body: &str| assigned(body, "SigLevel").is_some_and(|level| level.split(' ').any(|w| w == "Never"));
    let section = |part: &str| {
        let (id, body) = part.split_once(']')?;
        let url = assigned(body, "Server").or_else(|| assigned(body, "Include"))?;
        let unsigned = never(body);
        (id != "options").then(|| Source { id: id.to_string(), url: url.to_string(), enabled: true, unsigned })
    };
    text.split("\n[").skip(1).filter_map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_many_places_and_suites_is_bounded() {
        let text = format!("Types: deb\nURIs:{}\nSuites:{}\n", " u".repeat(2000), " s".repeat(2000));
        assert_eq!(deb822("x", &text).len(), SOURCES_MAX);
    }

    use vigo_core::sim::answers;

    fn source(id: &str, url: &str, enabled: bool, unsigned: bool) -> Source {
        Source { id: id.into(), url: url.into(), enabled, unsigned }
    }

    #[test]
    fn every_form_is_read() {
        let line = "deb [arch=amd64 trusted=yes] http://deb.example/x stable main\n# deb http://off/ a b\ndeb-src http://s/ a b\n";
        let seen: Vec<_> = line.lines().filter_map(|l| apt_line("mine", l)).collect();
        assert_eq!(seen, [source("mine/stable", "http://deb.example/x", true, true)]);
        let stanza = "Types: deb deb-src\nURIs: https://a/ https://b/\nSuites: x\n y\nEnabled: no\n\nTypes: deb-src\nURIs: https://c/\nSuites: z\n";
        let seen = deb822("os", stanza);
        assert_eq!(seen.len(), 4);
        assert_eq!(seen[1], source("os/y", "https://a/", false, false));
        let repo = "# head\n[baseos]\nname=x\nbaseurl=https://r/base\ngpgcheck=1\n[extra]\nmetalink = https://r/meta\nenabled=0\ngpgcheck=0\n";
        let expected =
            [source("baseos", "https://r/base", true, false), source("extra", "https://r/meta", false, true)];
        assert_eq!(ini(repo), expected);
        assert_eq!(
            apk_line("@edge https://dl/alpine/v3.20/main"),
            Some(source("v3.20/main", "https://dl/alpine/v3.20/main", true, false))
        );
        let conf = "[options]\nSigLevel = Required\n[core]\nInclude = /etc/pacman.d/mirrorlist\n[mine]\nSigLevel = Never\nServer = http://m/\n";
        let expected =
            [source("core", "/etc/pacman.d/mirrorlist", true, false), source("mine", "http://m/", true, true)];
        assert_eq!(pacman(conf), expected);
    }

    #[test]
    fn parts_are_asked_for() {
        let outputs = answers(&[("/etc/apt/sources.list.d/", "a.list b.sources c.list.save .d.list")]);
        let Err(ops) = sources(See(&outputs)) else { panic!("expected a question") };
        assert_eq!(ops.len(), 2);
    }
}
