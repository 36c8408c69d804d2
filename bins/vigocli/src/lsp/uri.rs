//! URIs of files, and paths.

use gen_lsp_types::Uri;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// Returns the path that a `file:` URI names, without `.` and `..`.
pub(super) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_ref().strip_prefix("file://")?;
    let path = rest.get(rest.find('/')?..)?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    if bytes.contains(&0) {
        return None;
    }
    let mut path = PathBuf::new();
    for part in Path::new(&OsString::from_vec(bytes)).components() {
        match part {
            std::path::Component::ParentDir => drop(path.pop()),
            std::path::Component::CurDir => {}
            part => path.push(part),
        }
    }
    Some(path)
}

/// Returns the URI of a path from the root.
pub(super) fn from_path(path: &Path) -> Uri {
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte.into());
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    Uri(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_paths_and_back() {
        for path in ["/a/b.vgo", "/", "/ä b/%41#?.vgo"] {
            assert_eq!(to_path(&from_path(Path::new(path))).as_deref(), Some(Path::new(path)), "{path}");
        }
        let cases = [
            ("file:///a%20b", Some("/a b")),
            ("file://host/a", Some("/a")),
            ("file:///a/../b/./c", Some("/b/c")),
            ("file:///../../a", Some("/a")),
            ("file:///%41%3a", Some("/A:")),
            ("file:///a%2", None),
            ("file:///a%zz", None),
            ("file:///a%00", None),
            ("file://", None),
            ("untitled:a", None),
            ("", None),
        ];
        for (uri, path) in cases {
            assert_eq!(to_path(&Uri(uri.into())).as_deref(), path.map(Path::new), "{uri}");
        }
    }
}
