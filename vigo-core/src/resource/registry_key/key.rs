//! The name of a key.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// Components below the root at most; Windows takes 512.
const DEPTH_MAX: usize = 64;
/// Characters of a component at most (Registry Element Size Limits, Windows API).
const COMPONENT_CHARS_MAX: usize = 255;

/// A key below one of the machine's own roots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    root: Root,
    path: Arc<str>,
}

/// A root that is the same for every account of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Root {
    /// The machine.
    LocalMachine,
    /// The accounts, by their numbers.
    Users,
}

impl Root {
    /// Returns the name as people write it.
    pub fn short(self) -> &'static str {
        match self {
            Self::LocalMachine => "HKLM",
            Self::Users => "HKU",
        }
    }

    /// Returns the name as the system prints it.
    pub fn long(self) -> &'static str {
        match self {
            Self::LocalMachine => "HKEY_LOCAL_MACHINE",
            Self::Users => "HKEY_USERS",
        }
    }
}

impl Key {
    /// Parses `HKLM\SOFTWARE\…`; the long names of the roots, and `HKLM:` as PowerShell has it, are understood.
    ///
    /// # Errors
    /// A fragment that says what was expected, and what to do, where that is known.
    pub fn parse(text: &str) -> Result<Self, (String, Option<&'static str>)> {
        let (root, path) = text.split_once('\\').unwrap_or((text, ""));
        let expected = || format!("expected a key such as `HKLM\\SOFTWARE\\App`, found `{}`", text.escape_debug());
        let root = match root.trim_end_matches(':').to_ascii_uppercase().as_str() {
            "HKLM" | "HKEY_LOCAL_MACHINE" => Root::LocalMachine,
            "HKU" | "HKEY_USERS" => Root::Users,
            "HKCU" | "HKEY_CURRENT_USER" => {
                let help = "write `HKU\\<SID>\\…` for one account: the current one is the agent's own";
                return Err((expected(), Some(help)));
            }
            "HKCR" | "HKEY_CLASSES_ROOT" => return Err((expected(), Some("write `HKLM\\SOFTWARE\\Classes\\…`"))),
            _ => return Err((expected(), None)),
        };
        let path = path.trim_end_matches('\\');
        let good = |part: &str| {
            !part.is_empty() && part.chars().count() <= COMPONENT_CHARS_MAX && !part.chars().any(char::is_control)
        };
        if !path.split('\\').all(good) || path.split('\\').count() > DEPTH_MAX {
            return Err((expected(), None));
        }
        Ok(Self { root, path: path.into() })
    }

    /// Returns the root.
    pub fn root(&self) -> Root {
        self.root
    }

    /// Returns the components below the root, one at least.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.path.split('\\')
    }

    /// Returns the name as the system prints it.
    pub fn long(&self) -> String {
        format!("{}\\{}", self.root.long(), self.path)
    }

    /// Returns the keys above, the nearest first and the root last, each with the component that leads down from it to
    /// this one; all with their short names.
    pub fn above(&self) -> impl Iterator<Item = (String, &str)> {
        let cut = self.path.rmatch_indices('\\').map(|(at, _)| Some(at)).chain([None]);
        cut.map(|at| match at {
            Some(at) => (format!("{}\\{}", self.root.short(), &self.path[..at]), next(&self.path[at + 1..])),
            None => (self.root.short().into(), next(&self.path)),
        })
    }

    /// Returns whether the key is, or lies below, the definition of one of Vigo's own services.
    pub fn is_own(&self) -> bool {
        let mut parts = self.path.split('\\');
        let mut is =
            |words: &[&str]| parts.next().is_some_and(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part)));
        self.root == Root::LocalMachine
            && is(&["SYSTEM"])
            && is(&["CurrentControlSet", "ControlSet001", "ControlSet002", "ControlSet003"])
            && is(&["Services"])
            && is(&["vigo-envoy", "vigosrv"])
    }
}

fn next(path: &str) -> &str {
    path.split('\\').next().unwrap_or(path)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\\{}", self.root.short(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    #[test]
    fn keys_are_read_however_their_root_is_written() {
        for text in [
            "HKLM\\SOFTWARE\\App",
            "hklm\\SOFTWARE\\App\\",
            "HKEY_LOCAL_MACHINE\\SOFTWARE\\App",
            "HKLM:\\SOFTWARE\\App",
        ] {
            let key = Key::parse(text).unwrap();
            assert_eq!((&*key.to_string(), &*key.long()), ("HKLM\\SOFTWARE\\App", "HKEY_LOCAL_MACHINE\\SOFTWARE\\App"));
        }
        assert_eq!(Key::parse("HKU\\.DEFAULT").unwrap().to_string(), "HKU\\.DEFAULT");
        for (bad, help) in [
            ("HKCU\\Software\\App", Some("HKU")),
            ("HKCR\\.txt", Some("Classes")),
            ("HKLM", None),
            ("HKLM\\", None),
            ("HKLM\\a\\\\b", None),
            ("HKLM\\a\nb", None),
            ("SOFTWARE\\App", None),
            ("", None),
        ] {
            let (_, said) = Key::parse(bad).unwrap_err();
            assert_eq!(said.is_some(), help.is_some(), "{bad}");
            assert!(help.is_none_or(|word| said.unwrap_or_default().contains(word)), "{bad}");
        }
    }

    #[test]
    fn keys_above_lead_down_to_it() {
        let key = Key::parse("HKLM\\SOFTWARE\\App\\Sub").unwrap();
        let above: Vec<(String, &str)> = key.above().collect();
        let expected = [("HKLM\\SOFTWARE\\App", "Sub"), ("HKLM\\SOFTWARE", "App"), ("HKLM", "SOFTWARE")];
        assert_eq!(above, expected.map(|(key, next)| (String::from(key), next)));
    }

    #[test]
    fn the_services_of_vigo_are_known() {
        for (text, own) in [
            ("HKLM\\SYSTEM\\CurrentControlSet\\Services\\vigo-envoy", true),
            ("HKLM\\system\\ControlSet001\\services\\VIGO-ENVOY\\Parameters", true),
            ("HKLM\\SYSTEM\\CurrentControlSet\\Services\\vigo-envoys", false),
            ("HKLM\\SYSTEM\\CurrentControlSet\\Services", false),
        ] {
            assert_eq!(Key::parse(text).unwrap().is_own(), own, "{text}");
        }
    }
}
