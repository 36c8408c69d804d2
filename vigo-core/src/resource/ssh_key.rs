//! Lines of an authorized_keys file, sshd(8).

use crate::base64;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The parts of a line that holds a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct KeyLine<'a> {
    /// What stands before the key type; empty when nothing does.
    pub options: &'a str,
    /// `ssh-ed25519` …
    pub key_type: &'a str,
    /// The key, base64.
    pub blob: &'a str,
    /// What stands after the key.
    pub comment: &'a str,
}

impl<'a> KeyLine<'a> {
    /// Splits a line; `None` for one that is empty, a comment, or has no key type and key.
    pub fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (options, rest) = match word(line) {
            (first, rest) if is_key_type(first) => ("", (first, rest)),
            _ => {
                let end = options_end(line);
                (&line[..end], word(line[end..].trim_start()))
            }
        };
        let (key_type, rest) = rest;
        let (blob, comment) = word(rest);
        (is_key_type(key_type) && !blob.is_empty()).then_some(Self { options, key_type, blob, comment })
    }

    /// Says why the key is none.
    ///
    /// # Errors
    /// A fragment.
    pub fn check(&self) -> Result<(), String> {
        let Some(bytes) = base64::decode_lenient(self.blob) else {
            return Err(format!("expected base64 after `{}`", self.key_type));
        };
        let inner =
            bytes.split_first_chunk::<4>().and_then(|(len, rest)| rest.get(..u32::from_be_bytes(*len) as usize));
        match inner {
            Some(inner) if inner == self.key_type.as_bytes() => Ok(()),
            Some(inner) if is_key_type(&String::from_utf8_lossy(inner)) => {
                Err(format!("expected a key of type `{}`, found `{}`", self.key_type, String::from_utf8_lossy(inner)))
            }
            _ => Err(format!("expected a key of type `{}`, found bytes that are no key", self.key_type)),
        }
    }
}

/// Returns a remark for each line of `text` that is no comment and whose key does not decode. Keys are not shown.
pub(super) fn remarks(text: &str) -> Vec<String> {
    let remark = |(i, line): (usize, &str)| {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let why = match KeyLine::parse(line) {
            Some(key) => key.check().err()?,
            None => "expected `[options] type key [comment]`".into(),
        };
        Some(format!("line {} of `authorized_keys` is no key: {why}", i + 1))
    };
    text.lines().enumerate().filter_map(remark).take(20).collect()
}

/// Returns whether a word is the name of a key type, also of one that came after this was written.
pub(super) fn is_key_type(word: &str) -> bool {
    let named = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "webauthn-sk-"].iter().any(|p| word.starts_with(p));
    named && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.@".contains(&b))
}

fn word(text: &str) -> (&str, &str) {
    match text.split_once([' ', '\t']) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

/// Options end at the first blank outside of double quotes, in which `\"` is a quote.
fn options_end(line: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in line.bytes().enumerate() {
        match b {
            b' ' | b'\t' if !quoted => return i,
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = b == b'\\' && !escaped;
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIDk3VvZTO6vQ5tIcYG8DcNnZdqbYzTgYAVtk8zHbVUwA";

    #[test]
    fn lines_split_into_their_parts() {
        let cases = [
            ("ssh-ed25519 AAAA", Some(("", "ssh-ed25519", "AAAA", ""))),
            ("  ssh-rsa  AAAA\tme at home ", Some(("", "ssh-rsa", "AAAA", "me at home"))),
            (
                r#"command="echo \"a b\"",no-pty ssh-rsa AAAA x"#,
                Some((r#"command="echo \"a b\"",no-pty"#, "ssh-rsa", "AAAA", "x")),
            ),
            ("sk-ssh-ed25519@openssh.com AAAA", Some(("", "sk-ssh-ed25519@openssh.com", "AAAA", ""))),
            ("# ssh-rsa AAAA", None),
            ("", None),
            ("ssh-rsa", None),
            ("no-pty", None),
            ("hello world again", None),
            (r#"command="open ssh-rsa AAAA"#, None),
        ];
        for (line, expected) in cases {
            let seen = KeyLine::parse(line).map(|k| (k.options, k.key_type, k.blob, k.comment));
            assert_eq!(seen, expected, "{line}");
        }
    }

    #[test]
    fn a_key_must_be_of_the_type_that_its_line_says() {
        let line = format!("ssh-ed25519 {ED25519} a\n\n# c\nssh-rsa {ED25519}\nssh-rsa !!\nwhat\nssh-rsa AAAA");
        assert_eq!(
            remarks(&line),
            [
                "line 4 of `authorized_keys` is no key: expected a key of type `ssh-rsa`, found `ssh-ed25519`",
                "line 5 of `authorized_keys` is no key: expected base64 after `ssh-rsa`",
                "line 6 of `authorized_keys` is no key: expected `[options] type key [comment]`",
                "line 7 of `authorized_keys` is no key: expected a key of type `ssh-rsa`, found bytes that are no key",
            ]
        );
    }
}
