//! `.repo` files: dnf, yum and zypper.

use crate::package::{classify_dnf, classify_zypper};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::repository::{By, KeyForm, KeySource, Layout, Want};

/// dnf and yum (`'y'`), zypper (`'z'`); `'o'` is yum where there is no dnf.
pub(crate) struct Yum<const KIND: char>;

pub(super) static DNF: By<Yum<'y'>> = By(Yum);
pub(super) static YUM: By<Yum<'o'>> = By(Yum);
pub(super) static ZYPPER: By<Yum<'z'>> = By(Yum);

impl<const KIND: char> Yum<KIND> {
    fn folder() -> AbsPath {
        AbsPath::known(if KIND == 'z' { "/etc/zypp/repos.d" } else { "/etc/yum.repos.d" })
    }

    fn key_path(want: &Want) -> AbsPath {
        AbsPath::known("/etc/pki/rpm-gpg").join(&format!("RPM-GPG-KEY-vigo-{}", want.id))
    }
}

impl<const KIND: char> Layout for Yum<KIND> {
    const NAME: &'static str = match KIND {
        'z' => "zypper",
        'o' => "yum",
        _ => "dnf",
    };
    // rpm: "not an armored public key".
    const KEY: KeyForm = KeyForm::Armored;

    fn check(&self, want: &Want) -> Result<(), Problem> {
        if matches!(want.key, Some(KeySource::Id(_))) {
            return Err(Problem::bad_value("key_url", "expected where the key is, found a fingerprint"));
        }
        let repo = want.repo.as_str().trim();
        if !repo.starts_with('[') && repo.contains(|c: char| c.is_whitespace()) {
            let message = "expected one base URL, or text that starts with `[`, found several words";
            return Err(Problem::bad_value("repo", message));
        }
        Ok(())
    }

    fn source(&self, want: &Want) -> AbsPath {
        Self::folder().join(&format!("{}.repo", want.id))
    }

    fn key(&self, want: &Want) -> Option<AbsPath> {
        Some(Self::key_path(want))
    }

    fn write(&self, want: &Want, _: Option<&str>) -> Option<String> {
        want.present.then(|| render(want, &Self::key_path(want), KIND == 'z'))
    }

    fn refresh(&self, want: &Want, facts: &HostFacts) -> Vec<Command> {
        let arc = |text: &str| Arc::<str>::from(text);
        let outside = |path: &AbsPath| match &facts.image {
            Some(image) => format!("{image}{path}"),
            None => path.to_string(),
        };
        let root = facts.image.as_ref().map(|image| [arc("--root"), image.shared()]).into_iter().flatten();
        if KIND != 'z' {
            let image = facts.image.as_ref().map(|image| Arc::from(format!("--installroot={image}")));
            let only = format!("--enablerepo={}", want.id);
            let args = ["-q", "-y"].map(arc).into_iter().chain(image);
            let args = args.chain(["--disablerepo=*", &only, "makecache"].map(arc));
            return alloc::vec![Command::change(if KIND == 'o' { "/usr/bin/yum" } else { "/usr/bin/dnf" }, args)];
        }
        // zypper takes no key that rpm does not know, and asks nobody about it.
        let import = want.key.as_ref().map(|_| {
            let args = root.clone().chain([arc("--import"), outside(&Self::key_path(want)).into()]);
            Command::change("/usr/bin/rpm", args)
        });
        let args = [arc("--non-interactive")].into_iter().chain(root).chain(["refresh", &want.id].map(arc));
        let refresh = Command::change("/usr/bin/zypper", args).env("ZYPP_LOCK_TIMEOUT", "120");
        import.into_iter().chain([refresh]).collect()
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        if KIND == 'z' { classify_zypper(ran) } else { classify_dnf(ran) }
    }
}

fn render(want: &Want, key: &AbsPath, zypper: bool) -> String {
    let text = want.repo.as_str().trim();
    let bit = |on: bool| if on { "1" } else { "0" };
    let gpgkey = want.key.as_ref().map(|_| format!("file://{key}"));
    if !text.starts_with('[') {
        let mut lines = alloc::vec![
            format!("[{}]", want.id),
            format!("name={}", want.id),
            format!("baseurl={text}"),
            format!("enabled={}", bit(want.enabled)),
            format!("gpgcheck={}", bit(want.gpgcheck)),
        ];
        lines.extend(zypper.then(|| "autorefresh=1".into()));
        lines.extend(gpgkey.map(|path| format!("gpgkey={path}")));
        lines.extend(want.priority.map(|p| format!("priority={p}")));
        return lines.join("\n") + "\n";
    }
    // The text is kept, and completed by what other attributes say and it does not.
    let mut out = String::new();
    let sections: Vec<&str> = sections(text);
    for section in sections {
        let has = |key: &str| section.lines().any(|l| l.split('=').next().map(str::trim) == Some(key));
        for line in section.trim_end().lines() {
            if !want.enabled && line.split('=').next().map(str::trim) == Some("enabled") {
                continue;
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        let more = [
            (!want.enabled).then(|| "enabled=0".to_string()),
            (!want.gpgcheck && !has("gpgcheck")).then(|| "gpgcheck=0".to_string()),
            gpgkey.as_ref().filter(|_| !has("gpgkey")).map(|path| format!("gpgkey={path}")),
            want.priority.filter(|_| !has("priority")).map(|p| format!("priority={p}")),
        ];
        for line in more.into_iter().flatten() {
            out.push_str(&line);
            out.push('\n');
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Splits a text before each line that starts with `[`.
fn sections(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = text.match_indices("\n[").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    starts.push(text.len());
    starts.windows(2).filter_map(|pair| text.get(pair[0]..pair[1])).collect()
}
