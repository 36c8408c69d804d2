//! Lines of `/etc/apk/repositories`. Unverified: no apk was at hand.

use crate::package::classify_apk;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::repository::{By, KeyForm, KeySource, Layout, Want, unsupported};

/// Alpine.
pub(crate) struct Apk;

pub(super) static APK: By<Apk> = By(Apk);

impl Layout for Apk {
    const NAME: &'static str = "apk";
    const KEY: KeyForm = KeyForm::Raw;

    fn check(&self, want: &Want) -> Result<(), Problem> {
        if want.priority.is_some() {
            return Err(unsupported("priority", Self::NAME));
        }
        if !want.gpgcheck {
            return Err(unsupported("gpgcheck", Self::NAME));
        }
        if matches!(want.key, Some(KeySource::Id(_))) {
            return Err(Problem::bad_value("key_url", "expected where the key is, found a fingerprint"));
        }
        if want.repo.as_str().trim().contains(['\n', '\r']) {
            return Err(Problem::bad_value("repo", "expected one line, found several"));
        }
        Ok(())
    }

    fn source(&self, _: &Want) -> AbsPath {
        AbsPath::known("/etc/apk/repositories")
    }

    /// apk finds a key by the name that the index was signed with: that of the file where it is published.
    fn key(&self, want: &Want) -> Option<AbsPath> {
        let place = match &want.key {
            Some(KeySource::Url(url)) => url.rsplit('/').next(),
            Some(KeySource::File(path)) => Some(path.name()),
            _ => None,
        };
        let named = place.filter(|name| name.ends_with(".rsa.pub") && !name.starts_with('.'));
        let own = format!("{}.rsa.pub", want.id);
        Some(AbsPath::known("/etc/apk/keys").join(named.unwrap_or(&own)))
    }

    fn write(&self, want: &Want, found: Option<&str>) -> Option<String> {
        if found.is_none() && !want.present {
            return None;
        }
        let off = if want.enabled { "" } else { "#" };
        let line = format!("{off}{}\n", want.repo.as_str().trim());
        Some(with_line(found.unwrap_or(""), &want.id, want.present.then_some(&line)))
    }

    fn refresh(&self, _: &Want, facts: &HostFacts) -> Vec<Command> {
        let root = facts.image.as_ref().map(|image| [Arc::from("--root"), image.shared()]).into_iter().flatten();
        let args = root.chain(["--wait", "120", "update"].map(Arc::from));
        alloc::vec![Command::change("/sbin/apk", args)]
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify_apk(ran)
    }
}

/// Returns `text` with `line` below the mark of `id`, or without both.
fn with_line(text: &str, id: &str, line: Option<&String>) -> String {
    let mark = format!("# vigo: {id}");
    let mut out = String::with_capacity(text.len() + 100);
    let mut written = false;
    let mut lines = text.split_inclusive('\n');
    while let Some(old) = lines.next() {
        if old.trim_end() != mark {
            out.push_str(old);
            continue;
        }
        lines.next();
        if let Some(line) = line.filter(|_| !written) {
            out.push_str(&format!("{mark}\n{line}"));
            written = true;
        }
    }
    if let Some(line) = line.filter(|_| !written) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{mark}\n{line}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_in_place() {
        let main = "https://a/main\n";
        let x = String::from("https://b/x\n");
        let cases = [
            ("added", main.into(), Some(&x), format!("{main}# vigo: x\n{x}")),
            ("there", format!("# vigo: x\n{x}{main}"), Some(&x), format!("# vigo: x\n{x}{main}")),
            ("changed", format!("# vigo: x\nhttps://old\n{main}"), Some(&x), format!("# vigo: x\n{x}{main}")),
            ("removed", format!("{main}# vigo: x\n{x}"), None, main.into()),
            ("another's", format!("# vigo: xy\n{main}"), None, format!("# vigo: xy\n{main}")),
            ("no line end", "https://a".into(), Some(&x), format!("https://a\n# vigo: x\n{x}")),
        ];
        for (name, text, line, expected) in cases {
            let seen = with_line(&text, "x", line);
            assert_eq!(seen, expected, "{name}");
            assert_eq!(with_line(&seen, "x", line), seen, "{name}, again");
        }
    }
}
