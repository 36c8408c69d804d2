//! What a value holds.

use crate::hex;
use crate::resource::Fields;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What a value holds, by its type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// `REG_SZ`.
    Text(String),
    /// `REG_EXPAND_SZ`: text in which `%NAME%` stands for a variable.
    Expand(String),
    /// `REG_DWORD`.
    Dword(u32),
    /// `REG_QWORD`.
    Qword(u64),
    /// `REG_BINARY`.
    Binary(Vec<u8>),
    /// `REG_MULTI_SZ`.
    Multi(Vec<String>),
    /// A type that cannot be written in a policy, by the system's name for it.
    Other(Arc<str>),
}

/// The words of `value_type`.
pub(super) const TYPES: &[&str] = &["string", "expand", "dword", "qword", "binary", "multi"];

impl Data {
    /// Returns what `value` says, read as a `value_type`; `None` while it is not known.
    ///
    /// # Errors
    /// A fragment, when it does not fit.
    pub(super) fn wanted(fields: &Fields) -> Option<Result<Self, String>> {
        let kind = fields.choice("value_type")?;
        let datum = fields.datum("value")?;
        if kind == "multi" {
            return Some(match fields.list("value") {
                Some(items) => Self::multi(items.iter().map(|item| item.as_str().into()).collect()),
                None => Err("expected a list, found a map".into()),
            });
        }
        let Some(text) = fields.text("value") else {
            return Some(Err(format!("expected one value of type `{kind}`, found a list or map: {}", type_of(datum))));
        };
        Some(Self::parse(kind, text.as_str()))
    }

    fn parse(kind: &str, text: &str) -> Result<Self, String> {
        let number = |max: u64| {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
            let parsed = match digits {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16).ok(),
                Some(_) => None,
                None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
                None => None,
            };
            let expected = || format!("expected a number from 0 to {max}, found `{}`", text.escape_debug());
            parsed.filter(|n| *n <= max).ok_or_else(expected)
        };
        match kind {
            "dword" => Ok(Self::Dword(u32::try_from(number(u64::from(u32::MAX))?).unwrap_or(u32::MAX))),
            "qword" => Ok(Self::Qword(number(u64::MAX)?)),
            "binary" => hex::decode(text)
                .map(Self::Binary)
                .ok_or_else(|| format!("expected pairs of hexadecimal digits, found `{}`", text.escape_debug())),
            _ if text.contains(['\n', '\r', '\0']) => Err("expected one line, without line breaks".into()),
            "expand" => Ok(Self::Expand(text.into())),
            _ => Ok(Self::Text(text.into())),
        }
    }

    fn multi(items: Vec<String>) -> Result<Self, String> {
        let bad = |item: &&String| item.contains(['\n', '\r', '\0']) || item.contains("\\0");
        match items.iter().find(bad) {
            Some(item) => Err(format!("expected items without line breaks and `\\0`, found `{}`", item.escape_debug())),
            None => Ok(Self::Multi(items)),
        }
    }

    /// Returns the word of `value_type`; for what cannot be written, the system's.
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "string",
            Self::Expand(_) => "expand",
            Self::Dword(_) => "dword",
            Self::Qword(_) => "qword",
            Self::Binary(_) => "binary",
            Self::Multi(_) => "multi",
            Self::Other(name) => name,
        }
    }

    /// Returns the text that `value` would be written with; `None` where it would not be read back as the same.
    pub(super) fn written(&self) -> Option<String> {
        match self {
            Self::Other(_) => None,
            Self::Multi(items) if items.iter().any(|item| item.contains(',') || item.trim() != item) => None,
            Self::Multi(items) => Some(items.join(",")),
            Self::Text(text) | Self::Expand(text) if text.contains(['\n', '\r', '\0']) => None,
            // What a tool prints in another code page is not what is there.
            Self::Text(text) | Self::Expand(text) if !text.is_ascii() => None,
            other => Some(other.to_string()),
        }
    }
}

fn type_of(datum: &crate::resource::Datum) -> &'static str {
    match datum {
        crate::resource::Datum::Scalar { .. } => "a scalar",
        crate::resource::Datum::List(_) => "a list",
        crate::resource::Datum::Map(_) => "a map",
    }
}

impl Data {
    /// Reads hexadecimal digits as of a binary value; `None` when they are none.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).map(Self::Binary)
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Expand(text) => f.write_str(text),
            Self::Dword(n) => write!(f, "{n}"),
            Self::Qword(n) => write!(f, "{n}"),
            Self::Binary(bytes) => bytes.iter().try_for_each(|b| write!(f, "{b:02x}")),
            Self::Multi(items) => f.write_str(&items.join(", ")),
            Self::Other(name) => write!(f, "({name})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_type() {
        let cases = [
            ("string", "x y", Ok(Data::Text("x y".into()))),
            ("string", "", Ok(Data::Text("".into()))),
            ("expand", "%SystemRoot%\\x", Ok(Data::Expand("%SystemRoot%\\x".into()))),
            ("dword", "7", Ok(Data::Dword(7))),
            ("dword", "0xFFFFFFFF", Ok(Data::Dword(u32::MAX))),
            ("dword", "4294967296", Err(())),
            ("dword", "-1", Err(())),
            ("dword", "+1", Err(())),
            ("dword", "0x", Err(())),
            ("dword", "", Err(())),
            ("dword", "true", Err(())),
            ("qword", "4294967296", Ok(Data::Qword(1 << 32))),
            ("qword", "18446744073709551616", Err(())),
            ("binary", "00DEadbe", Ok(Data::Binary(alloc::vec![0, 0xde, 0xad, 0xbe]))),
            ("binary", "", Ok(Data::Binary(Vec::new()))),
            ("binary", "0", Err(())),
            ("binary", "0g", Err(())),
            ("string", "a\nb", Err(())),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(Data::parse(kind, text).map_err(drop), expected, "{kind} {text:?}");
        }
        assert!(Data::multi(alloc::vec!["a\\0b".into()]).is_err());
    }

    #[test]
    fn what_is_kept_is_read_back_as_the_same() {
        for data in [
            Data::Text("a, b".into()),
            Data::Expand("%x%".into()),
            Data::Dword(7),
            Data::Qword(u64::MAX),
            Data::Binary(alloc::vec![1, 255]),
        ] {
            let text = data.written().unwrap();
            assert_eq!(Data::parse(data.kind(), &text), Ok(data));
        }
        for data in [
            Data::Other("REG_LINK".into()),
            Data::Text("é".into()),
            Data::Text("a\nb".into()),
            Data::Multi(alloc::vec!["a,b".into()]),
        ] {
            assert_eq!(data.written(), None, "{data:?}");
        }
        assert_eq!(Data::Multi(alloc::vec!["a".into(), "b c".into()]).written().as_deref(), Some("a,b c"));
    }
}
