//! The table of file systems of illumos, vfstab(5): seven fields, `-` for none, no escapes.
//!
//! A line holds the device, the device that fsck(8) checks, mount point, type, pass of fsck, whether it is mounted at boot,
//! and options. What fstab says by the option `noauto` is the sixth field here; there is nothing for dump(8).

use super::fstab::Line;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns the lines that are no comments, as fstab would have them.
pub fn lines(text: &[u8]) -> Vec<Line> {
    text.split(|&b| b == b'\n').filter_map(|line| parse(core::str::from_utf8(line).ok()?)).collect()
}

/// Returns the table with `new` in place of the first line for which `is` says yes, and without the others of them; at
/// the end, if there is none. Without `new` all of them go. Everything else stays byte for byte.
pub fn edited(text: &[u8], is: impl Fn(&Line) -> bool, new: Option<&Line>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 128);
    let mut new = new;
    for whole in text.split_inclusive(|&b| b == b'\n') {
        let bytes = whole.strip_suffix(b"\n").unwrap_or(whole);
        let old = core::str::from_utf8(bytes).ok().and_then(|line| Some((line, parse(line)?)));
        let Some((line, old)) = old.filter(|(_, old)| is(old)) else {
            out.extend_from_slice(whole);
            continue;
        };
        if let Some(new) = new.take() {
            match old == *new {
                true => out.extend_from_slice(bytes),
                false => {
                    out.extend_from_slice(written(new, field(line, 1).filter(|_| old.device == new.device)).as_bytes())
                }
            }
            out.extend_from_slice(whole.get(bytes.len()..).unwrap_or_default());
        }
    }
    if let Some(new) = new {
        if out.last().is_some_and(|&b| b != b'\n') {
            out.push(b'\n');
        }
        out.extend_from_slice(written(new, None).as_bytes());
        out.push(b'\n');
    }
    out
}

