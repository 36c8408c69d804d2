//! Editing hosts(5) files. Comments, blank lines, lines of other names and the block of the swarm stay byte for byte.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

const BLOCK_BEGIN: &str = "# BEGIN vigo swarm peers";
const BLOCK_END: &str = "# END vigo swarm peers";

/// What is wanted of a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The name.
    pub hostname: Arc<str>,
    /// Its address; with `present` always there.
    pub ip: Option<Arc<str>>,
    /// Its other names; `None` leaves them alone.
    pub aliases: Option<Vec<Arc<str>>>,
    /// Whether it is there.
    pub present: bool,
}

/// What was found, and the text that it becomes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Edited {
    /// The new text.
    pub text: Vec<u8>,
    /// Addresses of the lines of the name that were found.
    pub addresses: Vec<String>,
    /// The other names on the first of them.
    pub aliases: Vec<String>,
    /// Addresses of other lines that name it.
    pub also: Vec<String>,
}

/// A line that names something.
struct Line<'a> {
    /// The address.
    ip: &'a str,
    /// What stands between address and first name.
    gap: &'a str,
    names: Vec<&'a str>,
    /// What stands after the last name: blanks and a comment.
    tail: &'a str,
}

/// Returns the text with the entry as wanted.
pub fn edited(text: &[u8], want: &Entry) -> Edited {
    let mut out = Edited { text: Vec::with_capacity(text.len() + 64), ..Edited::default() };
    let (mut placed, mut in_block) = (false, false);
    // A begin without an end is a comment, no block up to the end of the file.
    let ends = |line: &[u8]| line.trim_ascii() == BLOCK_END.as_bytes();
    let mut ends_left = text.split(|&b| b == b'\n').filter(|l| ends(l)).count();
    for whole in text.split_inclusive(|&b| b == b'\n') {
        let bytes = whole.strip_suffix(b"\n").unwrap_or(whole);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let end = &whole[bytes.len()..];
        let line = core::str::from_utf8(bytes).unwrap_or("");
        if ends(bytes) {
            ends_left -= 1;
            in_block = false;
        } else if line.trim() == BLOCK_BEGIN && ends_left > 0 {
            in_block = true;
        }
        let new = match parse(line).filter(|_| !in_block) {
            Some(line) => change(&line, want, &mut placed, &mut out),
            None => Kept::AsItIs,
        };
        match new {
            Kept::AsItIs => out.text.extend_from_slice(whole),
            Kept::Gone => {}
            Kept::Changed(line) => {
                out.text.extend_from_slice(line.as_bytes());
                out.text.extend_from_slice(end);
            }
        }
    }
    if let Some(ip) = want.ip.as_deref().filter(|_| want.present && !placed) {
        let end: &[u8] = if text.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        if !out.text.is_empty() && !out.text.ends_with(b"\n") {
            out.text.extend_from_slice(end);
        }
        let line = written(ip, "\t", core::iter::once(&*want.hostname).chain(aliases(want)), "");
        out.text.extend_from_slice(line.as_bytes());
        out.text.extend_from_slice(end);
    }
    out
}

enum Kept {
    AsItIs,
    Changed(String),
    Gone,
}

