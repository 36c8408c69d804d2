//! What a template is compiled to: a flat list of steps for a stack machine, so that neither nesting nor recursion in a
//! template is ever recursion in Vigo.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::value::Value;

/// One step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    /// Prints the text's bytes `at..at + len`.
    Text {
        len: u32,
    },
    /// Pushes the dot.
    Dot,
    /// Pushes `nil`.
    Null,
    /// Pushes a boolean.
    Bool(bool),
    /// Pushes a constant.
    Const(u32),
    /// Pushes a variable of the frame.
    Var(u16),
    /// Replaces the top by its field, named by the `len` bytes behind `at + 1`; `optional`: null if it is missing.
    Field {
        len: u32,
        optional: bool,
    },
    /// Replaces the top `args` values by what a function makes of them; `piped`: the last argument was pushed first.
    Call {
        function: u16,
        args: u16,
        piped: bool,
    },
    /// Jumps if the truth of the top is `on`, else pops it (`and`, `or`).
    Short {
        on: bool,
        to: u32,
    },
    /// Drops the value below the top.
    Nip,
    /// Copies the top to a variable; `assigns`: to one that was declared before.
    Set {
        slot: u16,
        assigns: bool,
    },
    /// Pops the top.
    Drop,
    /// Pops and prints the top.
    Print,
    Jump(u32),
    /// Pops the top, jumps if it is not true.
    Unless(u32),
    /// Pops the top; makes it the dot if it is true, else jumps.
    With(u32),
    /// Takes back the dot from before `With`; `leaving`: on the way out of a loop.
    EndWith {
        leaving: bool,
    },
    /// Pops the top and starts a loop over it; jumps if it is empty.
    Range {
        otherwise: u32,
    },
    /// Makes the loop's next item the dot and sets its variables; at the end ends the loop and jumps.
    Next {
        end: u32,
        key: u16,
        value: u16,
    },
    /// Ends the loop and jumps.
    Break(u32),
    /// Calls a definition with the top as its dot.
    Template(u32),
    /// Begins the body of a definition.
    Define(u32),
    /// Ends a definition, or the template.
    Return,
}

/// No variable.
pub(super) const NO_SLOT: u16 = u16::MAX;
/// No step, no definition.
pub(super) const NONE: u32 = u32::MAX;

/// A step and the byte of the text that it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub op: Op,
    pub at: u32,
}

/// A named template inside the text.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: String,
    /// Its first step; [`NONE`] if it is called but nowhere defined.
    pub entry: u32,
    /// Variables to make room for, `$` among them.
    pub slots: u16,
    /// Whether it holds nothing but blanks: such a one may be defined again.
    pub blank: bool,
}

/// A template that was parsed: Go's `text/template`, ready to be checked and rendered any number of times.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) text: Arc<str>,
    pub(super) steps: Vec<Step>,
    pub(super) constants: Vec<Value>,
    pub(super) definitions: Vec<Definition>,
    pub(super) slots: u16,
    pub(super) single: bool,
}

/// Returns whether `text` holds an action at all: text without one need not be parsed.
pub fn has_template(text: &str) -> bool {
    super::lexer::find_pair(text, b'{', 0).is_some()
}

impl Template {
    /// Returns the text that was parsed.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns whether the whole text is one action that yields a value, so that an attribute may take the value itself.
    pub fn is_single_action(&self) -> bool {
        self.single
    }

    pub(super) fn step(&self, pc: usize) -> Step {
        self.steps.get(pc).copied().unwrap_or(Step { op: Op::Return, at: 0 })
    }

    pub(super) fn slice(&self, at: usize, len: usize) -> &str {
        self.text.get(at..at + len).unwrap_or("")
    }

    /// Returns the source of the pipeline that begins at byte `at`, for messages.
    pub(super) fn excerpt(&self, at: usize) -> &str {
        let rest = self.text.get(at..).unwrap_or("");
        let end = rest.find("}}").unwrap_or(rest.len());
        let excerpt = rest.get(..end).unwrap_or("");
        excerpt.strip_suffix('-').unwrap_or(excerpt).trim_end()
    }
}