/// Returns whether a field can be written: the table knows no escapes.
pub fn fits(field: &str) -> bool {
    !field.is_empty()
        && !field.starts_with('#')
        && field != "-"
        && !field.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn field(line: &str, index: usize) -> Option<&str> {
    line.split_ascii_whitespace().nth(index)
}

fn parse(line: &str) -> Option<Line> {
    let mut fields = line.split_ascii_whitespace();
    let device = fields.next().filter(|f| !f.starts_with('#'))?;
    let (_, path, fstype) = (fields.next()?, fields.next()?, fields.next()?);
    let pass = fields.next().and_then(|f| f.parse().ok()).unwrap_or(0);
    let at_boot = fields.next() == Some("yes");
    let options = fields.next().filter(|f| *f != "-").unwrap_or_default();
    let mut all: Vec<&str> = options.split(',').filter(|o| !o.is_empty()).collect();
    if !at_boot {
        all.push("noauto");
    }
    let options = if all.is_empty() { "defaults".into() } else { all.join(",") };
    Some(Line { device: device.into(), path: path.into(), fstype: fstype.into(), options, dump: 0, pass })
}

/// Returns the line. `check` is the device for fsck where the table had one; that of a disk is its raw device.
fn written(line: &Line, check: Option<&str>) -> String {
    let raw = || line.device.strip_prefix("/dev/dsk/").map(|disk| format!("/dev/rdsk/{disk}"));
    let check = match check {
        Some(check) => check.to_string(),
        None => raw().unwrap_or_else(|| "-".into()),
    };
    let options: Vec<&str> =
        line.options.split(',').filter(|o| !matches!(*o, "" | "defaults" | "noauto" | "auto")).collect();
    let options = if options.is_empty() { "-".into() } else { options.join(",") };
    let pass = if line.pass == 0 { "-".into() } else { line.pass.to_string() };
    let at_boot = if line.options.split(',').any(|o| o == "noauto") { "no" } else { "yes" };
    [&line.device, &check, &line.path, &line.fstype, &pass, at_boot, &options].join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line() -> Line {
        Line {
            device: "/dev/dsk/c1t0d0s7".into(),
            path: "/data".into(),
            fstype: "ufs".into(),
            options: "logging,noauto".into(),
            dump: 0,
            pass: 2,
        }
    }

    const WRITTEN: &str = "/dev/dsk/c1t0d0s7\t/dev/rdsk/c1t0d0s7\t/data\tufs\t2\tno\tlogging";

    #[test]
    fn one_line_of_seven_fields_is_edited() {
        let at = |text: &str, new: Option<&Line>| {
            String::from_utf8(edited(text.as_bytes(), |l| l.path == "/data", new)).unwrap()
        };
        let cases = [
            ("empty", "", format!("{WRITTEN}\n")),
            ("no final newline", "# device", format!("# device\n{WRITTEN}\n")),
            ("the same", &WRITTEN.replace('\t', "  "), WRITTEN.replace('\t', "  ")),
            (
                "another",
                "swap - /data tmpfs - yes -\nfd - /dev/fd fd - no -\n",
                format!("{WRITTEN}\nfd - /dev/fd fd - no -\n"),
            ),
            (
                "another device for fsck",
                "/dev/dsk/c1t0d0s7 /dev/md/rdsk/d7 /data ufs 1 yes -\n",
                format!("{}\n", WRITTEN.replace("/dev/rdsk/c1t0d0s7", "/dev/md/rdsk/d7")),
            ),
            ("twice", "a - /data ufs - no -\n#\nb - /data ufs - no -\n", format!("{WRITTEN}\n#\n")),
        ];
        for (name, before, after) in cases {
            assert_eq!(at(before, Some(&line())), after, "{name}");
        }
        assert_eq!(at("#\na - /data ufs - no -\nb - /a ufs - no -", None), "#\nb - /a ufs - no -");
    }

    #[test]
    fn mounted_at_boot_is_an_option_elsewhere() {
        let table = lines(b"#\nswap - /tmp tmpfs - yes size=1g\n/dev/dsk/a /dev/rdsk/a /x ufs 2 no -\nhalf a - \n\xff - / x - yes -\n");
        let options: Vec<(&str, &str, u32)> = table.iter().map(|l| (&*l.path, &*l.options, l.pass)).collect();
        assert_eq!(options, [("/tmp", "size=1g", 0), ("/x", "noauto", 2)]);
        assert_eq!(lines(b"swap - /tmp tmpfs - yes -").first().map(|l| &*l.options), Some("defaults"));
    }

    #[test]
    fn a_field_with_blanks_does_not_fit() {
        for (field, expected) in
            [("/a", true), ("a b", false), ("", false), ("-", false), ("#a", false), ("a\nb", false)]
        {
            assert_eq!(fits(field), expected, "{field}");
        }
    }

    proptest! {
        #[test]
        fn editing_twice_is_editing_once_and_other_lines_stay(
            text in "((/dev/dsk/[a-c]|#|swap) {1,2}- /(data|[a-c])\t?( ufs)?( 2| -)?( yes| no)?( ro)?\r?\n|[^\n]{0,8}\n){0,6}",
            present: bool,
        ) {
            let new = line();
            let is = |l: &Line| l.path == "/data";
            let once = edited(text.as_bytes(), is, present.then_some(&new));
            prop_assert_eq!(&edited(&once, is, present.then_some(&new)), &once);
            let other = |l: &&[u8]| !l.is_empty() && !core::str::from_utf8(l).ok().and_then(parse).is_some_and(|l| is(&l));
            let old = text.as_bytes().split(|&b| b == b'\n').filter(other);
            let left = once.split(|&b| b == b'\n').filter(other);
            prop_assert!(old.eq(left));
            prop_assert_eq!(lines(&once).iter().filter(|l| is(l)).count(), usize::from(present));
        }
    }
}
