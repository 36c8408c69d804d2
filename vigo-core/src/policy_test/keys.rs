//! Every key that a file of tests may have, by the place where it stands.

use crate::config::keys::{Key, NameKind, Place, Takes};

const fn key(name: &'static str, takes: Takes, doc: &'static str) -> Key {
    Key { name, takes, doc }
}

/// A file of tests.
pub static FILE: Place = Place {
    name: "a file of tests",
    keys: &[key("tests", Takes::List(&TEST), "Tests: what hosts are to get. `vigocli config test` runs them.")],
};

/// A test.
pub static TEST: Place = Place {
    name: "a test",
    keys: &[
        key("name", Takes::Text, "What the test says, unique in its file."),
        key("hostname", Takes::Text, "The host. A test of `diagnostics` alone needs none."),
        key("environment", Takes::Name(NameKind::Environment), "An environment in place of the match block's."),
        key("os", Takes::Text, "A family or distribution, whose usual traits the machine has (debian)."),
        key("traits", Takes::Variables, "Traits laid over those of `os` or `traits_file`."),
        key("traits_file", Takes::Text, "A file of the tree with the traits of the machine, instead of `os`."),
        key("at", Takes::Text, "The machine's local time, as `2026-12-31T23:59`."),
        key(
            "files",
            Takes::Variables,
            "Other texts for files of the tree in this test; one without a text is not there.",
        ),
        key("expect", Takes::Map(&EXPECT), "What must hold."),
    ],
};

/// `expect` of a test.
pub static EXPECT: Place = Place {
    name: "`expect`",
    keys: &[
        key("unassigned", Takes::Bool, "`true`: no match block takes the host."),
        key("match", Takes::Text, "The glob that takes the host, as written."),
        key("environment", Takes::Name(NameKind::Environment), "The environment that applies; `null` is none."),
        key(
            "configcrates",
            Takes::Map(&CONFIGCRATES),
            "The crates that the host has: a list of some, or `{contains, exactly, absent}`.",
        ),
        key(
            "resources",
            Takes::Named(NameKind::Resource, &RESOURCE),
            "Resources by `crate/name`: a list of those that are there, or a map to what they must be.",
        ),
        key("variables", Takes::Variables, "Values of variables; `nginx/port` is what crate `nginx` sees."),
        key("order", Takes::Texts, "Orders such as `a before b`, or lists of names."),
        key("diagnostics", Takes::List(&DIAGNOSTIC), "What is said of the tree: codes, and no other errors."),
        key(
            "snapshot",
            Takes::Bool,
            "`true`: the host gets what it got when the snapshot beside the test was written.",
        ),
    ],
};

/// `configcrates` of a test.
pub static CONFIGCRATES: Place = Place {
    name: "`configcrates` of a test",
    keys: &[
        key("contains", Takes::Names(NameKind::AnyCrate), "The host has each of these."),
        key("exactly", Takes::Names(NameKind::AnyCrate), "The host has these in this order, and no others."),
        key("absent", Takes::Names(NameKind::AnyCrate), "The host has none of these."),
    ],
};

/// What is said of a resource beside its attributes.
pub static RESOURCE: Place = Place {
    name: "a resource of a test",
    keys: &[
        key("absent", Takes::Bool, "`true`: the host does not have it."),
        key("type", Takes::Name(NameKind::Type), "Its type."),
        key(
            "runs",
            Takes::When,
            "Whether it runs: `true`, `false`, or the expression that is left for looks at the machine.",
        ),
        key(
            "outcome",
            Takes::Text,
            "What a plan for a machine with nothing on it says: changed, ok, skipped, failed, unknown.",
        ),
        key(
            "operations",
            Takes::Texts,
            "What that plan would do: parts of operations, in this order; none at all for `[]`.",
        ),
        key("depends_on", Takes::Texts, "Resources that it needs."),
        key("notify", Takes::Texts, "Resources that it triggers."),
    ],
};

/// A diagnostic that is expected.
pub static DIAGNOSTIC: Place = Place {
    name: "an expected diagnostic",
    keys: &[
        key("code", Takes::Text, "Its code, `E0103` or `unknown-name`."),
        key("file", Takes::Text, "The file that it is about."),
        key("line", Takes::Count, "The line."),
        key("message", Takes::Text, "A part of what it says."),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_says_what_it_is_for() {
        for place in [&FILE, &TEST, &EXPECT, &CONFIGCRATES, &RESOURCE, &DIAGNOSTIC] {
            for key in place.keys {
                assert!(key.doc.ends_with('.') && !key.doc.contains("  "), "{}: `{}`", place.name, key.name);
            }
        }
    }
}
