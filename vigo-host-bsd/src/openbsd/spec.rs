//! Names of packages, packages-specs(7): `stem-version[-flavor…]`, and what pkg_add(1) takes in their place:
//! `stem[-version][--flavor][%branch]`.

use alloc::format;
use alloc::string::String;

/// An installed package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Installed<'a> {
    pub(super) stem: &'a str,
    pub(super) version: &'a str,
    flavors: &'a str,
    rest: &'a str,
}

impl<'a> Installed<'a> {
    /// Splits a full name at the first hyphen that a digit follows.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let digit = |at: &usize| name[at + 1..].starts_with(|c: char| c.is_ascii_digit());
        let at = name.match_indices('-').map(|(at, _)| at).find(digit)?;
        let (stem, rest) = (&name[..at], &name[at + 1..]);
        let (version, flavors) = rest.split_once('-').unwrap_or((rest, ""));
        let plain = !stem.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        plain.then_some(Self { stem, version, flavors, rest })
    }

    /// Returns what follows the stem.
    pub(super) fn version_and_flavors(&self) -> &'a str {
        self.rest
    }
}

/// A wanted package.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spec<'a> {
    pub(super) stem: &'a str,
    /// `Some("")` is none; without it, any will do.
    flavor: Option<&'a str>,
    branch: Option<&'a str>,
}

impl<'a> Spec<'a> {
    pub(super) fn parse(text: &'a str) -> Self {
        let (rest, branch) = match text.split_once('%') {
            Some((rest, branch)) => (rest, Some(branch)),
            None => (text, None),
        };
        match rest.split_once("--") {
            Some((stem, flavor)) => Self { stem, flavor: Some(flavor), branch },
            None => Self { stem: rest, flavor: None, branch },
        }
    }

    /// Returns whether an installed package is the wanted one. A branch is known by the beginning of its versions.
    pub(super) fn accepts(&self, installed: &Installed<'_>) -> bool {
        let of_branch = |branch: &str| {
            let rest = installed.version.strip_prefix(branch);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        installed.stem == self.stem
            && self.flavor.is_none_or(|flavor| flavor == installed.flavors)
            && self.branch.is_none_or(of_branch)
    }

    /// Returns the full name of one version.
    pub(super) fn versioned(&self, version: &str) -> String {
        match self.flavor {
            Some(flavor) if !flavor.is_empty() && !version.contains('-') => format!("{}-{version}-{flavor}", self.stem),
            _ => format!("{}-{version}", self.stem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_flavors_and_branches_are_told_apart() {
        let cases = [
            ("vim", "vim-9.0.1-no_x11", true),
            ("vim--no_x11", "vim-9.0.1-no_x11", true),
            ("vim--", "vim-9.0.1-no_x11", false),
            ("vim--", "vim-9.0.1p1", true),
            ("vim--gtk2", "vim-9.0.1-no_x11", false),
            ("python%3.11", "python-3.11.6p0", true),
            ("python%3.1", "python-3.11.6", false),
            ("python%3.11", "python-3.11", true),
            ("php-mysqli%8.2", "php-mysqli-8.2.10", true),
            ("php", "php-mysqli-8.2.10", false),
            ("postgresql-server", "postgresql-server-15.4", true),
            ("p5-Text-CSV", "p5-Text-CSV-1.20v0", true),
            ("emacs--no_x11-x", "emacs-29.1-no_x11-x", true),
        ];
        for (spec, installed, expected) in cases {
            let seen = Installed::parse(installed).is_some_and(|installed| Spec::parse(spec).accepts(&installed));
            assert_eq!(seen, expected, "{spec} of {installed}");
        }
        for bad in ["", "vim", "-1.0", "vim 9-1", "vim-", "\u{fffd}-1"] {
            assert_eq!(Installed::parse(bad), None, "{bad}");
        }
        assert_eq!(Spec::parse("vim--no_x11").versioned("9.0"), "vim-9.0-no_x11");
        assert_eq!(Spec::parse("python%3.11").versioned("3.11.6"), "python-3.11.6");
        assert_eq!(Spec::parse("vim--").versioned("9.0-gtk2"), "vim-9.0-gtk2");
    }
}
