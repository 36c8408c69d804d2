//! Hostname globs: `* ? [a-z] [!a-z] {a,b}` over lower-cased names, the whole name; `*` crosses dots.
//!
//! A glob becomes an automaton whose steps all lead forward but for `*`, which stays; a name is matched by walking all
//! its states at once. So a match costs name × pattern at most, however the alternatives nest.

use crate::limits::{GLOB_BYTES_MAX, GLOB_COVER_STEPS_MAX, GLOB_LEVELS_MAX};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What a glob is made of, for who wrote one that is none.
pub(crate) const HELP: &str =
    "a glob knows `*`, `?`, `[a-z]`, `[!a-z]` and `{a,b}`; everything else is the name itself";

/// A hostname glob. Clones are cheap.
#[derive(Clone)]
pub struct Glob {
    text: Arc<str>,
    steps: Arc<[Step]>,
    /// The literal text that every match begins with, and ends with.
    prefix: Arc<str>,
    suffix: Arc<str>,
}

/// A mistake in a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobError {
    /// The first byte of what is wrong.
    pub at: usize,
    /// Its length in bytes.
    pub len: usize,
    /// What is wrong: lowercase, no full stop, values in backticks.
    pub message: String,
}

#[derive(Debug)]
enum Step {
    Char(char),
    /// `?`
    Any,
    /// `[a-z]`: the ranges, and whether it is what they do not hold.
    Set(Vec<(char, char)>, bool),
    /// `*`: stays at any character, and leads on without one.
    Star,
    /// `{`: leads to the first step of each alternative.
    Fork(Vec<u16>),
    /// `,` or `}`: leads behind the alternatives.
    Jump(u16),
}

/// A set of states, one bit a step; the last bit that is used stands for the end.
type States = [u64; 8];

const _: () = assert!(GLOB_BYTES_MAX < 8 * 64);

