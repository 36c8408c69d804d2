//! Whether two conditions can hold together.

use super::expr::{Call, Expr};
use super::version;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Steps after which the question is given up and answered with no: two large joined conditions multiply.
const STEPS_MAX: u32 = 100_000;

/// What a builtin, or its negation, says of one subject; two that have no value in common exclude each other.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Domain {
    /// The subject has one of these values of a small set.
    OneOf(&'static str, u64),
    /// The subject has this value.
    Is(String, String),
    /// The subject has another value, or none.
    IsNot(String, String),
    /// The subject is a number or version, and at least this.
    AtLeast(&'static str, String),
    /// It is less than this, or there is none.
    NotAtLeast(&'static str, String),
    /// It is a number or version, and less than this.
    Below(&'static str, String),
    /// It is at least this, or there is none.
    NotBelow(&'static str, String),
}

impl Domain {
    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OneOf(a, x), Self::OneOf(b, y)) => a == b && x & y == 0,
            (Self::Is(a, x), Self::Is(b, y)) => a == b && x != y,
            (Self::Is(a, x), Self::IsNot(b, y)) | (Self::IsNot(a, x), Self::Is(b, y)) => a == b && x == y,
            (Self::AtLeast(a, from), Self::Below(b, to) | Self::NotAtLeast(b, to))
            | (Self::Below(b, to) | Self::NotAtLeast(b, to), Self::AtLeast(a, from))
            | (Self::Below(b, to), Self::NotBelow(a, from))
            | (Self::NotBelow(a, from), Self::Below(b, to)) => {
                a == b && version::compare(to, from) != Ordering::Greater
            }
            _ => false,
        }
    }
}

/// Returns whether `a` and `b` can never be true together. No is also the answer when that is not seen.
///
/// Seen are `x` against `!x` for any `x`, through `&&`, `||` and `!`; other families, distributions, architectures,
/// environments, days; ranges of hours, versions and sizes that do not meet; other values of one plain trait.
pub fn exclusive(a: &Expr, b: &Expr) -> bool {
    Search { steps: STEPS_MAX }.apart((a, true), (b, true))
}

/// An expression, and whether it is meant as it stands (or negated).
type Signed<'a> = (&'a Expr, bool);

struct Search {
    steps: u32,
}

/// An expression with its negations moved to the leaves.
enum View<'a> {
    All(&'a [Expr], bool),
    Any(&'a [Expr], bool),
    Never,
    Leaf(&'a Expr, bool),
}

fn view<'a>((mut expr, mut positive): Signed<'a>) -> View<'a> {
    while let Expr::Not(inner) = expr {
        (expr, positive) = (inner, !positive);
    }
    match (expr, positive) {
        (Expr::And(all), true) | (Expr::Or(all), false) => View::All(all, positive),
        (Expr::Or(all), true) | (Expr::And(all), false) => View::Any(all, positive),
        (Expr::False, true) | (Expr::True, false) => View::Never,
        (leaf, positive) => View::Leaf(leaf, positive),
    }
}

impl Search {
    fn apart(&mut self, a: Signed<'_>, b: Signed<'_>) -> bool {
        let Some(left) = self.steps.checked_sub(1) else { return false };
        self.steps = left;
        match (view(a), view(b)) {
            (View::Never, _) | (_, View::Never) => true,
            (View::Any(all, sign), _) => all.iter().all(|e| self.apart((e, sign), b)),
            (_, View::Any(all, sign)) => all.iter().all(|e| self.apart(a, (e, sign))),
            // An `||` inside one side is held against all of the other: its parts may meet different conjuncts there.
            (View::All(xs, p), View::All(ys, q)) => {
                self.leaves((xs, p), (ys, q))
                    || xs.iter().any(|x| !is_leaf((x, p)) && self.apart((x, p), b))
                    || ys.iter().any(|y| !is_leaf((y, q)) && self.apart(a, (y, q)))
            }
            (View::All(all, sign), _) => all.iter().any(|e| self.apart((e, sign), b)),
            (_, View::All(all, sign)) => all.iter().any(|e| self.apart(a, (e, sign))),
            (View::Leaf(x, p), View::Leaf(y, q)) => leaves_apart((x, p), (y, q)),
        }
    }

    fn leaves(&mut self, (xs, p): (&[Expr], bool), (ys, q): (&[Expr], bool)) -> bool {
        let xs = xs.iter().filter(|x| is_leaf((x, p)));
        let pairs = xs.flat_map(|x| ys.iter().filter(|y| is_leaf((y, q))).map(move |y| (x, y)));
        for (x, y) in pairs {
            if self.apart((x, p), (y, q)) {
                return true;
            }
        }
        false
    }
}

fn is_leaf(signed: Signed<'_>) -> bool {
    matches!(view(signed), View::Leaf(..) | View::Never)
}

fn leaves_apart((x, p): Signed<'_>, (y, q): Signed<'_>) -> bool {
    if p != q && x == y {
        return true;
    }
    let (Expr::Call(x), Expr::Call(y)) = (x, y) else { return false };
    let (x, y) = (domains(x, p), domains(y, q));
    x.iter().any(|a| y.iter().any(|b| a.excludes(b)))
}

fn domains(call: &Call, positive: bool) -> Vec<Domain> {
    match call.builtin.domains {
        Some(domains) if !call.has_templates() => domains(call, positive),
        _ => Vec::new(),
    }
}

/// Returns the domain of a subject with one value, held against `value`.
pub(super) fn is(subject: impl Into<String>, value: impl Into<String>, positive: bool) -> Vec<Domain> {
    let (subject, value) = (subject.into(), value.into());
    alloc::vec![if positive { Domain::Is(subject, value) } else { Domain::IsNot(subject, value) }]
}

/// Returns the domain of `subject ≥ value`.
pub(super) fn at_least(subject: &'static str, value: impl Into<String>, positive: bool) -> Vec<Domain> {
    let value = value.into();
    alloc::vec![if positive { Domain::AtLeast(subject, value) } else { Domain::NotAtLeast(subject, value) }]
}

/// Returns the domain of `subject < value`.
pub(super) fn below(subject: &'static str, value: impl Into<String>, positive: bool) -> Vec<Domain> {
    let value = value.into();
    alloc::vec![if positive { Domain::Below(subject, value) } else { Domain::NotBelow(subject, value) }]
}

/// Returns the domain of a subject that is one of `bits` out of `all`.
pub(super) fn one_of(subject: &'static str, bits: u64, all: u64, positive: bool) -> Vec<Domain> {
    alloc::vec![Domain::OneOf(subject, if positive { bits } else { all & !bits })]
}

/// Returns `from ≤ bit < to` of `count` bits; wraps when `from` is not below `to`.
pub(super) fn range_bits(from: i64, to: i64, count: i64) -> u64 {
    (0..count).filter(|t| in_range(*t, from, to)).fold(0, |bits, t| bits | 1 << t)
}

/// Returns whether `from ≤ t < to`, or outside `to ≤ t < from` when the range wraps.
pub(super) fn in_range(t: i64, from: i64, to: i64) -> bool {
    if from < to { from <= t && t < to } else { t >= from || t < to }
}
