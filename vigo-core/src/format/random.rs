//! Whatever stands in a file: written anew, it says the same, and once more changes nothing.

use super::format;
use crate::source::{Sources, Tree};
use alloc::format as text;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A value as it is written: what stands behind its sign, and the lines below that.
#[derive(Clone, Debug)]
struct Value {
    first: String,
    rest: Vec<String>,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// A word, or a collection in flow style; it may go on over lines.
    Inline,
    /// A block scalar; its lines have their indent.
    Block,
    Map,
    List,
}

/// An entry of a map or an item of a list.
#[derive(Clone, Debug)]
struct Entry {
    /// Lines above it.
    above: Vec<&'static str>,
    /// Anchor or tag.
    props: &'static str,
    value: Value,
    /// What ends its first line.
    behind: &'static str,
    /// Blanks before the lines below.
    indent: usize,
    /// Whether what it holds begins on its own line.
    compact: bool,
}

fn noise() -> impl Strategy<Value = Vec<&'static str>> {
    let line = select(alloc::vec!["", "", "# one", "# two", "  # inside", "     # far inside", "   "]);
    prop_oneof![4 => Just(Vec::new()), 2 => vec(line, 1..4)]
}

fn word() -> impl Strategy<Value = String> {
    let fixed = select(alloc::vec![
        "true",
        "~",
        "0644",
        "'it''s'",
        "\"a: b # c\"",
        "'{{ .Vars.x }}'",
        "\"\\t\\\"\"",
        "'\\d'",
        "\"\"",
        "a#b",
        "a b:c",
        "''",
        "-x",
        "'#'",
        "\"e\u{301}\u{a0}\"",
        "http://x/y",
    ]);
    prop_oneof![2 => "[a-z][a-z0-9_]{0,6}", 1 => "[0-9]{1,4}", 3 => fixed.prop_map(String::from)]
}

/// A value in flow style, on one line or on many.
fn flow(depth: u32) -> BoxedStrategy<String> {
    if depth == 0 {
        return word().boxed();
    }
    let part = || select(alloc::vec![", ", ",", " , ", ", # in\n", ",\n", "\n,", ",\n\n# apart\n"]);
    let end = || select(alloc::vec!["", "", "", ",", "\n", ",\n# last\n", " # last\n"]);
    let begin = || select(alloc::vec!["", "", " ", "\n", " # first\n", "\n# first\n"]);
    let long = select(alloc::vec!["", "", "", "x", "y: "]);
    let list = (begin(), vec((long, flow(depth - 1), part()), 0..4), end()).prop_map(|(begin, items, end)| {
        let mut out = text!("[{begin}");
        for (i, (key, item, part)) in items.iter().enumerate() {
            let key = if *key == "x" { "x".repeat(50) } else { String::from(*key) };
            out.push_str(if i > 0 { part } else { "" });
            out.push_str(&key);
            out.push_str(item);
        }
        out + if items.is_empty() { end.trim_start_matches(',') } else { end } + "]"
    });
    let map = (begin(), vec((select(alloc::vec!["", ": ", ":\n", ":"]), flow(depth - 1), part()), 0..4), end())
        .prop_map(|(begin, pairs, end)| {
            let mut out = text!("{{{begin}");
            for (i, (sign, value, part)) in pairs.iter().enumerate() {
                out.push_str(if i > 0 { part } else { "" });
                match *sign {
                    "" => out.push_str(&text!("n{i}")),
                    ":" => out.push_str(&text!("\"q{i}\":{value}")),
                    sign => out.push_str(&text!("k{i}{sign}{value}")),
                }
            }
            out + if pairs.is_empty() { end.trim_start_matches(',') } else { end } + "}"
        });
    prop_oneof![1 => word(), 2 => list, 2 => map].boxed()
}

/// A block scalar of every style, with what its lines can be.
fn block() -> impl Strategy<Value = Value> {
    let line = select(alloc::vec![
        "a",
        "b c",
        "",
        "",
        " ",
        "   ",
        "  more",
        "\ttab",
        "# no comment",
        "- x",
        "k: v",
        "end  ",
        "---",
        "é"
    ]);
    let header = (select(alloc::vec!["|", ">"]), select(alloc::vec!["", "", "+", "+", "-"]), 0..3usize, any::<bool>());
    (header, vec(line, 0..5), 0..4usize, 1..5usize).prop_map(|((style, chomp, digit, swap), lines, blanks, indent)| {
        let digit = if digit == 0 { text!("{indent}") } else { String::new() };
        let first = if swap { text!("{style}{chomp}{digit}") } else { text!("{style}{digit}{chomp}") };
        let mut rest: Vec<String> =
            lines.iter().map(|line| if line.is_empty() { String::new() } else { " ".repeat(indent) + line }).collect();
        rest.extend(core::iter::repeat_n(String::new(), blanks));
        Value { first, rest, shape: Shape::Block }
    })
}

