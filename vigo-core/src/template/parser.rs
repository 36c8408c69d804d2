//! Compiles a template's text in one pass.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::error::{ErrorKind, Fault, Faulty, TemplateError};
use super::function::{self, Body, Optional};
use super::lexer::{Keyword, Kind, Lexer, Piece, Token};
use super::literal;
use super::program::{Definition, NO_SLOT, NONE, Op, Step, Template};
use crate::diagnostic::nearest;
use crate::limits::{
    TEMPLATE_ARGUMENTS_MAX, TEMPLATE_BLOCK_DEPTH_MAX, TEMPLATE_ERRORS_MAX, TEMPLATE_PAREN_DEPTH_MAX,
    TEMPLATE_TEXT_BYTES_MAX, TEMPLATE_VARIABLES_MAX,
};
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

    /// Parses `text` and returns all its errors, in their order.
    pub fn parse_all(text: &str) -> Vec<TemplateError> {
        let mut parser = Parser::new(text, TEMPLATE_ERRORS_MAX);
        parser.run();
        let mut errors: Vec<_> = parser.faults.into_iter().map(|f| f.place(text)).collect();
        errors.sort_by_key(|e| e.offset);
        errors
    }
}

/// What a block that is not yet ended needs for its `else` and `end`.
struct Block {
    kind: BlockKind,
    /// Byte and length of the action that opened it.
    at: usize,
    len: usize,
    in_else: bool,
    /// The step that jumps to the `else`, to be told where that is.
    otherwise: usize,
    /// The last of a list of steps that jump to the end, each holding the one before.
    ends: u32,
    /// Variables to keep behind the end, and at the `else`.
    vars_before: usize,
    vars_at_else: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BlockKind {
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
    fn word(self) -> &'static str {
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
struct Variable<'t> {
    name: &'t str,
}

/// What a pipeline declares or assigns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declares {
    Nothing,
    One(u16),
    Two(u16, u16),
}

