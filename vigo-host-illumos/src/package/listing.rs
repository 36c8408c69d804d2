//! What `pkg list -Hv` says.

use alloc::string::String;
use alloc::vec::Vec;

/// A line of the listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    /// The publisher.
    pub(crate) publisher: String,
    /// The name, `web/server/nginx`.
    pub(crate) name: String,
    /// The whole version, `1.24.0,5.11-151046.0:20230504T130000Z`.
    pub(crate) version: String,
    /// Whether this version is installed.
    pub(crate) installed: bool,
    /// Whether it is frozen.
    pub(crate) frozen: bool,
    /// Whether there is no such package any more: it was renamed, or given up.
    pub(crate) obsolete: bool,
}

/// Reads the lines that are packages; warnings may stand between them.
pub(crate) fn listed(out: &str) -> Vec<Listed> {
    out.lines().filter_map(line).collect()
}

/// One of two shapes: `FMRI  IFO`, and as old systems have it, `FMRI  STATE  UFOXI`.
fn line(line: &str) -> Option<Listed> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (publisher, rest) = words.first()?.strip_prefix("pkg://")?.split_once('/')?;
    let (name, version) = rest.split_once('@')?;
    let flag = |flags: &str, at: usize, letters: &str| flags.chars().nth(at).is_some_and(|c| letters.contains(c));
    let known = |flags: &str, letters: &str| flags.chars().all(|c| letters.contains(c));
    let (installed, frozen, obsolete) = match words[1..] {
        [ifo] if ifo.len() == 3 && known(ifo, "-ifmor") => (flag(ifo, 0, "i"), flag(ifo, 1, "f"), flag(ifo, 2, "or")),
        [state @ ("installed" | "known"), ufoxi] if ufoxi.len() == 5 && known(ufoxi, "-ufoxir") => {
            (state == "installed", flag(ufoxi, 1, "f"), flag(ufoxi, 2, "or"))
        }
        _ => return None,
    };
    let named = !publisher.is_empty() && !name.is_empty() && !version.is_empty();
    named.then(|| Listed {
        publisher: publisher.into(),
        name: name.into(),
        version: version.into(),
        installed,
        frozen,
        obsolete,
    })
}

impl Listed {
    /// Returns whether a wanted name means this package: the whole name, its last parts, or with its publisher.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        let wanted = match wanted.strip_prefix("pkg://").or_else(|| wanted.strip_prefix("//")) {
            Some(rest) => match rest.split_once('/') {
                Some((publisher, name)) => return publisher == self.publisher && name == self.name,
                None => return false,
            },
            None => wanted.strip_prefix("pkg:/").unwrap_or(wanted),
        };
        let last = self.name.strip_suffix(wanted);
        last.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    }

    /// Returns shorter spellings of the version: without its time, its build release, its branch.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let (plain, _) = self.version.split_once(':').unwrap_or((&self.version, ""));
        let (of_component, rest) = match plain.split_once(',') {
            Some((component, rest)) => (component, rest.split_once('-').map(|(_, branch)| branch)),
            None => match plain.split_once('-') {
                Some((component, branch)) => (component, Some(branch)),
                None => (plain, None),
            },
        };
        let with_branch = rest.map(|branch| alloc::format!("{of_component}-{branch}"));
        let mut all = alloc::vec![String::from(plain)];
        all.extend(with_branch);
        all.push(of_component.into());
        all
    }
}
