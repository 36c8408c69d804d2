//! Property lists as XML: texts, lists, maps and truth values. `dscl -plist` prints them, as in its plain form a value could
//! pass for another one (a real name may hold line breaks, and people may change theirs), and jobs of launchd are such files.

use alloc::string::String;
use alloc::vec::Vec;

/// Deeper nesting is refused.
const LEVELS_MAX: usize = 16;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Plist {
    /// `<string>`, or the text of a number.
    Text(String),
    /// `<true/>` and `<false/>`.
    Bool(bool),
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
                // A document type that defines something of its own is not followed.
                Tag::Declaration(text) => (!text.contains('[')).then_some(())?,
                Tag::Open("plist") => break,
                _ => return None,
            }
        }
        let first = reader.tag()?;
        let value = reader.value(first, 0)?;
        (reader.tag()? == Tag::Close("plist") && reader.is_at_end()).then_some(value)
    }

    /// Returns the value of a key.
    pub(crate) fn field(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
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

    /// Returns the text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

/// A tag, by its name: attributes say nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tag<'a> {
    Open(&'a str),
    Close(&'a str),
    /// Opened and closed at once.
    Empty(&'a str),
    /// `<!DOCTYPE …>`
    Declaration(&'a str),
}

impl<'a> Tag<'a> {
    fn of(text: &'a str) -> Self {
        let name = |text: &'a str| text.split_ascii_whitespace().next().unwrap_or_default();
        match text.strip_prefix('/') {
            _ if text.starts_with('!') => Self::Declaration(text),
            Some(closed) => Self::Close(closed.trim_ascii_end()),
            None => match text.strip_suffix('/') {
                Some(empty) => Self::Empty(name(empty)),
                None => Self::Open(name(text)),
            },
        }
    }
}

impl<'a> Reader<'a> {
    /// Takes the next tag; nothing but blanks may stand before it.
    fn tag(&mut self) -> Option<Tag<'a>> {
        loop {
            let rest = self.rest.trim_ascii_start().strip_prefix('<')?;
            if !self.skips(rest)? {
                return self.tag_of(rest);
            }
        }
    }

    /// Passes over what begins here if it is no part of the list: a comment, or words to a program.
    fn skips(&mut self, rest: &'a str) -> Option<bool> {
        let ends = [("!--", "-->"), ("?", "?>")];
        let Some((begin, end)) = ends.into_iter().find(|(begin, _)| rest.starts_with(begin)) else {
            return Some(false);
        };
        self.rest = rest.get(begin.len()..)?.split_once(end)?.1;
        Some(true)
    }

    /// Takes a tag: up to the first `>` that is not in quotation marks.
    fn tag_of(&mut self, rest: &'a str) -> Option<Tag<'a>> {
        let mut quote = None;
        let is_end = |c: char| match (c, quote) {
            ('>', None) => true,
            ('"' | '\'', None) => {
                quote = Some(c);
                false
            }
            _ => {
                quote = quote.filter(|quote| *quote != c);
                false
            }
        };
        let (tag, rest) = rest.split_once(is_end)?;
        self.rest = rest;
        Some(Tag::of(tag))
    }

    /// Returns whether only blanks and comments are left.
    fn is_at_end(&mut self) -> bool {
        while let Some(rest) = self.rest.trim_ascii_start().strip_prefix('<') {
            if self.skips(rest) != Some(true) {
                return false;
            }
        }
        self.rest.trim_ascii().is_empty()
    }

    /// Takes the text up to the tag that ends `name`.
    fn content(&mut self, name: &str) -> Option<String> {
        let mut content = String::new();
        loop {
            let (text, rest) = self.rest.split_once('<')?;
            content.push_str(&unescaped(text)?);
            if self.skips(rest)? {
                continue;
            }
            let Some(section) = rest.strip_prefix("![CDATA[") else {
                return (self.tag_of(rest)? == Tag::Close(name)).then_some(content);
            };
            let (text, rest) = section.split_once("]]>")?;
            content.push_str(text);
            self.rest = rest;
        }
    }

    fn value(&mut self, tag: Tag<'a>, level: usize) -> Option<Plist> {
        if level > LEVELS_MAX {
            return None;
        }
        match tag {
            Tag::Empty("string" | "data") => Some(Plist::Text(String::new())),
            Tag::Empty("array") => Some(Plist::List(Vec::new())),
            Tag::Empty("dict") => Some(Plist::Map(Vec::new())),
            Tag::Empty(name @ ("true" | "false")) => Some(Plist::Bool(name == "true")),
            Tag::Open(name @ ("true" | "false")) => {
                (self.tag()? == Tag::Close(name)).then(|| Plist::Bool(name == "true"))
            }
            Tag::Open(name @ ("string" | "integer" | "real" | "date" | "data")) => self.content(name).map(Plist::Text),
            Tag::Open("array") => {
                let mut list = Vec::new();
                loop {
                    match self.tag()? {
                        Tag::Close("array") => return Some(Plist::List(list)),
                        tag => list.push(self.value(tag, level + 1)?),
                    }
                }
            }
            Tag::Open("dict") => {
                let mut entries = Vec::new();
                loop {
                    match self.tag()? {
                        Tag::Close("dict") => return Some(Plist::Map(entries)),
                        Tag::Open("key") => {
                            let key = self.content("key")?;
                            let tag = self.tag()?;
                            entries.push((key, self.value(tag, level + 1)?));
                        }
                        Tag::Empty("key") => {
                            let tag = self.tag()?;
                            entries.push((String::new(), self.value(tag, level + 1)?));
                        }
                        _ => return None,
                    }
                }
            }
            _ => None,
        }
    }
}

/// Returns the text that stands for itself; `None` when a sign is named that is not known.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (name, behind) = after.split_once(';').filter(|(name, _)| name.len() <= 8)?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            name => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn text(content: &str) -> Option<Plist> {
        Plist::parse(&format!("<?xml version=\"1.0\"?><plist version='1.0'>{content}</plist>\n"))
    }

    #[test]
    fn values_are_read_however_they_are_written() {
        for (written, value) in [
            ("<string>a &amp; &#x41;&#66;</string>", Plist::Text("a & AB".into())),
            ("<string>a<!-- <b> --><![CDATA[<c>&amp;]]></string>", Plist::Text("a<c>&amp;".into())),
            ("<true/>", Plist::Bool(true)),
            ("\n<true />", Plist::Bool(true)),
            ("<false></false >", Plist::Bool(false)),
            ("<string>true</string>", Plist::Text("true".into())),
            ("<string a='>' b=\">\">x</string>", Plist::Text("x".into())),
            ("<array><?x it's > ?><!-- <true/> --><dict/></array>", Plist::List(alloc::vec![Plist::Map(Vec::new())])),
            ("<dict ><key/><data/></dict>", Plist::Map(alloc::vec![(String::new(), Plist::Text(String::new()))])),
        ] {
            assert_eq!(text(written), Some(value), "{written}");
        }
    }

    #[test]
    fn what_is_no_whole_list_is_none() {
        for written in [
            "",
            "<string>a</strin>",
            "<string>&nbsp;</string>",
            "<string>a & b</string>",
            "<string><b/></string>",
            "a<true/>",
            "<true/><true/>",
            "<dict><true/></dict>",
            "<dict><key>a</key></dict>",
            "<dict>a</dict>",
            "<array><key>a</key></array>",
            "<!-- <true/>",
        ] {
            assert_eq!(text(written), None, "{written}");
        }
        for whole in [
            "<plist><true/></plist>x",
            "x<plist><true/></plist>",
            "<!DOCTYPE plist [<!ENTITY a 'b'>]><plist><true/></plist>",
        ] {
            assert_eq!(Plist::parse(whole), None, "{whole}");
        }
        assert_eq!(
            Plist::parse(" <!-- a --> <!DOCTYPE plist PUBLIC 'a' 'b'><plist><true/></plist> <!-- b --> "),
            Some(Plist::Bool(true))
        );
    }
}
