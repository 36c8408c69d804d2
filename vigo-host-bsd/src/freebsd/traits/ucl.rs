//! Objects of UCL as pkg.conf(5) has them: `name: { key: value, … }`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Values that are read.
const VALUES_MAX: usize = 10_000;

/// Returns the plain values of the objects at the top: name, key, value.
pub(super) fn values(text: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let (mut depth, mut name, mut key) = (0_usize, None::<String>, None::<String>);
    for token in Tokens(text) {
        match token {
            Token::Sign('{') => {
                if depth == 0 {
                    name = key.take();
                }
                (depth, key) = (depth.saturating_add(1), None);
            }
            Token::Sign('}') => (depth, key) = (depth.saturating_sub(1), None),
            Token::Sign(':' | '=') => {}
            Token::Sign(_) => key = None,
            Token::Word(word) => match (key.take(), &name) {
                (Some(key), Some(name)) if depth == 1 && found.len() < VALUES_MAX => {
                    found.push((name.clone(), key, word.to_string()));
                }
                (Some(_), _) => {}
                (None, _) => key = Some(word.to_string()),
            },
        }
    }
    found
}

enum Token<'a> {
    Word(&'a str),
    Sign(char),
}

/// What is left of the text.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        const SIGNS: &[char] = &['{', '}', '[', ']', ',', ';', ':', '=', '#', '"'];
        loop {
            self.0 = self.0.trim_start();
            match self.0.strip_prefix('#') {
                Some(rest) => self.0 = rest.split_once('\n').map_or("", |(_, rest)| rest),
                None => break,
            }
        }
        let first = self.0.chars().next()?;
        if let Some(rest) = self.0.strip_prefix('"') {
            let (word, rest) = rest.split_once('"').unwrap_or((rest, ""));
            self.0 = rest;
            return Some(Token::Word(word));
        }
        if SIGNS.contains(&first) {
            self.0 = &self.0[first.len_utf8()..];
            return Some(Token::Sign(first));
        }
        // The colons of a URL end no word.
        let mut is_url = false;
        let end = self.0.char_indices().find(|(at, c)| {
            is_url |= self.0.get(*at..).is_some_and(|rest| rest.starts_with("://"));
            c.is_whitespace() || SIGNS.contains(c) && !(*c == ':' && is_url)
        });
        let (word, rest) = self.0.split_at(end.map_or(self.0.len(), |(at, _)| at));
        self.0 = rest;
        Some(Token::Word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_signs_and_comments_are_told_apart() {
        let cases = [
            ("A: { url: \"pkg+http://p/${ABI}/q\", enabled: yes }", "A url pkg+http://p/${ABI}/q|A enabled yes"),
            ("A { url = https://p:8/x; # no: 1\n enabled = no\n}\nB: {}", "A url https://p:8/x|A enabled no"),
            ("A: { list: [ a, b ], deep: { url: x }, url: y }", "A url y"),
            ("url: x\n}}}{", ""),
            ("A: { url: \"open", "A url open"),
            ("\"A\": { \"url\": \"\" }", "A url "),
        ];
        for (text, expected) in cases {
            let seen: Vec<String> = values(text).into_iter().map(|(n, k, v)| alloc::format!("{n} {k} {v}")).collect();
            assert_eq!(seen.join("|"), expected, "{text}");
        }
    }
}
