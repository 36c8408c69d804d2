//! The table of diagnostic codes: number, slug, severity. A code never changes its meaning.

use core::fmt;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Stops a validate, a publish, an apply.
    Error,
    /// Stops nothing, unless warnings are denied.
    Warning,
}

macro_rules! codes {
    ($(#[doc = $summary:literal] $name:ident = $number:literal $slug:literal $severity:ident;)*) => {
        /// A stable diagnostic code. Errors print as `E` and four digits, warnings as `W` and four digits.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $summary] $name),* }

        impl Code {
            /// All codes, in the order of the table.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// Returns the number, unique over errors and warnings.
            pub const fn number(self) -> u16 {
                match self { $(Code::$name => $number),* }
            }

            /// Returns the short name, such as `unknown-attribute`.
            pub const fn slug(self) -> &'static str {
                match self { $(Code::$name => $slug),* }
            }

            /// Returns what it is about, in one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Code::$name => $summary.trim_ascii_start()),* }
            }

            /// Returns whether it is an error or a warning.
            pub const fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity),* }
            }
        }
    };
}

// 01xx tree, crates, roles, match blocks, variables · 02xx YAML · 03xx when · 04xx templates · 05xx resources
// and attributes · 06xx edges and plan · 07xx guardrails · 08xx secrets
codes! {
    /// A file or folder that has no business where it stands.
    Misplaced = 100 "misplaced" Error;
    /// A value of another shape than the key takes: a list for a text, a text for a map.
    Shape = 101 "shape" Error;
    /// A key that does not exist there.
    UnknownKey = 102 "unknown-key" Error;
    /// A name that nothing in the tree has.
    UnknownName = 103 "unknown-name" Error;
    /// A name that is no name.
    InvalidName = 104 "invalid-name" Error;
    /// Two things of one name.
    DuplicateName = 105 "duplicate-name" Error;
    /// A key that must be there and is not.
    MissingKey = 106 "missing-key" Error;
    /// A default that no resource of the crate takes.
    UnusedDefault = 107 "unused-default" Error;
    /// An environment that nothing declares.
    UnknownEnvironment = 108 "unknown-environment" Error;
    /// A host that no match block takes.
    Unassigned = 109 "unassigned" Error;
    /// A crate that another depends on and the host does not include.
    NotIncluded = 110 "not-included" Error;
    /// A role that is included and itself includes roles.
    NestedInclude = 111 "nested-include" Error;
    /// A variable that is used and not defined.
    UndefinedVariable = 112 "undefined-variable" Error;
    /// A `foreach` over what is no list and no map, or that makes two of one name.
    Foreach = 113 "foreach" Error;
    /// A policy that is larger than what an agent is asked to hold.
    TooLarge = 114 "too-large" Error;
    /// A word of older trees or of another tool, for which Vigo has its own.
    OldWord = 115 "old-word" Error;
    /// Something that is there and empty where a value must stand.
    Empty = 116 "empty" Error;
    /// A glob over hostnames that is none.
    Glob = 117 "glob" Error;
    /// Arms of a `case` that do not fit together.
    CaseArms = 118 "case-arms" Error;
    /// A match block that an earlier one shadows whole.
    ShadowedBlock = 150 "shadowed-block" Warning;
    /// A `common.vgo` beside match files, which do not inherit it.
    CommonBeside = 151 "common-beside" Warning;
    /// A bare value that YAML reads as a number and that stays text.
    StaysText = 152 "stays-text" Warning;
    /// A `{{` in a value, which is data and is never rendered.
    NotRendered = 153 "not-rendered" Warning;
    /// Text that is no YAML.
    Yaml = 200 "yaml" Error;
    /// Text that is more than its budget.
    YamlLimit = 201 "yaml-limit" Error;
    /// A key that stands twice in one map.
    DuplicateKey = 202 "duplicate-key" Error;
    /// YAML that reads as something else than what was meant.
    YamlTrap = 203 "yaml-trap" Error;
    /// A tab where blanks must stand.
    Tab = 204 "tab" Error;
    /// A template without quotes, of which YAML makes a map.
    UnquotedTemplate = 205 "unquoted-template" Error;
    /// An alias that stands for nothing: as a rule a `*` without quotes.
    Alias = 206 "alias" Error;
    /// A tag that means nothing: as a rule a `!` without quotes.
    Tag = 207 "tag" Error;
    /// A line whose indent does not fit.
    Indent = 208 "indent" Error;
    /// A list, map or text that does not end, or ends where it was not meant to.
    Unclosed = 209 "unclosed" Error;
    /// A folded block where lines matter.
    FoldedContent = 250 "folded-content" Warning;
    /// A `when:` expression that cannot be read.
    When = 300 "when" Error;
    /// A condition that does not exist.
    UnknownCondition = 301 "unknown-condition" Error;
    /// A condition with arguments that it does not take.
    ConditionArgument = 302 "condition-argument" Error;
    /// A condition where it cannot stand.
    ConditionPlace = 303 "condition-place" Error;
    /// A template that cannot be read.
    Template = 400 "template" Error;
    /// A name in a template that there is not: a function, a field, a trait.
    TemplateName = 401 "template-name" Error;
    /// A resource type that does not exist.
    UnknownType = 500 "unknown-type" Error;
    /// An attribute that the type does not have.
    UnknownAttribute = 501 "unknown-attribute" Error;
    /// A required attribute that is not there.
    MissingAttribute = 502 "missing-attribute" Error;
    /// A value that the attribute does not take.
    BadValue = 503 "bad-value" Error;
    /// Attributes that exclude each other, or have no meaning for the state.
    ConflictingAttributes = 504 "conflicting-attributes" Error;
    /// Two resources that want different things of one target.
    DuplicateTarget = 505 "duplicate-target" Error;
    /// A trigger for a type that has nothing to do.
    NothingToRefresh = 506 "nothing-to-refresh" Warning;
    /// A resource that would act on every run.
    NotIdempotent = 507 "not-idempotent" Error;
    /// Two resources that may want different things of one target.
    PossibleDuplicate = 551 "possible-duplicate" Warning;
    /// A cycle of edges.
    Cycle = 600 "cycle" Error;
    /// A reference to what nothing in the tree is called.
    UnknownReference = 601 "unknown-reference" Error;
    /// A handler that nothing can trigger.
    Untriggerable = 602 "untriggerable" Error;
    /// A resource that would touch Vigo itself.
    Guarded = 700 "guarded" Error;
    /// A secret where the value would be seen or stored.
    SecretMisplaced = 800 "secret-misplaced" Error;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.severity() {
            Severity::Error => 'E',
            Severity::Warning => 'W',
        };
        write!(f, "{letter}{:04}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_slugs_are_unique() {
        for (i, a) in Code::ALL.iter().enumerate() {
            for b in &Code::ALL[i + 1..] {
                assert!(a.number() != b.number() && a.slug() != b.slug(), "{a} and {b}");
            }
        }
    }
}
