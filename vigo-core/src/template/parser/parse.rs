//! Compiles a template's text in one pass: pieces of text, the tokens of its actions, and the steps that are made of them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::error::{ErrorKind, Fault, Faulty, TemplateError};
use super::super::lexer::{Kind, Lexer, NO_OPERATORS, Piece, Token};
use super::super::program::{Definition, NONE, Op, Step, Template};
use crate::limits::{TEMPLATE_ERRORS_MAX, TEMPLATE_TEXT_BYTES_MAX};
use crate::value::Value;

impl Template {
    /// Parses `text`; returns the first error.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, TemplateError> {
        let text = text.into();
        let mut parser = Parser::new(&text, 1);
        parser.run();
        match parser.faults.pop() {
            Some(fault) => Err(fault.place(&text)),
            None => {
                let Parser { steps, constants, definitions, slots, single, .. } = parser;
                Ok(Self { steps, constants, definitions, slots, single, text })
            }
        }
    }

    /// Parses what can be read of `text`, to be checked: actions that cannot, and blocks that begin with one where it
    /// decides what `.` is, are left out. It is not to be rendered.
    pub(crate) fn parse_readable(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let mut parser = Parser::new(&text, TEMPLATE_ERRORS_MAX);
        parser.run();
        let Parser { steps, constants, definitions, slots, single, .. } = parser;
        Self { steps, constants, definitions, slots, single, text }
    }

    /// Parses `text` and returns all its errors, in their order.
    pub fn parse_all(text: &str) -> Vec<TemplateError> {
        let mut parser = Parser::new(text, TEMPLATE_ERRORS_MAX);
        parser.run();
        Fault::place_all(parser.faults, text)
    }
}

/// What a block that is not yet ended needs for its `else` and `end`.
pub(super) struct Block {
    pub(super) kind: BlockKind,
    /// Byte and length of the action that opened it.
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) in_else: bool,
    /// The step that jumps to the `else`, to be told where that is; of a broken block the first of those that go.
    pub(super) otherwise: usize,
    /// The last of a list of steps that jump to the end, each holding the one before.
    pub(super) ends: u32,
    /// Variables to keep behind the end, and at the `else`.
    pub(super) vars_before: usize,
    pub(super) vars_at_else: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    If,
    With,
    /// `next`: the step that takes the next item.
    Range {
        next: usize,
    },
    /// A definition by its index, for `define` and `block`.
    Define {
        definition: usize,
        skip: usize,
        frame_before: usize,
        slots_before: u16,
    },
    /// A block whose opening action is broken: only its end matters.
    Broken,
}

impl BlockKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range { .. } => "range",
            Self::Define { .. } => "define",
            Self::Broken => "block",
        }
    }
}

/// A variable declared so far; its slot is its distance from the frame's first.
#[derive(Clone, Copy)]
pub(super) struct Variable<'t> {
    pub(super) name: &'t str,
}

/// What a pipeline declares or assigns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Declares {
    Nothing,
    One(u16),
    Two(u16, u16),
}

/// A compiled operand or pipeline: whether its last step is a field that may be made optional.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Field,
    Other,
}

/// How much there was before an action.
struct Before {
    steps: usize,
    vars: usize,
    blocks: usize,
}

