//! Environments of all layouts, brought over.

use super::{Choice, PromoteError, promote};
use crate::config::Config;
use crate::source::{Sources, Tree};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;

fn brought(text: &str, choice: &Choice) -> Result<String, PromoteError> {
    let sources = Sources::read(&Tree::from_texts([("environments.vgo", text)]));
    let files = promote(&Config::read(&sources), "a", "b", choice)?;
    Ok(files.into_iter().next().map_or_else(|| text.into(), |file| file.text))
}

#[test]
fn each_layout_keeps_its_own() {
    let cases = [
        ("flow", "env:\n  a: {vars: {x: 1}}\n  b: {vars: {x: 2, y: 3}} # b\n", "  b: {vars: {x: 1, y: 3}} # b\n"),
        ("empty flow", "env:\n  a: {vars: {x: 1}}\n  b: {}\n", "  b: {vars: {x: 1}}\n"),
        ("nothing", "env:\n  a: {vars: {x: 1}}\n  b: # to come\n", "  b: {vars: {x: 1}} # to come\n"),
        (
            "block",
            "env:\n  a: {vars: {x: 1}}\n  b:\n    vars:\n      y: 3 # y\n\n# end\n",
            "      y: 3 # y\n      x: 1\n\n# end\n",
        ),
        (
            "behind a block",
            "env:\n  a: {configcrates: [m]}\n  b:\n    vars:\n      y: |\n        t\n",
            "        t\n    configcrates: [m]\n",
        ),
        ("a comma at the end", "env:\n  a: {configcrates: [m]}\n  b: {configcrates: [n, ]}\n", "[n, m ]}\n"),
        ("one text", "env:\n  a: {configcrates: [m]}\n  b: {configcrates: n}\n", "  b: {configcrates: [n, m]}\n"),
        ("a list", "env:\n  a: {configcrates: m}\n  b:\n    configcrates:\n    - n # n\n", "    - n # n\n    - m\n"),
        ("quoted", "env:\n  a: {vars: {x: 'it''s: \"so\"'}}\n  b: {}\n", "  b: {vars: {x: \"it's: \\\"so\\\"\"}}\n"),
        (
            "lines",
            "env:\n  a:\n    vars:\n      x: |\n        1\n        2\n  b: {}\n",
            "  b: {vars: {x: \"1\\n2\\n\"}}\n",
        ),
        ("no end of line", "env:\n  a: {vars: {x: 1}}\n  b:\n    vars:\n      y: 2", "      y: 2\n      x: 1"),
        ("as it is", "env:\n  a: {vars: {x: [1, 2]}}\n  b: {vars: {x: [1,   2]}}\n", "  b: {vars: {x: [1,   2]}}\n"),
    ];
    for (name, text, end) in cases {
        let after = brought(text, &Choice::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(after.ends_with(end), "{name}: {after}");
        assert!(after.starts_with("env:\n  a:"), "{name}: {after}");
    }
}

#[test]
fn what_an_edit_would_spoil_is_refused() {
    let shared = "x-y: &y {x: 2}\nenv:\n  a: {vars: {x: 1}}\n  b: {vars: *y}\n";
    let error = brought(shared, &Choice::default()).unwrap_err();
    let merged = "x-y: &y {vars: {x: 2}}\nenv:\n  a: {vars: {x: 1}}\n  b: {<<: *y}\n";
    assert!(brought(merged, &Choice::default()).is_err(), "an edit there would hide what is merged");
    assert_eq!(error.to_string(), "environments.vgo:4: `vars` is written by an alias or a merge key");
    let choice = |variables: &[&str], crates: &[&str]| {
        let owned = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        Choice { variables: owned(variables), crates: owned(crates) }
    };
    let text = "env:\n  a: {vars: {x: 1, y: 2}, usercrates: [dan], configcrates: [m]}\n  b: {}\n";
    let ends = |choice: &Choice, end: &str| {
        let after = brought(text, choice).unwrap();
        assert!(after.ends_with(end), "{after}");
    };
    ends(&choice(&["y"], &[]), "  b: {vars: {y: 2}}\n");
    ends(&choice(&[], &["user:dan"]), "  b: {usercrates: [dan]}\n");
    let error = brought(text, &choice(&[], &["dan"])).unwrap_err();
    assert_eq!(error.to_string(), "environment `a` sets no configcrate `dan`");
}

/// What an environment sets: variables with their values as text, and names.
fn meaning(text: &str, name: &str) -> Option<(BTreeMap<String, String>, Vec<String>)> {
    let sources = Sources::read(&Tree::from_texts([("environments.vgo", text)]));
    // The tree has no crates: that they are not there is no matter here.
    let config = Config::read(&sources);
    if !sources.diagnostics().is_empty() {
        return None;
    }
    let e = config.environments.iter().flat_map(|f| &f.environments).find(|e| e.name == name)?;
    let vars = e.vars.iter().map(|v| (v.name.to_string(), format!("{:?}", v.value))).collect();
    Some((vars, e.include.configcrates.iter().map(|i| i.name.to_string()).collect()))
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,4}",
        "-?[0-9]{1,3}",
        "'[a-z:#,{} ]{0,6}'",
        "\"[a-z:#,{} \\[\\]]{0,6}\"",
        Just("[a, {b: 'c, d'}]".to_string()),
        Just("{k: [1, 2], l: null}".to_string()),
        Just("true".to_string()),
    ]
}