/// A compiled operand or pipeline: whether its last step is a field that may be made optional.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Field,
    Other,
}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    peeked: Option<Token>,
    /// End of the last token taken.
    end: usize,
    steps: Vec<Step>,
    constants: Vec<Value>,
    definitions: Vec<Definition>,
    blocks: Vec<Block>,
    vars: Vec<Variable<'t>>,
    /// The first variable of the definition in hand.
    frame: usize,
    /// The most variables that the definition in hand has at once.
    slots: u16,
    parens: usize,
    /// Where the value of the last pipeline begins, behind what it declares.
    value_at: usize,
    single: bool,
    faults: Vec<Fault>,
    faults_max: usize,
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
                    let (vars, blocks) = (self.vars.len(), self.blocks.len());
                    match self.action(open) {
                        Ok(prints) => printed = prints,
                        Err(fault) => self.recover(*fault, open, vars, blocks),
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
    fn recover(&mut self, fault: Fault, open: usize, vars: usize, blocks: usize) {
        self.lexer.resync(fault.at.max(open + 2));
        self.faults.push(fault);
        self.vars.truncate(vars.max(self.frame + 1));
        let word = self.text.get(open + 2..).unwrap_or("").trim_start_matches('-').trim_start();
        let word = word.get(..word.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(word.len())).unwrap_or("");
        if matches!(word, "if" | "with" | "range" | "define" | "block") && self.blocks.len() == blocks {
            self.open_block(BlockKind::Broken, open, NONE as usize, self.vars.len());
        }
    }

    // Tokens.

    fn peek(&mut self) -> Faulty<Token> {
        match self.peeked {
            Some(token) => Ok(token),
            None => {
                let token = self.lexer.token()?;
                self.peeked = Some(token);
                Ok(token)
            }
        }
    }

    fn next(&mut self) -> Faulty<Token> {
        let token = self.peek()?;
        self.peeked = None;
        self.end = token.end;
        Ok(token)
    }

    fn slice(&self, token: Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or("")
    }

    fn unexpected(&self, token: Token, context: &str) -> Box<Fault> {
        let seen = self.slice(token);
        let mut shown: String = seen.chars().take(20).collect();
        if shown.len() < seen.len() {
            shown.push('…');
        }
        Fault::syntax(token.start, token.end - token.start, format!("unexpected `{shown}` in {context}"))
    }

    fn expect_right_delim(&mut self, context: &str) -> Faulty<()> {
        let token = self.next()?;
        if token.kind == Kind::RightDelim { Ok(()) } else { Err(self.unexpected(token, context)) }
    }

    // Steps.

    fn emit(&mut self, op: Op, at: usize) -> usize {
        self.steps.push(Step { op, at: at as u32 });
        self.steps.len() - 1
    }

    fn emit_text(&mut self, start: usize, end: usize) {
        if start < end {
            self.emit(Op::Text { len: (end - start) as u32 }, start);
        }
    }

    fn emit_constant(&mut self, value: Value, at: usize) {
        self.constants.push(value);
        let index = self.constants.len() as u32 - 1;
        self.emit(Op::Const(index), at);
    }

    fn here(&self) -> u32 {
        self.steps.len() as u32
    }

    /// Tells the jump at `index` its target; returns the target it held before.
    fn patch(&mut self, index: usize, target: u32) -> u32 {
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
    fn patch_list(&mut self, mut last: u32, target: u32) {
        while last != NONE {
            last = self.patch(last as usize, target);
        }
    }

    // Actions.

    /// Compiles one action; its `{{` was taken. Returns whether it prints a value.
    fn action(&mut self, open: usize) -> Faulty<bool> {
        let token = self.peek()?;
        let Kind::Keyword(keyword) = token.kind else {
            let at = token.start;
            let (declares, _) = self.pipeline("command", Kind::RightDelim)?;
            let prints = declares == Declares::Nothing;
            self.emit(if prints { Op::Print } else { Op::Drop }, at);
            return Ok(prints);
        };
        self.next()?;
        match keyword {
            Keyword::If => {
                let vars = self.vars.len();
                let at = self.peek()?.start;
                self.pipeline("if", Kind::RightDelim)?;
                let otherwise = self.emit(Op::Unless(NONE), at);
                self.checked_block(BlockKind::If, open, otherwise, vars)?;
            }
            Keyword::With => {
                let vars = self.vars.len();
                let at = self.peek()?.start;
                self.pipeline("with", Kind::RightDelim)?;
                let otherwise = self.emit(Op::With(NONE), at);
                self.checked_block(BlockKind::With, open, otherwise, vars)?;
            }
            Keyword::Range => self.range(open)?,
            Keyword::Else => self.otherwise(token)?,
            Keyword::End => {
                self.expect_right_delim("end")?;
                self.close(token)?;
            }
            Keyword::Break | Keyword::Continue => self.leave(token, keyword == Keyword::Break)?,
            Keyword::Template => self.template(token)?,
            Keyword::Define => self.define(open, token)?,
            Keyword::Block => self.block(open)?,
        }
        Ok(false)
    }

    fn open_block(&mut self, kind: BlockKind, at: usize, otherwise: usize, vars_before: usize) {
        let vars_at_else = self.vars.len();
        let len = self.end.saturating_sub(at);
        self.blocks.push(Block { kind, at, len, in_else: false, otherwise, ends: NONE, vars_before, vars_at_else });
    }

    fn checked_block(&mut self, kind: BlockKind, at: usize, otherwise: usize, vars_before: usize) -> Faulty<()> {
        self.open_block(kind, at, otherwise, vars_before);
        if self.blocks.len() > TEMPLATE_BLOCK_DEPTH_MAX {
            let message = format!("more than {TEMPLATE_BLOCK_DEPTH_MAX} blocks inside each other");
            return Err(Fault::new(ErrorKind::Limit, at, 2, message));
        }
        Ok(())
    }

    fn range(&mut self, open: usize) -> Faulty<()> {
        let vars = self.vars.len();
        let (declares, _) = self.pipeline("range", Kind::RightDelim)?;
        let at = self.value_at;
        let (key, value) = match declares {
            Declares::Nothing => (NO_SLOT, NO_SLOT),
            Declares::One(value) => (NO_SLOT, value),
            Declares::Two(key, value) => (key, value),
        };
        let otherwise = self.emit(Op::Range { otherwise: NONE }, at);
        let next = self.emit(Op::Next { end: NONE, key, value }, at);
        self.checked_block(BlockKind::Range { next }, open, otherwise, vars)
    }

    /// Ends the body of the innermost block: what runs behind it, and where its `else` begins.
    fn end_body(&mut self, at: usize) {
        let Some(block) = self.blocks.last() else { return };
        let (kind, otherwise, ends) = (block.kind, block.otherwise, block.ends);
        match kind {
            BlockKind::If | BlockKind::With => {
                if kind == BlockKind::With {
                    self.emit(Op::EndWith { leaving: false }, at);
                }
                let jump = self.emit(Op::Jump(ends), at) as u32;
                if let Some(block) = self.blocks.last_mut() {
                    block.ends = jump;
                }
            }
            BlockKind::Range { next } => {
                self.emit(Op::Jump(next as u32), at);
            }
            BlockKind::Define { .. } | BlockKind::Broken => return,
        }
        let here = self.here();
        self.patch(otherwise, here);
    }

    fn otherwise(&mut self, token: Token) -> Faulty<()> {
        let misplaced = || Fault::syntax(token.start, token.end - token.start, "unexpected `else`");
        let chained = self.peek()?;
        let Some(block) = self.blocks.last() else { return Err(misplaced()) };
        let (kind, in_else, vars_at_else, at) = (block.kind, block.in_else, block.vars_at_else, token.start);
        match kind {
            BlockKind::Define { .. } => return Err(misplaced().help("close the `define` with `{{ end }}` first")),
            BlockKind::Broken => {
                self.lexer.resync(chained.start);
                self.peeked = None;
                return Ok(());
            }
            _ if in_else => return Err(misplaced().help("the block has an `else` already: write `{{ end }}`")),
            _ => {}
        }
        self.end_body(at);
        self.vars.truncate(vars_at_else);
        let chain = match (kind, chained.kind) {
            (BlockKind::If, Kind::Keyword(Keyword::If)) => "if",
            (BlockKind::With, Kind::Keyword(Keyword::With)) => "with",
            _ => {
                if let Some(block) = self.blocks.last_mut() {
                    block.in_else = true;
                }
                return self.expect_right_delim("else");
            }
        };
        self.next()?;
        let start = self.peek()?.start;
        self.pipeline(chain, Kind::RightDelim)?;
        let op = if kind == BlockKind::With { Op::With(NONE) } else { Op::Unless(NONE) };
        let otherwise = self.emit(op, start);
        let vars = self.vars.len();
        if let Some(block) = self.blocks.last_mut() {
            block.otherwise = otherwise;
            block.vars_at_else = vars;
        }
        Ok(())
    }

    fn close(&mut self, token: Token) -> Faulty<()> {
        let at = token.start;
        let Some(block) = self.blocks.last() else {
            return Err(Fault::syntax(at, token.end - at, "unexpected `end`: no block is open"));
        };
        if !block.in_else {
            self.end_body(at);
        }
        let Some(block) = self.blocks.pop() else { return Ok(()) };
        match block.kind {
            BlockKind::Define { definition, skip, frame_before, slots_before } => {
                self.emit(Op::Return, at);
                self.end_definition(definition, skip, &block)?;
                self.vars.truncate(block.vars_before);
                (self.frame, self.slots) = (frame_before, slots_before);
                return Ok(());
            }
            BlockKind::Range { next } => {
                let here = self.here();
                self.patch(next, here);
            }
            _ => {}
        }
        self.vars.truncate(block.vars_before);
        let here = self.here();
        self.patch_list(block.ends, here);
        Ok(())
    }

    fn leave(&mut self, token: Token, breaks: bool) -> Faulty<()> {
        let word = if breaks { "break" } else { "continue" };
        self.expect_right_delim(&format!("`{word}`"))?;
        let at = token.start;
        let outside = || Fault::syntax(at, token.end - at, format!("`{word}` outside `range`"));
        let mut withs = 0;
        let mut ended = None;
        for i in (0..self.blocks.len()).rev() {
            let Some(block) = self.blocks.get(i) else { break };
            match block.kind {
                BlockKind::With if !block.in_else => withs += 1,
                // As in Go: a `break` in the `else` of a `range` inside another ends the inner one.
                BlockKind::Range { .. } if block.in_else && breaks => ended = ended.or(Some((i, withs, true))),
                BlockKind::Range { next } if !block.in_else => {
                    let (target, withs, in_else) = ended.unwrap_or((i, withs, false));
                    for _ in 0..withs {
                        self.emit(Op::EndWith { leaving: true }, at);
                    }
                    if !breaks {
                        self.emit(Op::Jump(next as u32), at);
                        return Ok(());
                    }
                    let ends = self.blocks.get(target).map_or(NONE, |b| b.ends);
                    let jump = self.emit(if in_else { Op::Jump(ends) } else { Op::Break(ends) }, at) as u32;
                    if let Some(block) = self.blocks.get_mut(target) {
                        block.ends = jump;
                    }
                    return Ok(());
                }
                BlockKind::Define { .. } => return Err(outside()),
                BlockKind::Broken => return Ok(()),
                _ => {}
            }
        }
        Err(outside())
    }

    // Definitions.

    fn template_name(&mut self, context: &str) -> Faulty<(String, Token)> {
        let token = self.next()?;
        if !matches!(token.kind, Kind::Str | Kind::RawString) {
            return Err(self.unexpected(token, context).help("give the name of the template in quotes"));
        }
        let name = literal::unquote(self.slice(token));
        let name = name.map_err(|m| Fault::syntax(token.start, token.end - token.start, m))?;
        Ok((name.into_owned(), token))
    }

    fn definition(&mut self, name: String) -> usize {
        match self.definitions.iter().position(|d| d.name == name) {
            Some(index) => index,
            None => {
                self.definitions.push(Definition { name, entry: NONE, slots: 1, blank: true });
                self.definitions.len() - 1
            }
        }
    }

    fn template(&mut self, token: Token) -> Faulty<()> {
        const CONTEXT: &str = "template clause";
        let (name, at) = self.template_name(CONTEXT)?;
        let index = self.definition(name);
        if self.peek()?.kind == Kind::RightDelim {
            self.next()?;
            self.emit(Op::Null, token.start);
        } else {
            self.pipeline(CONTEXT, Kind::RightDelim)?;
        }
        self.emit(Op::Template(index as u32), at.start);
        Ok(())
    }

    fn define(&mut self, open: usize, token: Token) -> Faulty<()> {
        const CONTEXT: &str = "define clause";
        if !self.blocks.is_empty() {
            let fault = self.unexpected(token, "a block");
            return Err(fault.help("move the `define` out of the block: definitions are global"));
        }
        let (name, _) = self.template_name(CONTEXT)?;
        self.expect_right_delim(CONTEXT)?;
        self.begin_definition(name, open)
    }

    fn block(&mut self, open: usize) -> Faulty<()> {
        const CONTEXT: &str = "block clause";
        let (name, at) = self.template_name(CONTEXT)?;
        self.pipeline(CONTEXT, Kind::RightDelim)?;
        let index = self.definition(name.clone());
        self.emit(Op::Template(index as u32), at.start);
        self.begin_definition(name, open)
    }

    fn begin_definition(&mut self, name: String, open: usize) -> Faulty<()> {
        let definition = self.definition(name);
        let skip = self.emit(Op::Jump(NONE), open);
        self.emit(Op::Define(definition as u32), open);
        let kind = BlockKind::Define { definition, skip, frame_before: self.frame, slots_before: self.slots };
        let vars = self.vars.len();
        self.checked_block(kind, open, NONE as usize, vars)?;
        self.frame = vars;
        self.slots = 1;
        self.vars.push(Variable { name: "$" });
        Ok(())
    }

    /// Enters the definition whose body ends here. Of two, one must be blank: that is how a `block` is overridden.
    fn end_definition(&mut self, index: usize, skip: usize, block: &Block) -> Faulty<()> {
        let here = self.here();
        self.patch(skip, here);
        let entry = skip as u32 + 1;
        let body = self.steps.get(entry as usize..here as usize - 1).unwrap_or(&[]);
        let blank = body.iter().all(|s| match s.op {
            Op::Define(_) => true,
            Op::Text { len } => {
                let text = self.text.get(s.at as usize..s.at as usize + len as usize).unwrap_or("");
                text.trim().is_empty()
            }
            _ => false,
        });
        let slots = self.slots;
        let Some(definition) = self.definitions.get_mut(index) else { return Ok(()) };
        if definition.entry == NONE || definition.blank {
            (definition.entry, definition.slots, definition.blank) = (entry, slots, blank);
            Ok(())
        } else if blank {
            Ok(())
        } else {
            let message = format!("multiple definition of template `{}`", definition.name);
            Err(Fault::syntax(block.at, block.len, message))
        }
    }

    // Pipelines.

    /// Compiles a pipeline up to its `end`, which is taken; leaves its value on the stack.
    fn pipeline(&mut self, context: &str, end: Kind) -> Faulty<(Declares, Shape)> {
        let (names, assigns) = self.declarations(context)?;
        let (mut stage, mut before, mut shape) = (0usize, self.steps.len(), Shape::Other);
        let at = self.peek()?.start;
        loop {
            let token = self.peek()?;
            if token.kind == end {
                self.next()?;
                if stage == 0 {
                    let message = format!("missing value for {context}");
                    return Err(Fault::syntax(token.start, token.end - token.start, message));
                }
                break;
            }
            stage += 1;
            let start = self.steps.len();
            shape = self.command(stage, before, shape, context)?;
            before = start;
            if self.peek()?.kind == Kind::Pipe {
                let pipe = self.next()?;
                if self.peek()?.kind == end {
                    return Err(Fault::syntax(pipe.start, 1, format!("missing command behind `|` in {context}")));
                }
            }
        }
        self.value_at = at;
        if stage > 1 {
            shape = Shape::Other;
        }
        let mut slots = [NO_SLOT; 2];
        for (name, slot) in names.into_iter().flatten().zip(&mut slots) {
            *slot = if assigns { self.variable(name)? } else { self.declare(name)? };
            self.emit(Op::Set { slot: *slot, assigns }, name.start);
        }
        let declares = match slots {
            [NO_SLOT, _] => Declares::Nothing,
            [one, NO_SLOT] => Declares::One(one),
            [key, value] => Declares::Two(key, value),
        };
        Ok((declares, shape))
    }

    /// Takes `$x :=`, `$x =`, and in a `range` the same of two variables.
    fn declarations(&mut self, context: &str) -> Faulty<([Option<Token>; 2], bool)> {
        let first = self.peek()?;
        if first.kind != Kind::Variable {
            return Ok(([None; 2], false));
        }
        let (lexer, peeked, end) = (self.lexer, self.peeked, self.end);
        self.next()?;
        let sign = self.peek()?;
        match sign.kind {
            Kind::Declare | Kind::Assign => {
                self.next()?;
                Ok(([Some(first), None], sign.kind == Kind::Assign))
            }
            Kind::Char if self.slice(sign) == "," => {
                if context != "range" {
                    return Err(Fault::syntax(sign.start, 1, format!("too many declarations in {context}")));
                }
                self.next()?;
                let second = self.next()?;
                if second.kind != Kind::Variable {
                    let len = second.end - second.start;
                    return Err(Fault::syntax(second.start, len, "range can only initialize variables"));
                }
                let sign = self.next()?;
                match sign.kind {
                    Kind::Declare | Kind::Assign => Ok(([Some(first), Some(second)], sign.kind == Kind::Assign)),
                    Kind::Char if self.slice(sign) == "," => {
                        Err(Fault::syntax(sign.start, 1, "too many declarations in range"))
                    }
                    _ => Err(self.unexpected(sign, "range").help("write `:=` behind the variables")),
                }
            }
            _ => {
                (self.lexer, self.peeked, self.end) = (lexer, peeked, end);
                Ok(([None; 2], false))
            }
        }
    }

    fn declare(&mut self, name: Token) -> Faulty<u16> {
        let slot = self.vars.len() - self.frame;
        if slot >= TEMPLATE_VARIABLES_MAX {
            let message = format!("more than {TEMPLATE_VARIABLES_MAX} variables");
            return Err(Fault::new(ErrorKind::Limit, name.start, name.end - name.start, message));
        }
        self.vars.push(Variable { name: self.slice(name) });
        self.slots = self.slots.max(slot as u16 + 1);
        Ok(slot as u16)
    }

    fn variable(&self, token: Token) -> Faulty<u16> {
        let name = self.slice(token);
        let visible = self.vars.get(self.frame..).unwrap_or(&[]);
        match visible.iter().rposition(|v| v.name == name) {
            Some(slot) => Ok(slot as u16),
            None => {
                let message = format!("undefined variable `{name}`");
                let fault = Fault::new(ErrorKind::Name, token.start, token.end - token.start, message);
                Err(match nearest(name, visible.iter().skip(1).map(|v| v.name)) {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault,
                })
            }
        }
    }

    /// Compiles one command of a pipeline. `before` is the first step of the previous one, `shape` what that was.
    fn command(&mut self, stage: usize, before: usize, shape: Shape, context: &str) -> Faulty<Shape> {
        let first = self.peek()?;
        let piped = stage > 1;
        if first.kind == Kind::Identifier {
            let (index, function) = self.function(first)?;
            self.next()?;
            let next = self.peek()?;
            if next.kind != Kind::Field || next.spaced {
                return self.call(first, index, function, piped, before, shape);
            }
            self.bare_call(first, index, function)?;
            self.fields()?;
            return self.no_arguments(first, piped, Shape::Field);
        }
        let literal = matches!(
            first.kind,
            Kind::Bool(_) | Kind::Dot | Kind::Nil | Kind::Number | Kind::CharConstant | Kind::Str | Kind::RawString
        );
        let len = first.end - first.start;
        if piped && literal {
            let message = format!("non executable command in pipeline stage {stage}");
            return Err(Fault::syntax(first.start, len, message).help("put a function behind the `|`"));
        }
        let Some(shape) = self.operand()? else { return Err(self.unexpected(first, context)) };
        if first.kind == Kind::Nil {
            return Err(Fault::syntax(first.start, len, "nil is not a command"));
        }
        self.no_arguments(first, piped, shape)
    }

    /// Makes sure that a command that is no function has no arguments.
    fn no_arguments(&mut self, first: Token, piped: bool, shape: Shape) -> Faulty<Shape> {
        let next = self.peek()?;
        let ends = matches!(next.kind, Kind::RightDelim | Kind::RightParen | Kind::Pipe);
        if ends && !piped {
            return Ok(shape);
        }
        if !ends && !next.spaced {
            return Err(self.unexpected(next, "operand"));
        }
        if !ends && self.operand()?.is_none() {
            return Err(self.unexpected(next, "operand"));
        }
        let word = self.slice(first);
        let message = format!("can't give argument to non-function `{word}`");
        Err(Fault::syntax(first.start, first.end - first.start, message))
    }

    fn function(&self, token: Token) -> Faulty<(u16, &'static function::Function)> {
        let name = self.slice(token);
        function::find(name).ok_or_else(|| {
            let message = format!("function `{name}` not defined");
            let fault = Fault::new(ErrorKind::Name, token.start, token.end - token.start, message);
            let known = function::functions().iter().map(|f| f.name);
            if matches!(name, "Vars" | "Traits" | "Envoy" | "Item" | "Each" | "Index" | "Outer" | "User") {
                return fault.help(format!("write `.{name}`"));
            }
            match nearest(name, known) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault,
            }
        })
    }

    /// Compiles a function that stands as an argument: it has none itself.
    fn bare_call(&mut self, token: Token, index: u16, function: &function::Function) -> Faulty<()> {
        self.check_arity(token, function, 0)?;
        self.emit(Op::Call { function: index, args: 0, piped: false }, token.start);
        Ok(())
    }

    fn check_arity(&self, token: Token, function: &function::Function, args: usize) -> Faulty<()> {
        let (min, max) = (usize::from(function.args_min), function.args_max.map(usize::from));
        let wants = match max {
            _ if args < min && max != Some(min) => format!("at least {min}"),
            Some(max) if args > max && max != min => format!("at most {max}"),
            _ if args < min || max.is_some_and(|max| args > max) => format!("{min}"),
            _ => return Ok(()),
        };
        let message = format!("wrong number of args for `{}`: want {wants} got {args}", function.name);
        let fault = Fault::syntax(token.start, token.end - token.start, message);
        Err(fault.help(format!("call it as `{}`", function.usage)))
    }

    fn call(
        &mut self,
        token: Token,
        index: u16,
        function: &'static function::Function,
        piped: bool,
        before: usize,
        shape: Shape,
    ) -> Faulty<Shape> {
        let short = match function.body {
            Body::Short(on) => Some(on),
            Body::Run(_) => None,
        };
        // The value that may be missing if it is the last argument: the one piped in, or else the last one written.
        let mut last = (before, self.steps.len(), shape);
        let mut args = usize::from(piped);
        let mut shorts = NONE;
        loop {
            let next = self.peek()?;
            if matches!(next.kind, Kind::RightDelim | Kind::RightParen | Kind::Pipe) {
                break;
            }
            if !next.spaced {
                return Err(self.unexpected(next, "operand"));
            }
            let start = self.steps.len();
            let Some(shape) = self.operand()? else { return Err(self.unexpected(next, "operand")) };
            args += 1;
            if args > TEMPLATE_ARGUMENTS_MAX {
                let message = format!("more than {TEMPLATE_ARGUMENTS_MAX} arguments");
                return Err(Fault::new(ErrorKind::Limit, next.start, next.end - next.start, message));
            }
            if function.optional == Optional::All {
                self.make_optional(start, self.steps.len(), shape);
            }
            if !piped {
                last = (start, self.steps.len(), shape);
            }
            if let Some(on) = short {
                shorts = self.emit(Op::Short { on, to: shorts }, token.start) as u32;
            }
        }
        self.check_arity(token, function, args)?;
        if function.optional == Optional::Last || piped && function.optional == Optional::All {
            self.make_optional(last.0, last.1, last.2);
        }
        if short.is_none() {
            self.emit(Op::Call { function: index, args: args as u16, piped }, token.start);
        } else if piped && shorts != NONE {
            let done = self.emit(Op::Jump(NONE), token.start);
            let here = self.here();
            self.patch_list(shorts, here);
            self.emit(Op::Nip, token.start);
            let here = self.here();
            self.patch(done, here);
        } else if let Some(Step { op: Op::Short { to, .. }, .. }) = self.steps.pop_if(|_| shorts != NONE) {
            // The last argument needs no test: it is the value in any case.
            let here = self.here();
            self.patch_list(to, here);
        }
        Ok(Shape::Other)
    }

    /// Lets the field chain that ends the steps `start..end` be missing.
    fn make_optional(&mut self, start: usize, end: usize, shape: Shape) {
        if shape == Shape::Field {
            for step in self.steps.get_mut(start..end).unwrap_or(&mut []).iter_mut().rev() {
                match &mut step.op {
                    Op::Field { optional, .. } => *optional = true,
                    _ => break,
                }
            }
        }
    }

    /// Compiles a term and the fields on it; `None` if what comes is no term.
    fn operand(&mut self) -> Faulty<Option<Shape>> {
        let token = self.peek()?;
        let at = token.start;
        let mut shape = Shape::Other;
        let bad = |m: String| Fault::syntax(at, token.end - at, m);
        let mut value = true;
        match token.kind {
            Kind::Identifier => {
                let (index, function) = self.function(token)?;
                self.next()?;
                self.bare_call(token, index, function)?;
                value = false;
            }
            Kind::Dot => {
                self.emit(Op::Dot, at);
            }
            Kind::Nil => {
                self.emit(Op::Null, at);
            }
            Kind::Bool(b) => {
                self.emit(Op::Bool(b), at);
            }
            Kind::Number | Kind::CharConstant => {
                let text = self.slice(token);
                let read = if token.kind == Kind::Number { literal::number(text) } else { literal::character(text) };
                self.emit_constant(read.map_err(bad)?, at);
            }
            Kind::Str | Kind::RawString => {
                let text = literal::unquote(self.slice(token)).map_err(bad)?;
                self.emit_constant(Value::text(&*text), at);
            }
            Kind::Variable => {
                let slot = self.variable(token)?;
                self.emit(Op::Var(slot), at);
                value = false;
            }
            Kind::Field => {
                self.emit(Op::Dot, at);
                self.fields()?;
                return Ok(Some(Shape::Field));
            }
            Kind::LeftParen => {
                self.parens += 1;
                if self.parens > TEMPLATE_PAREN_DEPTH_MAX {
                    let message = format!("more than {TEMPLATE_PAREN_DEPTH_MAX} parentheses inside each other");
                    return Err(Fault::new(ErrorKind::Limit, at, 1, message));
                }
                self.next()?;
                (_, shape) = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.parens -= 1;
                value = false;
                self.peeked = None;
            }
            _ => return Ok(None),
        }
        if !matches!(token.kind, Kind::LeftParen | Kind::Identifier) {
            self.next()?;
        }
        let next = self.peek()?;
        if next.kind == Kind::Field && !next.spaced {
            if value {
                let message = format!("unexpected `{}` after term `{}`", self.slice(next), self.slice(token));
                return Err(Fault::syntax(next.start, next.end - next.start, message));
            }
            self.fields()?;
            shape = Shape::Field;
        }
        Ok(Some(shape))
    }

    /// Compiles the fields that follow without a blank.
    fn fields(&mut self) -> Faulty<()> {
        let mut first = true;
        loop {
            let token = self.peek()?;
            if token.kind != Kind::Field || token.spaced && !first {
                return Ok(());
            }
            first = false;
            self.next()?;
            let len = (token.end - token.start - 1) as u32;
            self.emit(Op::Field { len, optional: false }, token.start);
        }
    }
}
