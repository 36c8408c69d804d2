//! Every key that a tree may have, by the place where it stands: what it takes, and what it is for.
//!
//! The readers name their keys to whoever mistypes one out of this table, and whatever describes the language (an
//! editor, a schema) is made of it. The attributes of a resource are declared by its type ([`crate::resource::TypeDecl`]).

/// A map with keys of its own.
#[derive(Debug)]
pub struct Place {
    /// What such a map is, as messages call it.
    pub name: &'static str,
    /// Its keys, in the order in which one writes them.
    pub keys: &'static [Key],
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What stands behind it.
    pub takes: Takes,
    /// What it is for, in one or two sentences.
    pub doc: &'static str,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// A text.
    Text,
    /// One text or a list of them.
    Texts,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Count,
    /// A time such as `30s` or `5m`.
    Duration,
    /// A day, `2026-12-31`.
    Date,
    /// An expression of the `when:` language.
    When,
    /// The dotted path of a variable that is a list or a map.
    VariablePath,
    /// A name of this kind.
    Name(NameKind),
    /// A name of this kind that is defined here.
    NewName(NameKind),
    /// One name of this kind or a list of them.
    Names(NameKind),
    /// Variables: a map of any values.
    Variables,
    /// One path of a data file or a list of them.
    DataFiles,
    /// One glob over hostnames or a list of them.
    Globs,
    /// A map from frameworks to controls.
    Controls,
    /// A map with these keys.
    Map(&'static Place),
    /// A list of maps with these keys.
    List(&'static Place),
    /// A map from names of this kind to maps with these keys.
    Named(NameKind, &'static Place),
    /// A list of resources.
    Resources,
    /// Attributes of a resource, of the types that know them; or of one type, below its name.
    Defaults,
    /// Attributes of the resource and its `state`.
    Attributes,
    /// A list of arms with these keys, or one text.
    Case(&'static Place),
    /// A map from words to attributes of the resource.
    Match,
}

/// Whose name it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameKind {
    /// A configcrate.
    Crate,
    /// A usercrate, without `user:`.
    Usercrate,
    /// A configcrate, or a usercrate with `user:`.
    AnyCrate,
    /// A role.
    Role,
    /// An environment.
    Environment,
    /// A resource.
    Resource,
    /// A resource of the own crate, a crate, or `crate/name`; `*` stands for every match.
    Reference,
    /// A resource type.
    Type,
}

const fn key(name: &'static str, takes: Takes, doc: &'static str) -> Key {
    Key { name, takes, doc }
}

impl Place {
    /// Returns the key of this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|k| k.name == name)
    }

    /// Returns the names of the keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|k| k.name)
    }
}

const ROLES: Key = key("roles", Takes::Names(NameKind::Role), "Roles that are included, in this order.");
const CONFIGCRATES: Key =
    key("configcrates", Takes::Names(NameKind::AnyCrate), "Configcrates that are included, in this order.");
const USERCRATES: Key =
    key("usercrates", Takes::Names(NameKind::Usercrate), "Usercrates that are included: crates of one Unix user each.");
const EXCLUDE: Key = key(
    "exclude_configcrates",
    Takes::Names(NameKind::AnyCrate),
    "Crates that are taken out. An exclusion always wins, wherever it stands; a usercrate is `user:dan`.",
);
const VARS_FROM: Key = key(
    "vars_from",
    Takes::DataFiles,
    "Data files with variables: YAML maps, relative to the root of the tree. A later file wins; `vars` wins over all.",
);
const COMPLIANCE: Key =
    key("compliance", Takes::Controls, "Controls that this fulfils, by framework: `{cis-ubuntu: [\"5.2.1\"]}`.");
const PROVIDES: Key = key("provides", Takes::Texts, "Capabilities that this provides, such as `time-sync`.");
const BUNDLE: Key = key("bundle", Takes::Texts, "Frameworks that this belongs to as a whole, such as `pci-dss`.");
const DEFAULT: Key = key("default", Takes::Bool, "`true`: this arm is taken where no other is. It is the last one.");

/// A file below `configcrates/` or `usercrates/`.
pub static CRATE: Place = Place {
    name: "a configcrate",
    keys: &[
        key(
            "name",
            Takes::NewName(NameKind::Crate),
            "How the crate is known, unique in the tree. Without it the crate is called as its file.",
        ),
        key("configcrate", Takes::NewName(NameKind::Crate), "Another spelling of `name`."),
        key(
            "depends_on",
            Takes::Names(NameKind::Crate),
            "Crates whose resources come first. It orders and requires, it includes nothing.",
        ),
        key(
            "before",
            Takes::Names(NameKind::Crate),
            "Crates whose resources come after; the other side of `depends_on`.",
        ),
        key("when", Takes::When, "The gate of the whole crate: where it is false, its resources are skipped."),
        key(
            "vars",
            Takes::Variables,
            "Variables of this crate alone, and their defaults: whatever a host sets wins over them.",
        ),
        key(
            "defaults",
            Takes::Defaults,
            "Attributes for each resource of the crate that knows them; what the resource itself says wins. Below the name \
             of a type they are for that type.",
        ),
        key(
            "foreach",
            Takes::VariablePath,
            "Stamps the whole crate once per item of a variable, a list or a map; the item is `.Item`, in a resource's own \
             `foreach` `.Outer`.",
        ),
        COMPLIANCE,
        PROVIDES,
        BUNDLE,
        key(
            "environment_overrides",
            Takes::Named(NameKind::Environment, &OVERRIDE),
            "Other values for the crate's variables, by environment.",
        ),
        key("resources", Takes::Resources, "What the crate manages. Order is by edges first, then as written."),
    ],
};

/// One environment of `environment_overrides`.
pub static OVERRIDE: Place = Place {
    name: "`environment_overrides`",
    keys: &[key("vars", Takes::Variables, "Variables of the crate in this environment; they win over its `vars`.")],
};

/// What every resource may have, `state` aside.
pub static RESOURCE: Place = Place {
    name: "a resource",
    keys: &[
        key(
            "name",
            Takes::NewName(NameKind::Resource),
            "What edges call it, unique in the crate. Without it, it is `type:identity`.",
        ),
        key("type", Takes::Name(NameKind::Type), "What it is: the resource type."),
        key(
            "when",
            Takes::When,
            "The condition under which it runs. `changed` makes a handler of it, which runs only when something notified it.",
        ),
        key(
            "depends_on",
            Takes::Names(NameKind::Reference),
            "It runs after these, and only if all of them succeeded; otherwise it is skipped.",
        ),
        key("before", Takes::Names(NameKind::Reference), "It runs before these; the other side of `depends_on`."),
        key(
            "notify",
            Takes::Names(NameKind::Reference),
            "It runs before these, and when it changed something it triggers them, once, after all their sources.",
        ),
        key(
            "subscribes",
            Takes::Names(NameKind::Reference),
            "It is triggered when one of these changed something; the other side of `notify`.",
        ),
        key(
            "foreach",
            Takes::VariablePath,
            "Makes one resource per item of a variable, a list or a map: `.Item`, or `.Item.key` and `.Item.value`.",
        ),
        key(
            "case",
            Takes::Case(&ARM),
            "Arms with conditions, the first true one of which is laid over the resource; or one text, whose word is looked \
             up in `match`.",
        ),
        key("match", Takes::Match, "For `case: \"{{ … }}\"`: attributes by the word, and `default`."),
        key("retries", Takes::Count, "How often a failed attempt is repeated (0)."),
        key("retry_delay", Takes::Duration, "Time between attempts (5s)."),
        key("timeout", Takes::Duration, "The bound on one attempt."),
        COMPLIANCE,
        key(
            "revert",
            Takes::Bool,
            "`true`: when the resource leaves the policy, what it changed is put back, where the type keeps what was there.",
        ),
        key("on_revert", Takes::Text, "What is done when the resource leaves the policy, for types that have it."),
    ],
};

/// An arm of a resource's `case`.
pub static ARM: Place = Place {
    name: "an arm of `case`",
    keys: &[
        key("when", Takes::When, "The condition of the arm; the first true one is taken."),
        DEFAULT,
        key("set", Takes::Attributes, "Attributes and `state` that are laid over the resource."),
    ],
};

/// `roles.vgo`, or a file below `roles/`.
pub static ROLE_FILE: Place = Place {
    name: "a file of roles",
    keys: &[
        key("roles", Takes::List(&ROLE), "Roles, each with a name."),
        ROLE.keys[0],
        ROLE.keys[1],
        ROLE.keys[2],
        ROLE.keys[3],
    ],
};

/// A role.
pub static ROLE: Place = Place {
    name: "a role",
    keys: &[
        key("name", Takes::NewName(NameKind::Role), "How the role is known, unique in the tree."),
        key(
            "includes",
            Takes::Names(NameKind::Role),
            "Other roles, whose crates come first. One level deep: an included role includes none.",
        ),
        CONFIGCRATES,
        key(
            "case",
            Takes::List(&ROLE_ARM),
            "More crates by what the machine is: those of the first arm that is true there, or of `default`.",
        ),
    ],
};

/// An arm of a role's `case`.
pub static ROLE_ARM: Place = Place {
    name: "an arm of a role's `case`",
    keys: &[
        key("when", Takes::When, "The condition of the arm: what the machine is, its environment or its name."),
        DEFAULT,
        CONFIGCRATES,
    ],
};

/// `common.vgo`.
pub static COMMON: Place = Place {
    name: "common.vgo",
    keys: &[
        ROLES,
        CONFIGCRATES,
        USERCRATES,
        EXCLUDE,
        key("vars", Takes::Variables, "Variables for all hosts of the sub-directories; the nearest `common.vgo` wins."),
        VARS_FROM,
    ],
};

/// A file of match blocks.
pub static MATCH_FILE: Place = Place {
    name: "a match file",
    keys: &[key(
        "envoys",
        Takes::List(&BLOCK),
        "Match blocks: which machine gets what. The first block whose glob matches the hostname wins.",
    )],
};

/// A match block.
pub static BLOCK: Place = Place {
    name: "a match block",
    keys: &[
        key(
            "match",
            Takes::Globs,
            "Globs over the hostname, one of which must match: `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}`. Quote them.",
        ),
        key("environment", Takes::Name(NameKind::Environment), "The environment of these machines."),
        ROLES,
        CONFIGCRATES,
        EXCLUDE,
        USERCRATES,
        key("vars", Takes::Variables, "Variables of these machines; only `environments.vgo` wins over them."),
        VARS_FROM,
        key("observe_only", Takes::Bool, "`true`: report what would change, change nothing."),
        key("always_hold", Takes::Bool, "`true`: the machines stay connected, and get a publish at once."),
        key("network_device", Takes::Map(&NETWORK_DEVICE), "A device without an agent, which an envoy reaches."),
    ],
};

/// `network_device` of a match block.
pub static NETWORK_DEVICE: Place = Place {
    name: "`network_device`",
    keys: &[
        key("gateway", Takes::Text, "The envoy that reaches the device."),
        key("type", Takes::Text, "What the device is."),
        key("ssh_user", Takes::Text, "The user to log in as."),
        key("ssh_password", Takes::Text, "The password, as `secret:<path>`."),
    ],
};

/// `environments.vgo`.
pub static ENVIRONMENTS_FILE: Place = Place {
    name: "environments.vgo",
    keys: &[key(
        "env",
        Takes::Named(NameKind::Environment, &ENVIRONMENT),
        "The environments, by name; `staging: {}` declares one.",
    )],
};

/// An environment.
pub static ENVIRONMENT: Place = Place {
    name: "an environment",
    keys: &[
        key("vars", Takes::Variables, "Variables of this environment: they win over all others."),
        ROLES,
        CONFIGCRATES,
        USERCRATES,
        EXCLUDE,
    ],
};

/// `compliance.vgo` below `configcrates/`.
pub static CLAIMS: Place = Place { name: "compliance.vgo of the library", keys: &[COMPLIANCE, PROVIDES, BUNDLE] };

/// `compliance.vgo` of the host tree.
pub static WAIVERS_FILE: Place =
    Place { name: "compliance.vgo", keys: &[key("waivers", Takes::List(&WAIVER), "Gaps that are accepted.")] };

/// A waiver.
pub static WAIVER: Place = Place {
    name: "a waiver",
    keys: &[
        key("framework", Takes::Text, "The framework."),
        key("control", Takes::Text, "The control that is not fulfilled."),
        key("reason", Takes::Text, "Why that is accepted; required."),
        key("until", Takes::Date, "The last day on which it is, `2026-12-31`."),
        key("owner", Takes::Text, "Who answers for it."),
    ],
};

/// Returns what the documents of a file are, by its path; `None` for what is no policy.
pub fn of_file(path: &str) -> Option<&'static Place> {
    let (first, name) = (path.split('/').next().unwrap_or_default(), path.rsplit('/').next().unwrap_or_default());
    let in_root = first == name;
    match (first, name) {
        _ if !name.ends_with(".vgo") || name.ends_with(".test.vgo") || first == "templates" => None,
        ("configcrates", "compliance.vgo") => Some(&CLAIMS),
        ("configcrates" | "usercrates", _) if !in_root => Some(&CRATE),
        ("roles", _) if !in_root => Some(&ROLE_FILE),
        (_, "roles.vgo") if in_root => Some(&ROLE_FILE),
        (_, "common.vgo") => Some(&COMMON),
        (_, "environments.vgo") => Some(&ENVIRONMENTS_FILE),
        (_, "compliance.vgo") => Some(&WAIVERS_FILE),
        _ => Some(&MATCH_FILE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_there_once_and_says_what_it_is_for() {
        let places = [
            &CRATE,
            &OVERRIDE,
            &RESOURCE,
            &ARM,
            &ROLE_FILE,
            &ROLE,
            &ROLE_ARM,
            &COMMON,
            &MATCH_FILE,
            &BLOCK,
            &NETWORK_DEVICE,
            &ENVIRONMENTS_FILE,
            &ENVIRONMENT,
            &CLAIMS,
            &WAIVERS_FILE,
            &WAIVER,
        ];
        for place in places {
            for (i, key) in place.keys.iter().enumerate() {
                assert!(key.doc.ends_with('.') && !key.doc.contains("  "), "{}: `{}`", place.name, key.name);
                assert!(!place.keys[..i].iter().any(|k| k.name == key.name), "{}: `{}` twice", place.name, key.name);
            }
        }
    }
}
