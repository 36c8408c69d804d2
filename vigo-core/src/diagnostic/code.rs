//! The table of diagnostic codes: number, slug, severity. A code never changes its meaning.

use core::fmt;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Stops a validate, a publish, an apply.
    Error,
    /// Stops nothing, unless warnings are denied.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal $slug:literal $severity:ident;)*) => {
        /// A stable diagnostic code. Errors print as `E` and four digits, warnings as `W` and four digits.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $($(#[$doc])* $name),* }

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
    /// A name that nothing in the tree has.
    UnknownName = 103 "unknown-name" Error;
    /// Text that is no YAML, or more than its budget.
    Yaml = 200 "yaml" Error;
    /// A `when:` expression that does not parse or check.
    When = 300 "when" Error;
    /// A template that does not parse or check.
    Template = 400 "template" Error;
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
    /// A cycle of edges.
    Cycle = 600 "cycle" Error;
    /// A resource that would touch Vigo itself.
    Guarded = 700 "guarded" Error;
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