fn change(line: &Line<'_>, want: &Entry, placed: &mut bool, out: &mut Edited) -> Kept {
    let is = |name: &&str| name.eq_ignore_ascii_case(&want.hostname);
    if !want.present {
        let other = want.ip.as_deref().is_some_and(|ip| !same_address(ip, line.ip));
        if other || !line.names.iter().any(is) {
            return Kept::AsItIs;
        }
        out.addresses.push(line.ip.into());
        let goes = |name: &&str| is(name) || aliases(want).any(|a| name.eq_ignore_ascii_case(a));
        let left: Vec<&str> = line.names.iter().copied().filter(|n| !goes(n)).collect();
        if left.is_empty() {
            return Kept::Gone;
        }
        return Kept::Changed(written(line.ip, line.gap, left.into_iter(), line.tail));
    }
    let ip = want.ip.as_deref().unwrap_or_default();
    if is_v6(line.ip) != is_v6(ip) || !line.names.iter().any(is) {
        return Kept::AsItIs;
    }
    if !line.names.first().is_some_and(is) {
        out.also.push(line.ip.into());
        return Kept::AsItIs;
    }
    out.addresses.push(line.ip.into());
    if *placed {
        // A second line would give the name a second address.
        return Kept::Gone;
    }
    *placed = true;
    let others = line.names.get(1..).unwrap_or_default();
    out.aliases = others.iter().map(|n| (*n).into()).collect();
    let wanted: Vec<&str> = match &want.aliases {
        None => others.to_vec(),
        Some(_) => aliases(want).collect(),
    };
    let same = |list: &[&str], other: &[&str]| list.iter().all(|a| other.iter().any(|b| a.eq_ignore_ascii_case(b)));
    if same_address(ip, line.ip) && same(others, &wanted) && same(&wanted, others) {
        return Kept::AsItIs;
    }
    let ip = if same_address(ip, line.ip) { line.ip } else { ip };
    let first = line.names.first().copied().unwrap_or_default();
    Kept::Changed(written(ip, line.gap, core::iter::once(first).chain(wanted), line.tail))
}

fn aliases(want: &Entry) -> impl Iterator<Item = &str> {
    want.aliases.iter().flatten().map(|a| &**a)
}

fn written<'a>(ip: &str, gap: &str, names: impl Iterator<Item = &'a str>, tail: &str) -> String {
    let mut line = String::from(ip);
    for (i, name) in names.enumerate() {
        line.push_str(if i == 0 { gap } else { " " });
        line.push_str(name);
    }
    line.push_str(tail);
    line
}

fn parse(line: &str) -> Option<Line<'_>> {
    let blank = [' ', '\t'];
    let names_end = line.find('#').unwrap_or(line.len());
    let body = line.get(..names_end)?.trim_end_matches(blank);
    let ip_end = body.find(blank)?;
    let (ip, rest) = body.split_at(ip_end);
    let first = rest.trim_start_matches(blank);
    let gap = rest.get(..rest.len() - first.len())?;
    let names: Vec<&str> = first.split(blank).filter(|n| !n.is_empty()).collect();
    (address(ip).is_some() && !names.is_empty()).then_some(Line { ip, gap, names, tail: line.get(body.len()..)? })
}

/// Parses an address, an IPv6 one with its zone.
pub(super) fn address(text: &str) -> Option<(IpAddr, Option<&str>)> {
    match text.split_once('%') {
        Some((ip, zone)) if ip.contains(':') && !zone.is_empty() => Some((ip.parse().ok()?, Some(zone))),
        Some(_) => None,
        None => Some((text.parse().ok()?, None)),
    }
}

fn same_address(a: &str, b: &str) -> bool {
    a == b || address(a).is_some_and(|a| Some(a) == address(b))
}

