//! The words that `when:` compares: OS families, distributions, architectures, days.

/// The families that `os.family` has, in the order of their bits.
pub const FAMILIES: [&str; 11] =
    ["debian", "redhat", "suse", "arch", "alpine", "macos", "freebsd", "openbsd", "netbsd", "illumos", "windows"];

/// Families of families: `bsd`; and `linux`, which is also every Linux that has none of the families.
pub const UNIONS: [&str; 2] = ["bsd", "linux"];

/// How many of [`FAMILIES`], from the first, are Linux.
const LINUX_FAMILIES: u32 = 5;
/// The bit of a Linux of no known family.
const OTHER_LINUX: u64 = 1 << 62;
/// All families, and none of them.
pub(super) const ANY_FAMILY: u64 = u64::MAX;

/// The known ids of `os.distro`, each with its family. Others exist; these are what a mistyped id is held against.
/// `linux` is the family of those that have none of their own.
pub const DISTROS: [(&str, &str); 56] = [
    ("debian", "debian"),
    ("ubuntu", "debian"),
    ("raspbian", "debian"),
    ("linuxmint", "debian"),
    ("devuan", "debian"),
    ("kali", "debian"),
    ("pop", "debian"),
    ("proxmox", "debian"),
    ("elementary", "debian"),
    ("zorin", "debian"),
    ("deepin", "debian"),
    ("rhel", "redhat"),
    ("centos", "redhat"),
    ("rocky", "redhat"),
    ("almalinux", "redhat"),
    ("fedora", "redhat"),
    ("ol", "redhat"),
    ("amzn", "redhat"),
    ("scientific", "redhat"),
    ("cloudlinux", "redhat"),
    ("openeuler", "redhat"),
    ("eurolinux", "redhat"),
    ("virtuozzo", "redhat"),
    ("azurelinux", "redhat"),
    ("opensuse-leap", "suse"),
    ("opensuse-tumbleweed", "suse"),
    ("opensuse-microos", "suse"),
    ("opensuse", "suse"),
    ("sles", "suse"),
    ("sled", "suse"),
    ("sle-micro", "suse"),
    ("arch", "arch"),
    ("archarm", "arch"),
    ("manjaro", "arch"),
    ("endeavouros", "arch"),
    ("alpine", "alpine"),
    ("postmarketos", "alpine"),
    ("gentoo", "linux"),
    ("void", "linux"),
    ("nixos", "linux"),
    ("slackware", "linux"),
    ("photon", "linux"),
    ("clear-linux-os", "linux"),
    ("flatcar", "linux"),
    ("openwrt", "linux"),
    ("macos", "macos"),
    ("freebsd", "freebsd"),
    ("ghostbsd", "freebsd"),
    ("openbsd", "openbsd"),
    ("netbsd", "netbsd"),
    ("omnios", "illumos"),
    ("openindiana", "illumos"),
    ("smartos", "illumos"),
    ("tribblix", "illumos"),
    ("solaris", "illumos"),
    ("windows", "windows"),
];

/// Architectures by the word of `os.arch`, and by the other names they go by.
pub const ARCHES: [(&str, &str); 25] = [
    ("amd64", "amd64"),
    ("x86_64", "amd64"),
    ("x86-64", "amd64"),
    ("x64", "amd64"),
    ("arm64", "arm64"),
    ("aarch64", "arm64"),
    ("386", "386"),
    ("i386", "386"),
    ("i486", "386"),
    ("i586", "386"),
    ("i686", "386"),
    ("x86", "386"),
    ("arm", "arm"),
    ("armhf", "arm"),
    ("armel", "arm"),
    ("armv6l", "arm"),
    ("armv7l", "arm"),
    ("riscv64", "riscv64"),
    ("ppc64le", "ppc64le"),
    ("ppc64el", "ppc64le"),
    ("powerpc64le", "ppc64le"),
    ("s390x", "s390x"),
    ("loong64", "loong64"),
    ("loongarch64", "loong64"),
    ("sparc64", "sparc64"),
];

/// The days of the week from Monday, long and short.
pub const DAYS: [(&str, &str); 7] = [
    ("monday", "mon"),
    ("tuesday", "tue"),
    ("wednesday", "wed"),
    ("thursday", "thu"),
    ("friday", "fri"),
    ("saturday", "sat"),
    ("sunday", "sun"),
];

/// Returns the families that a word stands for as bits: one, or those of a union. Compares without case.
pub(super) fn family_bits(word: &str) -> Option<u64> {
    let linux = ((1 << LINUX_FAMILIES) - 1) | OTHER_LINUX;
    if word.eq_ignore_ascii_case("linux") {
        return Some(linux);
    }
    let bit = |name: &str| FAMILIES.iter().position(|f| f.eq_ignore_ascii_case(name)).map(|i| 1 << i);
    if word.eq_ignore_ascii_case("bsd") {
        return Some(["freebsd", "openbsd", "netbsd"].into_iter().filter_map(bit).sum());
    }
    bit(word)
}

/// Returns the family of a known distribution; `linux` for one that has none of its own.
pub fn family_of(distro: &str) -> Option<&'static str> {
    DISTROS.iter().find(|(id, _)| id.eq_ignore_ascii_case(distro)).map(|(_, family)| *family)
}

/// Returns the word of `os.arch` for an architecture by any of its names.
pub fn arch_of(word: &str) -> Option<&'static str> {
    ARCHES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word)).map(|(_, arch)| *arch)
}

/// Returns a day's number, 0 is Monday.
pub fn day_of(word: &str) -> Option<u8> {
    let found =
        DAYS.iter().position(|(long, short)| long.eq_ignore_ascii_case(word) || short.eq_ignore_ascii_case(word));
    found.map(|i| i as u8)
}