impl Glob {
    /// Reads a glob. Upper-case letters stand for lower-case ones.
    ///
    /// # Errors
    /// Says what is wrong and where; nothing that never matches a hostname is taken for a letter.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() || text.len() > GLOB_BYTES_MAX {
            let message = match text.len() {
                0 => String::from("the glob is empty; `*` matches every name"),
                n => format!("the glob has {n} bytes, expected at most {GLOB_BYTES_MAX}"),
            };
            return Err(GlobError { at: 0, len: 0, message });
        }
        let mut reader = Reader { text, at: 0, steps: Vec::new() };
        reader.sequence(0)?;
        let steps = reader.steps;
        let literal = |step: &Step| if let Step::Char(c) = step { Some(*c) } else { None };
        let prefix: String = steps.iter().map_while(literal).collect();
        let tail: Vec<char> = steps.iter().rev().map_while(literal).collect();
        let suffix: String = tail.iter().rev().collect();
        Ok(Self { text: text.into(), steps: steps.into(), prefix: prefix.into(), suffix: suffix.into() })
    }

    /// Returns the glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the one name that it matches, in lower case, unless it may match others.
    pub fn literal(&self) -> Option<&str> {
        self.steps.iter().all(|step| matches!(step, Step::Char(_))).then_some(&*self.prefix)
    }

    /// Returns the literal text, in lower case, that every name begins with that it matches, and the one that each ends
    /// with.
    pub(crate) fn ends(&self) -> (&str, &str) {
        (&self.prefix, &self.suffix)
    }

    /// Returns whether the whole name matches; upper-case letters count as lower-case ones.
    pub fn matches(&self, name: &str) -> bool {
        let (prefix, suffix) = (self.prefix.as_bytes(), self.suffix.as_bytes());
        let bytes = name.as_bytes();
        let head = bytes.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        let tail = bytes.len().checked_sub(suffix.len()).and_then(|i| bytes.get(i..));
        if !head || !tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix)) {
            return false;
        }
        let mut states = self.start();
        for c in name.chars() {
            states = self.step(&states, c.to_ascii_lowercase());
            if states == States::default() {
                return false;
            }
        }
        self.accepts(&states)
    }

    /// Returns whether this glob matches every name that `other` matches. No is also the answer when that is too much
    /// to find out.
    pub fn covers(&self, other: &Self) -> bool {
        if self.text.eq_ignore_ascii_case(&other.text) || &*self.text == "*" {
            return true;
        }
        let apart = |a: &str, b: &str| a.bytes().zip(b.bytes()).any(|(a, b)| a != b);
        let backwards = |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).any(|(a, b)| a != b);
        if apart(&self.prefix, &other.prefix) || backwards(&self.suffix, &other.suffix) {
            return false;
        }
        // Walks both automata over every name at once: one that `other` takes and `self` does not is a counterexample.
        // Characters that no step of either tells apart are tried once.
        let alphabet = alphabet(&self.steps, &other.steps);
        let mut seen = BTreeSet::from([(self.start(), other.start())]);
        let mut open: Vec<(States, States)> = seen.iter().copied().collect();
        while let Some((own, others)) = open.pop() {
            if other.accepts(&others) && !self.accepts(&own) {
                return false;
            }
            for &c in &alphabet {
                let next = (self.step(&own, c), other.step(&others, c));
                if next.1 != States::default() && seen.insert(next) {
                    if seen.len() > GLOB_COVER_STEPS_MAX {
                        return false;
                    }
                    open.push(next);
                }
            }
        }
        true
    }

    fn start(&self) -> States {
        let mut states = States::default();
        set(&mut states, 0);
        self.close(states)
    }

    fn accepts(&self, states: &States) -> bool {
        has(states, self.steps.len())
    }

    fn step(&self, states: &States, c: char) -> States {
        let mut next = States::default();
        for i in ones(states) {
            match self.steps.get(i) {
                Some(Step::Star) => set(&mut next, i),
                Some(step) if takes(step, c) => set(&mut next, i + 1),
                _ => {}
            }
        }
        self.close(next)
    }

    /// Follows the steps that need no character. They lead forward only, so one pass in order finds all.
    fn close(&self, mut states: States) -> States {
        for (i, step) in self.steps.iter().enumerate() {
            if has(&states, i) {
                match step {
                    Step::Star => set(&mut states, i + 1),
                    Step::Fork(to) => to.iter().for_each(|&to| set(&mut states, to.into())),
                    Step::Jump(to) => set(&mut states, (*to).into()),
                    Step::Char(_) | Step::Any | Step::Set(..) => {}
                }
            }
        }
        states
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({})", self.text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

fn takes(step: &Step, c: char) -> bool {
    match step {
        Step::Char(own) => *own == c,
        Step::Any => true,
        Step::Set(ranges, negated) => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
        Step::Star | Step::Fork(_) | Step::Jump(_) => false,
    }
}

fn set(states: &mut States, i: usize) {
    if let Some(word) = states.get_mut(i / 64) {
        *word |= 1 << (i % 64);
    }
}

fn has(states: &States, i: usize) -> bool {
    states.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 == 1)
}

fn ones(states: &States) -> impl Iterator<Item = usize> {
    states.iter().enumerate().flat_map(|(w, &word)| {
        core::iter::successors(Some(word), |left| Some(left & left.wrapping_sub(1)))
            .take_while(|left| *left != 0)
            .map(move |left| w * 64 + left.trailing_zeros() as usize)
    })
}

/// Returns one character of each class that the steps tell apart.
fn alphabet(a: &[Step], b: &[Step]) -> BTreeSet<char> {
    // A class begins where a range begins and behind where one ends.
    let mut all = BTreeSet::from(['\0']);
    let mut range = |from: char, to: char| {
        all.insert(from);
        all.extend((to..=char::MAX).nth(1));
    };
    for step in a.iter().chain(b) {
        match step {
            Step::Char(c) => range(*c, *c),
            Step::Set(ranges, _) => ranges.iter().for_each(|(from, to)| range(*from, *to)),
            Step::Any | Step::Star | Step::Fork(_) | Step::Jump(_) => {}
        }
    }
    all
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    steps: Vec<Step>,
}

