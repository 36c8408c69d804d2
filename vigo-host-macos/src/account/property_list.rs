//! Property lists as XML, as `dscl -plist` prints them: texts, lists and maps. In its plain form a value could pass for
//! another one: a real name may hold line breaks, and people may change theirs.

use alloc::string::String;
use alloc::vec::Vec;

/// Deeper nesting is refused.
const LEVELS_MAX: usize = 16;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Plist {
    /// `<string>`, or the text of a number.
    Text(String),
    /// `<array>`.
    List(Vec<Plist>),
    /// `<dict>`.
    Map(Vec<(String, Plist)>),
}

impl Plist {
    /// Reads one property list; `None` when it is none, or not whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        loop {
            match reader.tag()? {
                tag if tag.starts_with(['?', '!']) => {}
                tag if tag.split_whitespace().next() == Some("plist") => break,
                _ => return None,
            }
        }
        let first = reader.tag()?;
        let value = reader.value(first, 0)?;
        (reader.tag()? == "/plist").then_some(value)
    }

    /// Returns the value of a key, which may stand with its name space: `dsAttrTypeStandard:UniqueID`.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        let is = |name: &str| name == key || name.rsplit(':').next() == Some(key);
        entries.iter().find(|(name, _)| is(name)).map(|(_, value)| value)
    }

    /// Returns the texts of a key: one, or those of a list.
    pub(crate) fn texts(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            Some(Self::Text(text)) => alloc::vec![text],
            Some(Self::List(list)) => list.iter().filter_map(Self::text).collect(),
            _ => Vec::new(),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Takes the next tag, without its brackets; what stands before it is dropped, and comments are.
    fn tag(&mut self) -> Option<&'a str> {
        loop {
            let (_, rest) = self.rest.split_once('<')?;
            let Some(comment) = rest.strip_prefix("!--") else {
                let (tag, rest) = rest.split_once('>')?;
                self.rest = rest;
                return Some(tag);
            };
            self.rest = comment.split_once("-->")?.1;
        }
    }

    /// Takes the text up to the next tag, and that tag, which must end `name`.
    fn content(&mut self, name: &str) -> Option<String> {
        let (text, rest) = self.rest.split_once('<')?;
        let (tag, rest) = rest.split_once('>')?;
        self.rest = rest;
        (tag.strip_prefix('/')? == name).then(|| unescaped(text))
    }

    fn value(&mut self, tag: &'a str, level: usize) -> Option<Plist> {
        if level > LEVELS_MAX {
            return None;
        }
        match tag {
            "string/" | "data/" => Some(Plist::Text(String::new())),
            "true/" | "false/" => Some(Plist::Text(tag.trim_end_matches('/').into())),
            "array/" => Some(Plist::List(Vec::new())),
            "dict/" => Some(Plist::Map(Vec::new())),
            "string" | "integer" | "real" | "date" | "data" => self.content(tag).map(Plist::Text),
            "array" => {
                let mut list = Vec::new();
                loop {
                    match self.tag()? {
                        "/array" => return Some(Plist::List(list)),
                        tag => list.push(self.value(tag, level + 1)?),
                    }
                }
            }
            "dict" => {
                let mut entries = Vec::new();
                loop {
                    match self.tag()? {
                        "/dict" => return Some(Plist::Map(entries)),
                        "key" => {
                            let key = self.content("key")?;
                            let tag = self.tag()?;
                            entries.push((key, self.value(tag, level + 1)?));
                        }
                        _ => return None,
                    }
                }
            }
            _ => None,
        }
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let named = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        let character = named.and_then(|(name, _)| match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            name => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)
            }
        });
        match (character, named) {
            (Some(character), Some((_, after))) => {
                out.push(character);
                rest = after;
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
