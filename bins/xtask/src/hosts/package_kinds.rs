//! The package managers besides apt: what makes a machine of theirs out of a Debian one, and a repository for each.

/// One of them.
pub struct ManagerKind {
    /// Its name, and that of its machine.
    pub name: &'static str,
    /// The packages of Debian that have it, and what makes its repositories.
    pub packages: &'static [&'static str],
    /// What makes the machine one of its distribution, with a repository at [`SOURCE`].
    pub furnish: &'static str,
    /// What prints name and version of what is installed of ours.
    pub installed: &'static str,
    /// What has the repository offer the newer versions, where it does not from the beginning.
    pub publish: &'static str,
    /// What takes a package away by hand.
    pub remove: &'static str,
    /// What holds a package by hand; empty where nothing does.
    pub lock: &'static str,
    /// The file with the source, and a line that it has when the source is in use.
    pub source: (&'static str, &'static str),
    /// What it can do about versions.
    pub held: Held,
}

/// What a manager can do about versions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It holds packages, and goes back to an older version; an upgrade of everything tells, or does not tell, from where.
    Yes { tells_from: bool },
    /// Neither.
    No,
}

/// Where the repository is.
pub const SOURCE: &str = "/srv/source";

/// All of them.
pub const MANAGERS: &[(&str, ManagerKind)] = &[("dnf", DNF), ("zypper", ZYPPER), ("pacman", PACMAN)];

const INSTALLED: &str = "rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\\n' | grep -E '^(food|porridge)' | sort";

/// Debian's rpm has its database at home.
macro_rules! rpm {
    ($release:literal, $more:literal) => {
        concat!(
            "set -e; rm -f /etc/os-release; printf '",
            $release,
            "' >/etc/os-release\n",
            $more,
            r#"
mkdir -p /srv/source /etc/rpm; echo '%_dbpath %{_var}/lib/rpm' >/etc/rpm/macros
make() {
    printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: a package for tests\nLicense: MIT\nBuildArch: noarch\n' $1 $2
    if [ "${3-}" ]; then printf 'Requires: %s\n' "$3"; fi
    printf '%%description\na package for tests\n%%install\nmkdir -p %%{buildroot}/usr/share/%s\n' $1
    printf 'echo %s >%%{buildroot}/usr/share/%s/version\n%%files\n/usr/share/%s/version\n' $2 $1 $1
}
build() {
    make "$@" >/tmp/spec
    rpmbuild -bb --quiet --define '_topdir /tmp/build' --define '_rpmdir /srv/source' /tmp/spec
}
build food 1.0; build food 2.0; build food-extra 1.0 'food >= 1.0'; build porridge 1.0; build porridge 2.0
createrepo_c -q /srv/source
"#
        )
    };
}

const DNF: ManagerKind = ManagerKind {
    name: "dnf",
    packages: &["createrepo-c", "rpm", "dnf", "dnf-plugins-core"],
    furnish: rpm!(
        "NAME=\"Fedora Linux\"\\nID=fedora\\nVERSION_ID=40\\n",
        // It wants signed packages of a repository that it makes itself.
        "rm /etc/dnf/plugins/local.conf"
    ),
    installed: INSTALLED,
    publish: "",
    remove: "rpm -e",
    lock: "dnf -q -y versionlock add",
    source: ("/etc/yum.repos.d/vigo-test.repo", "enabled=1"),
    held: Held::Yes { tells_from: false },
};

const ZYPPER: ManagerKind = ManagerKind {
    name: "zypper",
    packages: &["createrepo-c", "rpm", "zypper"],
    furnish: rpm!("NAME=openSUSE\\nID=opensuse-leap\\nID_LIKE=\"suse opensuse\"\\nVERSION_ID=15.6\\n", ""),
    installed: INSTALLED,
    publish: "",
    remove: "rpm -e",
    lock: "zypper -q --non-interactive addlock",
    source: ("/etc/zypp/repos.d/vigo-test.repo", "enabled=1"),
    held: Held::Yes { tells_from: true },
};

const PACMAN: ManagerKind = ManagerKind {
    name: "pacman",
    packages: &["pacman-package-manager", "makepkg", "libarchive-tools", "zstd"],
    furnish: r#"set -e; rm -f /etc/os-release; printf 'NAME="Arch Linux"\nID=arch\n' >/etc/os-release
mkdir -p /srv/source /tmp/build; cd /tmp/build
build() {
    rm -rf tree; mkdir -p tree/usr/share/$1; echo $2 >tree/usr/share/$1/version
    printf 'pkgname = %s\npkgbase = %s\npkgver = %s-1\npkgdesc = a package for tests\n' $1 $1 $2 >tree/.PKGINFO
    printf 'builddate = 1\npackager = nobody\nsize = 1\narch = any\n' >>tree/.PKGINFO
    if [ "${3-}" ]; then printf 'depend = %s\n' "$3" >>tree/.PKGINFO; fi
    (cd tree; bsdtar -czf /srv/source/$1-$2-1-any.pkg.tar.gz .PKGINFO usr)
}
build food 1.0; build food 2.0; build food-extra 1.0 'food>=1.0'; build porridge 1.0; build porridge 2.0
cd /srv/source; repo-add -q vigo-test.db.tar.gz food-1.0-1-* food-extra-1.0-1-* porridge-2.0-1-*
"#,
    installed: "pacman -Q | grep -E '^(food|porridge)'",
    publish: "cd /srv/source; repo-add -q vigo-test.db.tar.gz food-2.0-1-*",
    remove: "pacman --noconfirm -R",
    lock: "",
    source: ("/etc/pacman.conf", "[vigo-test]"),
    held: Held::No,
};