impl Reader<'_> {
    /// Reads up to the end, or inside braces to the `,` or `}` that ends an alternative.
    fn sequence(&mut self, levels: usize) -> Result<(), GlobError> {
        while let Some(c) = self.peek() {
            let (at, len) = (self.at, c.len_utf8());
            let wrong = |message: String| Err(GlobError { at, len, message });
            match c {
                ',' | '}' if levels > 0 => return Ok(()),
                '}' | ']' => return wrong(format!("`{c}` closes nothing")),
                ',' => {
                    return wrong(String::from(
                        "unexpected `,`: alternatives stand in braces, `{a,b}`, or in a list of globs",
                    ));
                }
                '{' => self.fork(levels)?,
                '[' => self.set()?,
                '*' => self.push(Step::Star, 1),
                '?' => self.push(Step::Any, 1),
                c if c.is_alphanumeric() || "-._".contains(c) => self.push(Step::Char(c.to_ascii_lowercase()), len),
                c if c.is_control() => return wrong(format!("no hostname has a `{}`", c.escape_debug())),
                c => return wrong(format!("no hostname has a `{c}`")),
            }
        }
        Ok(())
    }

    fn fork(&mut self, levels: usize) -> Result<(), GlobError> {
        let open = self.at;
        if levels >= GLOB_LEVELS_MAX {
            let message = format!("expected at most {GLOB_LEVELS_MAX} levels of braces");
            return Err(GlobError { at: open, len: 1, message });
        }
        let fork = self.steps.len();
        self.push(Step::Fork(Vec::new()), 1);
        let mut starts = Vec::new();
        let mut jumps = Vec::new();
        loop {
            starts.push(self.steps.len() as u16);
            self.sequence(levels + 1)?;
            jumps.push(self.steps.len());
            match self.peek() {
                Some(',') => self.push(Step::Jump(0), 1),
                Some(_) => {
                    self.push(Step::Jump(0), 1);
                    break;
                }
                None => return Err(GlobError { at: open, len: 1, message: String::from("`{` is not closed") }),
            }
        }
        let end = self.steps.len() as u16;
        for jump in jumps {
            if let Some(step) = self.steps.get_mut(jump) {
                *step = Step::Jump(end);
            }
        }
        if let Some(step) = self.steps.get_mut(fork) {
            *step = Step::Fork(starts);
        }
        Ok(())
    }

    fn set(&mut self) -> Result<(), GlobError> {
        let open = self.at;
        let wrong = |at: usize, len: usize, message: String| Err(GlobError { at, len, message });
        self.at += 1;
        if self.peek() == Some('^') {
            return wrong(self.at, 1, String::from("unexpected `^`: what is not in a set is `[!…]`"));
        }
        let negated = self.peek() == Some('!');
        self.at += usize::from(negated);
        let mut ranges = Vec::new();
        loop {
            let at = self.at;
            let Some(from) = self.peek() else {
                return wrong(open, 1, String::from("`[` is not closed"));
            };
            self.at += from.len_utf8();
            match from {
                ']' if ranges.is_empty() => return wrong(open, self.at - open, String::from("the set is empty")),
                ']' => break,
                c if c.is_alphanumeric() || "-._".contains(c) => {}
                c => return wrong(at, c.len_utf8(), format!("unexpected `{}` in a set", c.escape_debug())),
            }
            let from = from.to_ascii_lowercase();
            let to = match self.text.get(self.at..).unwrap_or("").strip_prefix('-').and_then(|r| r.chars().next()) {
                Some(to) if to.is_alphanumeric() => {
                    self.at += 1 + to.len_utf8();
                    to.to_ascii_lowercase()
                }
                _ => from,
            };
            if from > to {
                return wrong(at, self.at - at, format!("the range `{from}-{to}` is empty"));
            }
            ranges.push((from, to));
        }
        self.steps.push(Step::Set(ranges, negated));
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn push(&mut self, step: Step, bytes: usize) {
        self.steps.push(step);
        self.at += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn glob(text: &str) -> Glob {
        Glob::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    #[test]
    fn names_match_as_a_whole() {
        let cases = [
            ("web-*", "web-01.acme.com", true),
            ("web-*", "myweb-01", false),
            ("*", "a", true),
            ("*", "", true),
            ("*.acme.com", "a.b.acme.com", true),
            ("*.acme.com", "acme.com", false),
            ("web-?", "web-1", true),
            ("web-?", "web-12", false),
            ("web-?", "web-", false),
            ("web-[0-9][!0-5]", "web-16", true),
            ("web-[0-9][!0-5]", "web-15", false),
            ("web-[abx-z]", "web-y", true),
            ("web-[a-]", "web--", true),
            ("{web,db}-*", "db-1", true),
            ("{web,db}-*", "app-1", false),
            ("{web,db}", "webdb", false),
            ("web{,-old}", "web", true),
            ("web{,-old}", "web-old", true),
            ("{a{1,2},b}.x", "a2.x", true),
            ("{a{1,2},b}.x", "a.x", false),
            ("a{b,c}", "ac", true),
            ("a{*,c}d", "axxd", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("WEB-[A-C]", "web-b", true),
            ("web-b", "WEB-B", true),
            ("a**b", "ab", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(glob(pattern).matches(name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn mistakes_are_said_where_they_are() {
        let cases = [
            ("empty", "", 0, "the glob is empty"),
            ("open set", "a[b", 1, "`[` is not closed"),
            ("open braces", "a{b,c", 1, "`{` is not closed"),
            ("inner braces", "{a,{b}", 0, "`{` is not closed"),
            ("closes nothing", "a}", 1, "closes nothing"),
            ("closes no set", "a]", 1, "closes nothing"),
            ("comma", "web-1,web-2", 5, "alternatives stand in braces"),
            ("empty set", "a[]", 1, "the set is empty"),
            ("other negation", "a[^b]", 2, "`[!…]`"),
            ("wrong order", "a[z-a]", 2, "the range `z-a` is empty"),
            ("star in a set", "a[*]", 2, "unexpected `*` in a set"),
            ("a blank", "web 1", 3, "no hostname has a ` `"),
            ("a slash", "web/1", 3, "no hostname has a `/`"),
            ("a backslash", "web\\*", 3, "no hostname has a `\\`"),
        ];
        for (name, text, at, message) in cases {
            let error = Glob::parse(text).expect_err(name);
            assert!(error.at == at && error.message.contains(message), "{name}: {error:?}");
        }
        assert!(Glob::parse(&"a".repeat(GLOB_BYTES_MAX)).is_ok());
        assert!(Glob::parse(&"a".repeat(GLOB_BYTES_MAX + 1)).is_err());
        assert!(Glob::parse(&("{".repeat(8) + &"}".repeat(8))).is_ok());
        assert!(Glob::parse(&("{".repeat(9) + &"}".repeat(9))).is_err());
    }

    #[test]
    fn covering_is_seen() {
        let cases = [
            ("*", "web-*", true),
            ("web-*", "*", false),
            ("web-*", "WEB-*", true),
            ("web-*", "web-01", true),
            ("web-*", "web-*.prod", true),
            ("web-*.prod", "web-*", false),
            ("*.prod", "web-*.prod", true),
            ("*-*", "web-*", true),
            ("web-?", "web-[0-9]", true),
            ("web-[0-9]", "web-?", false),
            ("web-[a-z]", "web-[b-d]", true),
            ("web-[!a]", "web-[b-d]", true),
            ("{web,db}-*", "db-1*", true),
            ("{web,db}-*", "{db,web}-*", true),
            ("{web,db}-*", "{db,app}-*", false),
            ("a{b,c}", "{ab,ac}", true),
            ("?*", "*", false),
            ("*", "?*", true),
            ("?*", "*?", true),
            ("**", "*", true),
            ("*a*", "*aa*", true),
            ("*aa*", "*a*", false),
            ("web-1", "web-2", false),
        ];
        for (wide, narrow, expected) in cases {
            assert_eq!(glob(wide).covers(&glob(narrow)), expected, "{wide} over {narrow}");
        }
    }

    #[test]
    fn no_pattern_is_slow() {
        let name = "a".repeat(253);
        let stars = glob(&("*a".repeat(200) + "b"));
        let forks = glob(&"{a,aa,*a}".repeat(50));
        for _ in 0..20 {
            assert!(!stars.matches(&name) && forks.matches(&name));
        }
        // Given up, and said to be not covered.
        assert!(!forks.covers(&glob(&"{a,b,c}".repeat(60))));
    }

    /// All that a glob's alternatives can be, then star by star: slow and plain.
    fn plainly(pattern: &[char], name: &[char]) -> bool {
        if let Some(open) = pattern.iter().position(|c| *c == '{') {
            let mut depth = 0;
            let mut cuts = alloc::vec![open];
            for (i, c) in pattern.iter().enumerate().skip(open) {
                depth += i32::from(*c == '{');
                depth -= i32::from(*c == '}');
                if depth == 0 || (depth == 1 && *c == ',') {
                    cuts.push(i);
                }
                if depth == 0 {
                    break;
                }
            }
            let end = cuts[cuts.len() - 1];
            return cuts.windows(2).any(|cut| {
                plainly(&[&pattern[..open], &pattern[cut[0] + 1..cut[1]], &pattern[end + 1..]].concat(), name)
            });
        }
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                plainly(rest, name) || name.split_first().is_some_and(|(_, n)| plainly(pattern, n))
            }
            (['?', rest @ ..], [_, n @ ..]) => plainly(rest, n),
            (['[', '!', a, '-', b, ']', rest @ ..], [c, n @ ..]) => !(a..=b).contains(&c) && plainly(rest, n),
            (['[', a, '-', b, ']', rest @ ..], [c, n @ ..]) => (a..=b).contains(&c) && plainly(rest, n),
            ([p, rest @ ..], [c, n @ ..]) => p == c && plainly(rest, n),
            _ => false,
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        let item =
            prop::sample::select(alloc::vec!["a", "b", "c", "*", "?", "[a-b]", "[!b-c]", "-"]).prop_map(String::from);
        item.prop_recursive(3, 12, 3, |inner| {
            let text = prop::collection::vec(inner, 0..4).prop_map(|all| all.concat());
            prop_oneof![
                text.clone(),
                prop::collection::vec(text, 1..3).prop_map(|all| format!("{{{}}}", all.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4 * ProptestConfig::default().cases))]

        #[test]
        fn the_automaton_agrees_with_the_plain_meaning(text in pattern(), names in prop::collection::vec("[a-c-]{0,5}", 8)) {
            let Ok(glob) = Glob::parse(&text) else { return Ok(()) };
            let chars: Vec<char> = text.chars().collect();
            for name in names {
                let expected = plainly(&chars, &name.chars().collect::<Vec<_>>());
                prop_assert_eq!(glob.matches(&name), expected, "{} on {}", text, name);
            }
        }

        #[test]
        fn what_is_covered_matches(a in pattern(), b in pattern(), names in prop::collection::vec("[a-c-]{0,5}", 16)) {
            let (Ok(a), Ok(b)) = (Glob::parse(&a), Glob::parse(&b)) else { return Ok(()) };
            let found = names.iter().find(|name| b.matches(name) && !a.matches(name));
            if a.covers(&b) {
                prop_assert_eq!(found, None, "{} over {}", a, b);
            }
            prop_assert!(a.covers(&a));
        }

        #[test]
        fn any_text_is_a_glob_or_an_error_inside_it(text in prop_oneof![any::<String>(), "[a\\[\\]{},!*?^é-]{0,20}"], name in ".{0,8}") {
            match Glob::parse(&text) {
                Ok(glob) => _ = glob.matches(&name),
                Err(e) => prop_assert!(text.get(e.at..e.at + e.len).is_some(), "{:?}", e),
            }
        }
    }
}