fn value(depth: u32) -> BoxedStrategy<Value> {
    let inline = |text: String| {
        let mut lines = text.split('\n').map(String::from);
        Value { first: lines.next().unwrap_or_default(), rest: lines.collect(), shape: Shape::Inline }
    };
    let long =
        select(alloc::vec!["a\nb", "a b\n\n c", "'a\n  b'", "\"a\\\n b\n\n\nc \"", "\"x\n\ny\"", "", "", "*a", "*b"]);
    let leaf = prop_oneof![
        3 => word().prop_map(inline),
        1 => long.prop_map(String::from).prop_map(inline),
        2 => flow(2).prop_map(inline),
        3 => block(),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    prop_oneof![2 => leaf, 2 => collection(depth, Shape::Map), 2 => collection(depth, Shape::List)].boxed()
}

fn collection(depth: u32, shape: Shape) -> BoxedStrategy<Value> {
    let props =
        prop_oneof![12 => Just(""), 3 => select(alloc::vec!["&a ", "&b ", "!!str ", "&a !!map ", "!!seq &b ", "&c\n"])];
    let behind = prop_oneof![4 => Just(""), 2 => select(alloc::vec!["  # behind", " # b", "   ", " # b  "])];
    let entry = (noise(), props, value(depth - 1), behind, 0..4usize, any::<bool>()).prop_map(
        |(above, props, value, behind, indent, compact)| Entry { above, props, value, behind, indent, compact },
    );
    (vec(entry, 1..4), noise())
        .prop_map(move |(entries, below)| {
            let mut rest = lines(&entries, shape == Shape::Map);
            rest.extend(below.iter().map(|line| String::from(*line)));
            Value { first: String::new(), rest, shape }
        })
        .boxed()
}

/// Writes a block collection.
fn lines(entries: &[Entry], is_map: bool) -> Vec<String> {
    let mut out = Vec::new();
    for (i, entry) in entries.iter().enumerate() {
        let Entry { above, props, value, behind, indent, compact } = entry;
        out.extend(above.iter().map(|line| String::from(*line)));
        let sign = if is_map { text!("k{i}:") } else { String::from("-") };
        let (own, below) = props.split_once('\n').map_or((*props, None), |(props, _)| ("", Some(props)));
        let indented = |line: &String, by: usize| if line.is_empty() { String::new() } else { " ".repeat(by) + line };
        let begins = value.rest.first().is_some_and(|l| !l.is_empty() && !l.starts_with([' ', '#']));
        match value.shape {
            Shape::Map | Shape::List if *compact && !is_map && begins => {
                let gap = 1 + indent;
                for (j, line) in value.rest.iter().enumerate() {
                    let line = indented(line, 1 + gap);
                    out.push(if j == 0 { text!("-{}{own}{}", " ".repeat(gap), line.trim_start()) } else { line });
                }
            }
            Shape::Map | Shape::List => {
                let by = if value.shape == Shape::List && is_map { *indent } else { 1 + indent };
                out.push(text!("{sign} {own}{behind}"));
                out.extend(below.map(|props| " ".repeat(by.max(1)) + props));
                out.extend(value.rest.iter().map(|line| indented(line, by)));
            }
            Shape::Block => {
                out.push(text!("{sign} {own}{}{behind}", value.first));
                out.extend(value.rest.iter().cloned());
            }
            // A comment behind a text that goes on below would end it.
            Shape::Inline if !value.rest.is_empty() => {
                out.push(text!("{sign} {own}{}", value.first));
                out.extend(value.rest.iter().map(|line| indented(line, 1 + indent)));
                if let Some(last) = out.last_mut().filter(|_| value.first.starts_with(['[', '{'])) {
                    last.push_str(behind);
                }
            }
            Shape::Inline => out.push(text!("{sign} {own}{}{behind}", value.first)),
        }
    }
    out
}

/// A file of some documents.
fn file() -> impl Strategy<Value = String> {
    let root = || prop_oneof![6 => collection(3, Shape::Map), 1 => collection(2, Shape::List), 1 => value(0)];
    let begin = || prop_oneof![4 => Just("---\n"), 1 => Just("--- "), 1 => Just("--- # doc\n"), 1 => Just("...\n---\n"), 1 => Just("...\n# c\n\n---\n")];
    let first = prop_oneof![4 => Just(""), 1 => Just("# top\n\n"), 1 => Just("\n\n# top\n---\n"), 1 => begin(), 1 => Just("a0: &a 1\nb0: &b {x: 1}\n"), 1 => Just("\u{feff}")];
    let end = select(alloc::vec!["\n", "\n", "\n", "", "\n\n\n", "\n# end\n", "\n\n  # end", "\n...\n"]);
    let more = prop_oneof![3 => Just(Vec::new()).boxed(), 1 => vec((begin(), root()), 1..3).boxed()];
    (first, root(), more, end, prop_oneof![5 => Just(false), 1 => Just(true)]).prop_map(
        |(first, root, more, end, crlf)| {
            let mut out = String::from(first);
            for (i, (begin, root)) in [("", root)].into_iter().chain(more).enumerate() {
                if i > 0 {
                    out.push('\n');
                }
                out.push_str(begin);
                out.push_str(&root.first);
                if root.shape == Shape::Map || root.shape == Shape::List {
                    if out.ends_with(' ') {
                        out.push('\n');
                    }
                } else {
                    out.push('\n');
                }
                out.push_str(&root.rest.join("\n"));
            }
            out.push_str(end);
            if crlf { out.replace('\n', "\r\n") } else { out }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: u32::MAX, ..ProptestConfig::with_cases(2 * ProptestConfig::default().cases) })]

    #[test]
    fn whatever_is_written_says_the_same_and_stays(text in file()) {
        let formatted = |text: &str| {
            let tree = Tree::from_texts([("x.vgo", text)]);
            let sources = Sources::read(&tree);
            prop_assume!(sources.diagnostics().is_empty());
            Ok(sources.policy_files().next().map(format))
        };
        let once = match formatted(&text)? {
            Some(Ok(once)) => once,
            other => return Err(TestCaseError::fail(text!("{other:?} of\n{text}"))),
        };
        prop_assert_eq!(formatted(&once)?, Some(Ok(once.clone())), "{}\nfrom\n{}", &once, text);
    }
}
