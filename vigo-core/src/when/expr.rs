//! The tree of an expression, and its text.

use super::builtin::{Builtin, Decide};
use super::error::WhenError;
use crate::limits::{WHEN_BUNDLE_BYTES_MAX, WHEN_BUNDLE_CALLS_MAX, WHEN_BUNDLE_LEVELS_MAX};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A `when:` expression. Clones are cheap. Equal means equal in meaning parts: where it was read does not count.
#[derive(Clone, PartialEq)]
pub enum Expr {
    /// `true`.
    True,
    /// `false`.
    False,
    /// A part that was folded by a trait that could not be read; says why. No text parses to it.
    Unknown(Arc<str>),
    /// `{{ … }}` as an operand, before rendering.
    Template(Template),
    /// A builtin.
    Call(Arc<Call>),
    /// `!x`.
    Not(Arc<Expr>),
    /// `a && b && …`: two or more, none of them an `And`.
    And(Arc<[Expr]>),
    /// `a || b || …`: two or more, none of them an `Or`.
    Or(Arc<[Expr]>),
}

/// One use of a builtin.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// Which.
    pub builtin: &'static Builtin,
    /// Its arguments, checked once they hold no template.
    pub args: Vec<Arg>,
    pub(super) place: Place,
}

/// An argument.
#[derive(Clone, PartialEq, Debug)]
pub struct Arg {
    /// What it is.
    pub value: ArgValue,
    pub(super) place: Place,
}

/// What an argument is.
#[derive(Clone, PartialEq, Debug)]
pub enum ArgValue {
    /// A number; stands for its digits where text is wanted.
    Int(i64),
    /// Text; stands for a number where it is one.
    Text(Arc<str>),
    /// Text with templates in it, before rendering.
    Mixed(Arc<[Part]>),
    /// A template in the place of a number, before rendering.
    Template(Template),
}

/// A stretch of a text with templates in it.
#[derive(Clone, PartialEq, Debug)]
pub enum Part {
    /// Literal text.
    Text(Arc<str>),
    /// `{{ … }}`.
    Template(Template),
}

/// A template that was cut out.
#[derive(Clone, PartialEq, Debug)]
pub struct Template {
    /// Its source, with the braces.
    pub source: Arc<str>,
    pub(super) place: Place,
}

/// Where something was read: first byte and length. No part of what it means, so all places are equal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub at: u32,
    pub len: u32,
}

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Place {
    pub fn new(at: usize, end: usize) -> Self {
        Self { at: at as u32, len: end.saturating_sub(at) as u32 }
    }

    pub fn error(self, message: impl Into<String>) -> WhenError {
        WhenError::new(self.at as usize, self.len as usize, message)
    }
}

impl Expr {
    /// Returns an expression whose outcome is unknown because of `why`: what an agent makes of a text that it cannot
    /// read, so that one resource is skipped and not the run.
    pub fn unknown(why: impl Into<Arc<str>>) -> Self {
        Self::Unknown(why.into())
    }

    /// Returns the conjunction of `operands` with constants, repeats and nested conjunctions taken out; none is true.
    pub fn and(operands: impl IntoIterator<Item = Expr>) -> Self {
        join(operands, true)
    }

    /// Returns the disjunction of `operands` with constants, repeats and nested disjunctions taken out; none is false.
    pub fn or(operands: impl IntoIterator<Item = Expr>) -> Self {
        join(operands, false)
    }

