//! Pipelines: what they declare, their commands, and the operands of these.

use alloc::format;
use alloc::string::String;

use super::super::error::{ErrorKind, Fault, Faulty};
use super::super::function::{self, Body, Optional};
use super::super::lexer::{Kind, Token};
use super::super::literal;
use super::super::program::{NO_SLOT, NONE, Op, Step};
use super::parse::{Declares, Parser, Shape, Variable};
use crate::diagnostic::nearest;
use crate::limits::{TEMPLATE_ARGUMENTS_MAX, TEMPLATE_PAREN_DEPTH_MAX, TEMPLATE_VARIABLES_MAX};
use crate::value::Value;

impl Parser<'_> {
    /// Compiles a pipeline up to its `end`, which is taken; leaves its value on the stack.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Faulty<(Declares, Shape)> {
        let (names, assigns) = self.declarations(context)?;
        let (mut stage, mut before, mut shape) = (0usize, self.steps.len(), Shape::Other);
        let at = self.peek()?.start;
        loop {
            let token = self.peek()?;
            if token.kind == end {
                self.next()?;
                if stage == 0 {
                    let message = format!("missing value for {context}");
                    let fault = Fault::syntax(token.start, token.end - token.start, message);
                    return Err(fault.help("write a value, such as `.Vars.port`"));
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
                    None => {
                        let bare = name.trim_start_matches('$');
                        fault.help(format!("write `.Vars.{bare}`, or declare it by `{{{{ {name} := … }}}}` before"))
                    }
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
                None => fault.help(format!("write `.Vars.{name}` if it is a variable")),
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
