//! Actions that control what is printed: blocks, loops, definitions.

use alloc::format;
use alloc::string::String;

use super::super::error::{ErrorKind, Fault, Faulty};
use super::super::lexer::{Keyword, Kind, Token};
use super::super::literal;
use super::super::program::{Definition, NO_SLOT, NONE, Op};
use super::parse::{Block, BlockKind, Declares, Parser, Variable};
use crate::limits::TEMPLATE_BLOCK_DEPTH_MAX;

impl Parser<'_> {
    /// Compiles one action; its `{{` was taken. Returns whether it prints a value.
    pub(super) fn action(&mut self, open: usize) -> Faulty<bool> {
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

    pub(super) fn open_block(&mut self, kind: BlockKind, at: usize, otherwise: usize, vars_before: usize) {
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
        let misplaced = || {
            let fault = Fault::syntax(token.start, token.end - token.start, "unexpected `else`");
            fault.help("remove it, or open a block before it")
        };
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
            let fault = Fault::syntax(at, token.end - at, "unexpected `end`: no block is open");
            return Err(fault.help("remove it, or open a block before it"));
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
            BlockKind::Broken => self.steps.truncate(block.otherwise),
            BlockKind::If | BlockKind::With => {}
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
}