pub(super) struct Parser<'t> {
    pub(super) text: &'t str,
    pub(super) lexer: Lexer<'t>,
    pub(super) peeked: Option<Token>,
    /// End of the last token taken.
    pub(super) end: usize,
    pub(super) steps: Vec<Step>,
    pub(super) constants: Vec<Value>,
    pub(super) definitions: Vec<Definition>,
    pub(super) blocks: Vec<Block>,
    pub(super) vars: Vec<Variable<'t>>,
    /// The first variable of the definition in hand.
    pub(super) frame: usize,
    /// The most variables that the definition in hand has at once.
    pub(super) slots: u16,
    pub(super) parens: usize,
    /// Where the value of the last pipeline begins, behind what it declares.
    pub(super) value_at: usize,
    pub(super) single: bool,
    pub(super) faults: Vec<Fault>,
    pub(super) faults_max: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, faults_max: usize) -> Self {
        let mut vars = Vec::with_capacity(4);
        vars.push(Variable { name: "$" });
        Self {
            text,
            lexer: Lexer::new(text),
            peeked: None,
            end: 0,
            steps: Vec::with_capacity((text.len() / 8).clamp(8, 64)),
            constants: Vec::new(),
            definitions: Vec::new(),
            blocks: Vec::new(),
            vars,
            frame: 0,
            slots: 1,
            parens: 0,
            value_at: 0,
            single: false,
            faults: Vec::new(),
            faults_max,
        }
    }

    fn run(&mut self) {
        if self.text.len() > TEMPLATE_TEXT_BYTES_MAX {
            let message = format!("template of {} bytes; at most {TEMPLATE_TEXT_BYTES_MAX}", self.text.len());
            self.faults.push(*Fault::new(ErrorKind::Limit, 0, 0, message));
            return;
        }
        let mut actions = 0usize;
        let mut printed = false;
        while self.faults.len() < self.faults_max {
            let piece = match self.lexer.text() {
                Ok(piece) => piece,
                Err(fault) => {
                    self.lexer.resync(fault.at);
                    self.faults.push(*fault);
                    continue;
                }
            };
            match piece {
                Piece::Last { start, end } => {
                    self.emit_text(start, end);
                    break;
                }
                Piece::Comment { start, end } => self.emit_text(start, end),
                Piece::Action { start, end, open } => {
                    self.emit_text(start, end);
                    actions += 1;
                    self.peeked = None;
                    self.parens = 0;
                    let before = Before { steps: self.steps.len(), vars: self.vars.len(), blocks: self.blocks.len() };
                    match self.action(open) {
                        Ok(prints) => printed = prints,
                        Err(fault) => self.recover(*fault, open, before),
                    }
                }
            }
        }
        let open = self.blocks.iter().rev().find(|b| b.kind != BlockKind::Broken);
        if let Some(block) = open.filter(|_| self.faults.len() < self.faults_max) {
            let message = format!("unexpected end of template: `{}` is not ended", block.kind.word());
            self.faults.push(*Fault::syntax(block.at, block.len, message).help("write `{{ end }}`"));
        }
        self.emit(Op::Return, self.text.len());
        let texts = self.steps.iter().any(|s| matches!(s.op, Op::Text { .. }));
        self.single = actions == 1 && printed && !texts && self.text.starts_with("{{") && self.text.ends_with("}}");
    }

    /// Notes an error of the action at `open` and goes on behind it, so that later errors are found too.
    fn recover(&mut self, fault: Fault, open: usize, before: Before) {
        self.lexer.resync(fault.at.max(open + 2));
        self.faults.push(fault);
        self.vars.truncate(before.vars.max(self.frame + 1));
        let action = self.text.get(open + 2..).unwrap_or("").trim_start_matches('-').trim_start();
        let (word, rest) = action.split_at(action.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(action.len()));
        // An `else` may have changed what is noted of its block.
        if word != "else" && self.blocks.len() == before.blocks {
            self.steps.truncate(before.steps);
        }
        if matches!(word, "if" | "with" | "range" | "define" | "block") && self.blocks.len() == before.blocks {
            // What `.` is in the block does not depend on an `if`.
            let gone = if word == "if" { usize::MAX } else { before.steps };
            self.open_block(BlockKind::Broken, open, gone, self.vars.len());
        }
        self.declare_all(rest);
    }

    /// Declares the variables that a broken action declares, so that they are not missed further down.
    fn declare_all(&mut self, action: &'t str) {
        let Some((names, _)) = action.split_once(":=") else { return };
        let is_name =
            |name: &str| name.starts_with('$') && name.bytes().skip(1).all(|b| b.is_ascii_alphanumeric() || b == b'_');
        for name in names.split(',').map(str::trim).take(2).take_while(|name| is_name(name)) {
            self.vars.push(Variable { name });
        }
        self.slots = self.slots.max(u16::try_from(self.vars.len() - self.frame).unwrap_or(u16::MAX));
    }

    // Tokens.

    pub(super) fn peek(&mut self) -> Faulty<Token> {
        match self.peeked {
            Some(token) => Ok(token),
            None => {
                let token = self.lexer.token()?;
                self.peeked = Some(token);
                Ok(token)
            }
        }
    }

    pub(super) fn next(&mut self) -> Faulty<Token> {
        let token = self.peek()?;
        self.peeked = None;
        self.end = token.end;
        Ok(token)
    }

    pub(super) fn slice(&self, token: Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    pub(super) fn unexpected(&self, token: Token, context: &str) -> Box<Fault> {
        let seen = self.slice(token);
        let mut shown: String = seen.chars().take(20).collect();
        if shown.len() < seen.len() {
            shown.push('…');
        }
        let fault = Fault::syntax(token.start, token.end - token.start, format!("unexpected `{shown}` in {context}"));
        match seen {
            "=" | "!" | "<" | ">" | "+" | "-" | "*" | "/" | "%" | "&" => fault.help(NO_OPERATORS),
            "}" => fault.help("end the action with `}}`"),
            "{" => fault.help("end the action before this one with `}}`"),
            "," => fault.help("separate arguments by blanks"),
            _ => fault,
        }
    }

    pub(super) fn expect_right_delim(&mut self, context: &str) -> Faulty<()> {
        let token = self.next()?;
        if token.kind == Kind::RightDelim { Ok(()) } else { Err(self.unexpected(token, context)) }
    }

    // Steps.

    pub(super) fn emit(&mut self, op: Op, at: usize) -> usize {
        self.steps.push(Step { op, at: at as u32 });
        self.steps.len() - 1
    }

    pub(super) fn emit_text(&mut self, start: usize, end: usize) {
        if start < end {
            self.emit(Op::Text { len: (end - start) as u32 }, start);
        }
    }

    pub(super) fn emit_constant(&mut self, value: Value, at: usize) {
        self.constants.push(value);
        let index = self.constants.len() as u32 - 1;
        self.emit(Op::Const(index), at);
    }

    pub(super) fn here(&self) -> u32 {
        self.steps.len() as u32
    }

    /// Tells the jump at `index` its target; returns the target it held before.
    pub(super) fn patch(&mut self, index: usize, target: u32) -> u32 {
        let Some(step) = self.steps.get_mut(index) else { return NONE };
        match &mut step.op {
            Op::Jump(to) | Op::Unless(to) | Op::With(to) | Op::Break(to) => core::mem::replace(to, target),
            Op::Range { otherwise: to } | Op::Next { end: to, .. } | Op::Short { to, .. } => {
                core::mem::replace(to, target)
            }
            _ => NONE,
        }
    }

    /// Tells all jumps of a list their target.
    pub(super) fn patch_list(&mut self, mut last: u32, target: u32) {
        while last != NONE {
            last = self.patch(last as usize, target);
        }
    }
}