    /// Returns the negation.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "stands beside `and` and `or`")]
    pub fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Not(inner) => Arc::unwrap_or_clone(inner),
            unknown @ Self::Unknown(_) => unknown,
            other => Self::Not(Arc::new(other)),
        }
    }

    /// Returns whether a `{{ … }}` is left in it.
    pub fn has_templates(&self) -> bool {
        match self {
            Self::Template(_) => true,
            Self::Call(call) => call.has_templates(),
            Self::Not(inner) => inner.has_templates(),
            Self::And(all) | Self::Or(all) => all.iter().any(Self::has_templates),
            Self::True | Self::False | Self::Unknown(_) => false,
        }
    }

    /// Calls `visit` for each builtin in it, in the order of the text.
    pub fn each_call<'a>(&'a self, visit: &mut dyn FnMut(&'a Call)) {
        match self {
            Self::Call(call) => visit(call),
            Self::Not(inner) => inner.each_call(visit),
            Self::And(all) | Self::Or(all) => all.iter().for_each(|e| e.each_call(visit)),
            Self::True | Self::False | Self::Unknown(_) | Self::Template(_) => {}
        }
    }

    /// Returns the text under which a bundle holds this: it parses back as [`super::Context::Bundle`].
    ///
    /// # Errors
    /// When the expression, with the conditions that were put into it, is larger than an agent reads.
    pub fn bundle_text(&self) -> Result<String, WhenError> {
        let mut calls = 0;
        self.each_call(&mut |_| calls += 1);
        let text = self.to_string();
        let too_much = [
            ("bytes", text.len(), WHEN_BUNDLE_BYTES_MAX),
            ("calls", calls, WHEN_BUNDLE_CALLS_MAX),
            ("levels", self.levels(), WHEN_BUNDLE_LEVELS_MAX),
        ];
        match too_much.into_iter().find(|(_, seen, most)| seen > most) {
            Some((what, seen, most)) => {
                Err(WhenError::new(0, 0, format!("the condition comes to {seen} {what}, expected at most {most}"))
                    .help("include the crate by fewer arms, or test fewer crates with `has_configcrate`"))
            }
            None => Ok(text),
        }
    }

    /// Returns how deep `!` and parentheses nest in its text.
    fn levels(&self) -> usize {
        match self {
            Self::Not(inner) => 1 + usize::from(matches!(**inner, Self::And(_) | Self::Or(_))) + inner.levels(),
            Self::And(all) => all.iter().map(|e| e.levels() + usize::from(matches!(e, Self::Or(_)))).max().unwrap_or(0),
            Self::Or(all) => all.iter().map(Self::levels).max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl Call {
    /// Returns whether the name of the envoy decides it.
    pub fn asks_name(&self) -> bool {
        matches!(self.builtin.decide, Decide::Name(_))
    }

    /// Returns whether an argument holds a `{{ … }}`.
    pub fn has_templates(&self) -> bool {
        self.args.iter().any(Arg::has_template)
    }

    /// Returns an argument as text: empty when it is not there or not rendered.
    pub fn text(&self, index: usize) -> Cow<'_, str> {
        self.args.get(index).map_or(Cow::Borrowed(""), Arg::text)
    }

    /// Returns an argument as a number: 0 when it is not there, not rendered or no number.
    pub fn int(&self, index: usize) -> i64 {
        self.args.get(index).and_then(Arg::int).unwrap_or(0)
    }
}

impl Arg {
    /// Returns whether it holds a `{{ … }}`.
    pub fn has_template(&self) -> bool {
        matches!(self.value, ArgValue::Mixed(_) | ArgValue::Template(_))
    }

    /// Returns it as text: a number as its digits, what is not rendered as nothing.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.value {
            ArgValue::Text(text) => Cow::Borrowed(text),
            ArgValue::Int(n) => Cow::Owned(n.to_string()),
            ArgValue::Mixed(_) | ArgValue::Template(_) => Cow::Borrowed(""),
        }
    }

    /// Returns it as a number, if it is one or text that is one.
    pub fn int(&self) -> Option<i64> {
        match &self.value {
            ArgValue::Int(n) => Some(*n),
            ArgValue::Text(text) => text.parse().ok(),
            ArgValue::Mixed(_) | ArgValue::Template(_) => None,
        }
    }
}

/// Simplifies `a && b …` (`conjunction`) or `a || b …`, keeping the three-valued outcome.
fn join(operands: impl IntoIterator<Item = Expr>, conjunction: bool) -> Expr {
    let (neutral, absorbing) = if conjunction { (Expr::True, Expr::False) } else { (Expr::False, Expr::True) };
    let mut kept: Vec<Expr> = Vec::new();
    let mut unknown = false;
    for operand in operands {
        let nested = match &operand {
            Expr::And(all) if conjunction => Some(all.clone()),
            Expr::Or(all) if !conjunction => Some(all.clone()),
            _ => None,
        };
        let parts = nested.as_deref().unwrap_or(core::slice::from_ref(&operand));
        for part in parts {
            if *part == absorbing {
                return absorbing;
            }
            // One unknown stands for all: the first says why.
            let repeated = match part {
                Expr::Unknown(_) => core::mem::replace(&mut unknown, true),
                part => *part == neutral || kept.contains(part),
            };
            if !repeated {
                kept.push(part.clone());
            }
        }
    }
    match kept.len() {
        0 => neutral,
        1 => kept.swap_remove(0),
        _ if conjunction => Expr::And(kept.into()),
        _ => Expr::Or(kept.into()),
    }
}

impl fmt::Display for Expr {
    /// Prints text that parses to the same tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::Unknown(why) => write!(f, "unknown({})", Quoted(why)),
            Self::Template(template) => f.write_str(&template.source),
            Self::Call(call) => fmt::Display::fmt(call, f),
            Self::Not(inner) => match **inner {
                Self::And(_) | Self::Or(_) => write!(f, "!({inner})"),
                _ => write!(f, "!{inner}"),
            },
            Self::And(all) => each(f, all, " && ", |f, e| match e {
                Self::Or(_) => write!(f, "({e})"),
                _ => write!(f, "{e}"),
            }),
            Self::Or(all) => each(f, all, " || ", |f, e| write!(f, "{e}")),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.builtin.name)?;
        if self.args.is_empty() {
            return Ok(());
        }
        f.write_str("(")?;
        each(f, &self.args, ", ", |f, arg| fmt::Display::fmt(arg, f))?;
        f.write_str(")")
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            ArgValue::Int(n) => write!(f, "{n}"),
            ArgValue::Text(text) => fmt::Display::fmt(&Quoted(text), f),
            ArgValue::Template(template) => f.write_str(&template.source),
            ArgValue::Mixed(parts) => {
                f.write_str("'")?;
                for part in parts.iter() {
                    match part {
                        Part::Text(text) => doubled(f, text)?,
                        Part::Template(template) => f.write_str(&template.source)?,
                    }
                }
                f.write_str("'")
            }
        }
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "⟨{self}⟩")
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "⟨{self}⟩")
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        doubled(f, self.0)?;
        f.write_str("'")
    }
}

fn doubled(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for (i, piece) in text.split('\'').enumerate() {
        if i > 0 {
            f.write_str("''")?;
        }
        f.write_str(piece)?;
    }
    Ok(())
}

fn each<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    between: &str,
    print: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        print(f, item)?;
    }
    Ok(())
}