fn is_v6(ip: &str) -> bool {
    ip.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn want(ip: &str, aliases: Option<&[&str]>) -> Entry {
        Entry {
            hostname: "web".into(),
            ip: Some(ip.into()).filter(|ip: &Arc<str>| !ip.is_empty()),
            aliases: aliases.map(|l| l.iter().map(|a| Arc::from(*a)).collect()),
            present: true,
        }
    }

    fn text(out: &Edited) -> String {
        core::str::from_utf8(&out.text).unwrap().to_string()
    }

    #[test]
    fn a_name_is_put_where_it_was_or_at_the_end() {
        let cases = [
            ("empty", "", want("10.0.0.1", None), "10.0.0.1\tweb\n"),
            ("aliases", "# x", want("10.0.0.1", Some(&["a", "b"])), "# x\n10.0.0.1\tweb a b\n"),
            ("the same", " \n10.0.0.1  WEB\ta # c", want("10.0.0.1", None), " \n10.0.0.1  WEB\ta # c"),
            ("the same set", "10.0.0.1 web b A\n", want("10.0.0.1", Some(&["a", "b"])), "10.0.0.1 web b A\n"),
            ("another address", "10.0.0.2\t web a  # c\r\n", want("10.0.0.1", None), "10.0.0.1\t web a  # c\r\n"),
            ("fewer aliases", "10.0.0.1 web a b\n", want("10.0.0.1", Some(&[])), "10.0.0.1 web\n"),
            ("the other family", "::1 web\n", want("10.0.0.1", None), "::1 web\n10.0.0.1\tweb\n"),
            ("the same v6", "0:0::1 web\n", want("::1", None), "0:0::1 web\n"),
            ("twice", "10.0.0.2 web\nx\n10.0.0.3 web\n", want("10.0.0.1", None), "10.0.0.1 web\nx\n"),
            ("an alias elsewhere", "10.0.0.2 db web\n", want("10.0.0.1", None), "10.0.0.2 db web\n10.0.0.1\tweb\n"),
            ("commented", "#10.0.0.1 web\n", want("10.0.0.1", None), "#10.0.0.1 web\n10.0.0.1\tweb\n"),
            (
                "the swarm's",
                "# BEGIN vigo swarm peers\n10.0.0.2 web\n# END vigo swarm peers\n",
                want("10.0.0.1", None),
                "# BEGIN vigo swarm peers\n10.0.0.2 web\n# END vigo swarm peers\n10.0.0.1\tweb\n",
            ),
            (
                "a block without an end",
                "# BEGIN vigo swarm peers\n",
                want("10.0.0.1", None),
                "# BEGIN vigo swarm peers\n10.0.0.1\tweb\n",
            ),
        ];
        for (name, before, want, after) in cases {
            assert_eq!(text(&edited(before.as_bytes(), &want)), after, "{name}");
        }
    }

    #[test]
    fn a_name_is_taken_out() {
        let gone = |ip: &str, aliases| Entry { present: false, ..want(ip, aliases) };
        let cases = [
            ("everywhere", "1.1.1.1 web\n::1 db web # c\n1.1.1.2 web2\n", gone("", None), "::1 db # c\n1.1.1.2 web2\n"),
            ("of one address", "1.1.1.1 web\n1.1.1.2 web\n", gone("1.1.1.1", None), "1.1.1.2 web\n"),
            ("with aliases", "1.1.1.1 web a b\n", gone("", Some(&["a"])), "1.1.1.1 b\n"),
            (
                "not the swarm's",
                "# BEGIN vigo swarm peers\n1.1.1.1 web\n# END vigo swarm peers\n1.1.1.1 web\n",
                gone("", None),
                "# BEGIN vigo swarm peers\n1.1.1.1 web\n# END vigo swarm peers\n",
            ),
            ("no block", "# BEGIN vigo swarm peers\n1.1.1.1 web\n", gone("", None), "# BEGIN vigo swarm peers\n"),
        ];
        for (name, before, want, after) in cases {
            assert_eq!(text(&edited(before.as_bytes(), &want)), after, "{name}");
        }
    }

    proptest! {
        #[test]
        fn editing_twice_is_editing_once_and_other_lines_stay(
            lines in proptest::collection::vec(
                "#? ?(1\\.1\\.1\\.[12]|::1|x)[ \t](web|db|a| ){1,3}( #.{0,3})?|# (BEGIN|END) vigo swarm peers|.{0,5}", 0..8),
            end in "\n|\r\n|",
            present: bool,
        ) {
            let before = lines.join("\n") + &end;
            let want = Entry { present, ..want("1.1.1.1", Some(&["a"])) };
            let once = edited(before.as_bytes(), &want);
            prop_assert_eq!(&edited(&once.text, &want).text, &once.text);
            let other = |l: &&[u8]| !l.windows(3).any(|w| w == b"web") || l.starts_with(b"#");
            let old: Vec<&[u8]> = before.as_bytes().split(|&b| b == b'\n').filter(other).filter(|l| !l.is_empty()).collect();
            let new: Vec<&[u8]> = once.text.split(|&b| b == b'\n').filter(other).filter(|l| !l.is_empty()).collect();
            let mut new = new.iter();
            prop_assert!(old.iter().all(|l| new.any(|n| n == l || n.strip_suffix(b"\r") == Some(*l))), "{:?}", once);
        }
    }
}