fn environment(block: bool) -> impl Strategy<Value = String> {
    let vars = prop::collection::btree_map("[u-z]", value(), 0..4);
    let crates = prop::collection::btree_set("[m-p]", 0..3);
    (vars, crates, any::<bool>()).prop_map(move |(vars, crates, comment)| {
        let comment = if comment { " # why" } else { "" };
        let mut out = String::new();
        if block {
            if !vars.is_empty() {
                out += &format!("\n    vars:{comment}");
                vars.iter().for_each(|(k, v)| out += &format!("\n      {k}: {v}{comment}"));
            }
            if !crates.is_empty() {
                out += "\n    configcrates:";
                crates.iter().for_each(|c| out += &format!("\n      - {c}{comment}"));
            }
            if out.is_empty() { format!(" {{}}{comment}") } else { out }
        } else {
            let vars: Vec<String> = vars.iter().map(|(k, v)| format!("{k}: {v}")).collect();
            let crates: Vec<&str> = crates.iter().map(|c| &**c).collect();
            format!(" {{vars: {{{}}}, configcrates: [{}]}}{comment}", vars.join(", "), crates.join(", "))
        }
    })
}

proptest! {
    #[test]
    fn all_that_one_sets_the_other_has_and_nothing_else_changes(
        a in any::<bool>().prop_flat_map(environment),
        b in any::<bool>().prop_flat_map(environment),
        c in any::<bool>().prop_flat_map(environment),
    ) {
        let text = format!("# first\nenv:\n  a:{a}\n  b:{b}\n  c:{c}\n# last\n");
        let (from, to, other) = (meaning(&text, "a").unwrap(), meaning(&text, "b").unwrap(), meaning(&text, "c"));
        let after = brought(&text, &Choice::default()).unwrap();
        prop_assert_eq!(&meaning(&after, "a"), &Some(from.clone()), "{}", after);
        prop_assert_eq!(&meaning(&after, "c"), &other, "{}", after);
        let (mut vars, mut crates) = to;
        vars.extend(from.0);
        crates.extend(from.1.into_iter().filter(|c| !meaning(&text, "b").unwrap().1.contains(c)));
        prop_assert_eq!(meaning(&after, "b"), Some((vars, crates)), "{}", after);
        prop_assert_eq!(text.matches("# why").count(), after.matches("# why").count(), "{}", after);
        prop_assert_eq!(brought(&after, &Choice::default()).unwrap(), after.clone());
    }
}
