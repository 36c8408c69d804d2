//! The machine that renders a template.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, btree_map};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Bound, Range};

use super::error::{ErrorKind, Fault, TemplateError};
use super::fuel::{Failure, Fuel};
use super::function::{self, Body, Call, Flow};
use super::print;
use super::program::{NO_SLOT, Op, Template};
use super::scope::Scope;
use super::val::{Data, Val, go_type, shown, union};
use crate::diagnostic::nearest;
use crate::limits::{TEMPLATE_CALL_DEPTH_MAX, TEMPLATE_OUTPUT_BYTES_MAX};
use crate::secret;
use crate::value::{Text, Value};

/// What a template printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// The text; marked as secret if any part of it is.
    pub text: Text,
    /// The parts that were made from secrets, in order, none inside another.
    pub secrets: Vec<SecretPart>,
}

/// A part of a rendered text that was made from a secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretPart {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// The path of the secret; several are joined by `, `.
    pub path: Arc<str>,
}

impl Rendered {
    /// Returns every text that was printed from a secret, and its path: what is to be masked wherever it turns up.
    pub fn secret_texts(&self) -> impl Iterator<Item = (&str, &Arc<str>)> {
        self.secrets.iter().filter_map(|s| Some((self.text.as_str().get(s.range.clone())?, &s.path)))
    }

    /// Returns the text with `«secret path»` in place of every part that was made from a secret.
    pub fn masked(&self) -> String {
        let text = self.text.as_str();
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for part in &self.secrets {
            masked.push_str(text.get(done..part.range.start).unwrap_or(""));
            masked.push_str(&format!("«secret {}»", part.path));
            done = part.range.end;
        }
        masked.push_str(text.get(done..).unwrap_or(""));
        masked
    }
}

impl Template {
    /// Renders the template.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Rendered, TemplateError> {
        let mut machine = Machine::new(self, scope, false);
        machine.run().map_err(|fault| fault.place(&self.text))?;
        let Machine { out, parts, .. } = machine;
        let mut path = None;
        for part in &parts {
            path = union(path, Some(&part.path));
        }
        Ok(Rendered { text: Text::plain(out).tainted_by(path.as_ref()), secrets: parts })
    }

    /// Returns the value that the template's single action yields; of any other template, its text.
    pub fn render_value(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        if !self.single {
            return Ok(Value::Text(self.render(scope)?.text));
        }
        let mut machine = Machine::new(self, scope, true);
        machine.run().map_err(|fault| fault.place(&self.text))?;
        Ok(machine.taken.unwrap_or_default())
    }
}

/// A `range` under way.
struct Loop<'a> {
    /// The collection, for what is known of all its items.
    of: Val<'a>,
    items: Items<'a>,
    index: i64,
}

enum Items<'a> {
    Borrowed(core::slice::Iter<'a, Value>),
    Owned(Arc<Vec<Value>>),
    BorrowedMap(btree_map::Iter<'a, Arc<str>, Value>),
    OwnedMap(Arc<BTreeMap<Arc<str>, Value>>, Option<Arc<str>>),
    Count(i64),
}

/// A definition that was called.
struct Frame {
    back: usize,
    vars: usize,
}

struct Machine<'a> {
    template: &'a Template,
    scope: &'a Scope<'a>,
    fuel: Fuel,
    stack: Vec<Val<'a>>,
    dots: Vec<Val<'a>>,
    vars: Vec<Val<'a>>,
    /// Where the variables of the frame in hand begin.
    base: usize,
    loops: Vec<Loop<'a>>,
    frames: Vec<Frame>,
    out: String,
    parts: Vec<SecretPart>,
    /// Whether what would be printed is taken as it is.
    take: bool,
    taken: Option<Value>,
}

impl<'a> Machine<'a> {
    fn new(template: &'a Template, scope: &'a Scope<'a>, take: bool) -> Self {
        let root = Val { data: Data::Root, taint: None, traits: false };
        let mut vars = Vec::with_capacity(usize::from(template.slots));
        vars.push(root);
        vars.resize_with(usize::from(template.slots), || Value::Null.into());
        Self {
            template,
            scope,
            fuel: Fuel::full(),
            stack: Vec::with_capacity(4),
            dots: Vec::new(),
            vars,
            base: 0,
            loops: Vec::new(),
            frames: Vec::new(),
            out: String::with_capacity(if take { 0 } else { template.text.len() + 32 }),
            parts: Vec::new(),
            take,
            taken: None,
        }
    }

    fn run(&mut self) -> Result<(), Box<Fault>> {
        let mut pc = 0;
        loop {
            let step = self.template.step(pc);
            let next = match self.step(pc, step.op, step.at as usize) {
                Ok(next) => next,
                Err(failure) => {
                    let (at, len) = (step.at as usize, self.extent(step.op, step.at as usize));
                    let fault = Fault::new(failure.kind, at, len, failure.message);
                    return Err(match failure.help {
                        Some(help) => fault.help(help),
                        None => fault,
                    });
                }
            };
            match next {
                Some(next) => pc = next,
                None => return Ok(()),
            }
        }
    }

    /// Returns how many bytes of the text the step at `at` stands for.
    fn extent(&self, op: Op, at: usize) -> usize {
        match op {
            Op::Field { len, .. } => len as usize + 1,
            Op::Text { len } => len as usize,
            Op::Call { function, .. } => function::at(function).map_or(1, |f| f.name.len()),
            _ => self.template.excerpt(at).len().max(1),
        }
    }

    fn pop(&mut self) -> Val<'a> {
        debug_assert!(!self.stack.is_empty(), "the parser balances the stack");
        self.stack.pop().unwrap_or_else(|| Value::Null.into())
    }

    fn dot(&self) -> Val<'a> {
        match self.dots.last() {
            Some(dot) => dot.clone(),
            None => self.vars.first().cloned().unwrap_or_else(|| Value::Null.into()),
        }
    }

    /// Returns `val` with the root made a map.
    fn whole(&self, val: Val<'a>) -> Val<'a> {
        match val.data {
            Data::Root => self.scope.root().into(),
            _ => val,
        }
    }

    /// Does one step; returns the next, or nothing at the end.
    fn step(&mut self, pc: usize, op: Op, at: usize) -> Result<Option<usize>, Failure> {
        self.fuel.spend(1)?;
        let template = self.template;
        match op {
            Op::Text { len } => {
                self.fuel.produce(len as usize)?;
                self.out.push_str(template.slice(at, len as usize));
            }
            Op::Dot => {
                let dot = self.dot();
                self.stack.push(dot);
            }
            Op::Null => self.stack.push(Value::Null.into()),
            Op::Bool(b) => self.stack.push(Value::Bool(b).into()),
            Op::Const(index) => {
                let constant = template.constants.get(index as usize);
                self.stack.push(constant.map_or_else(|| Value::Null.into(), Val::from));
            }
            Op::Var(slot) => {
                let var = self.vars.get(self.base + usize::from(slot)).cloned();
                self.stack.push(var.unwrap_or_else(|| Value::Null.into()));
            }
            Op::Field { len, optional } => {
                let name = template.slice(at + 1, len as usize);
                let from = self.pop();
                let field = self.field(&from, name, optional)?;
                self.stack.push(self.had(field)?);
            }
            Op::Call { function, args, piped } => self.call(function, usize::from(args), piped)?,
            Op::Short { on, to } => {
                if self.stack.last().is_some_and(Val::truth) == on {
                    return Ok(Some(to as usize));
                }
                self.pop();
            }
            Op::Nip => {
                let top = self.pop();
                self.pop();
                self.stack.push(top);
            }
            Op::Set { slot, .. } => {
                if let (Some(top), Some(var)) = (self.stack.last(), self.vars.get_mut(self.base + usize::from(slot))) {
                    *var = top.clone();
                }
            }
            Op::Drop => {
                self.pop();
            }
            Op::Print => {
                let val = self.pop();
                self.print(val, at)?;
            }
            Op::Jump(to) => return Ok(Some(to as usize)),
            Op::Unless(to) => {
                if !self.pop().truth() {
                    return Ok(Some(to as usize));
                }
            }
            Op::With(to) => {
                let val = self.pop();
                if !val.truth() {
                    return Ok(Some(to as usize));
                }
                self.dots.push(val);
            }
            Op::EndWith { .. } => {
                self.dots.pop();
            }
            Op::Range { otherwise } => {
                let of = self.pop();
                let two = matches!(template.step(pc + 1).op, Op::Next { key, .. } if key != NO_SLOT);
                match self.items(of, two)? {
                    Some(started) => {
                        self.dots.push(Value::Null.into());
                        self.loops.push(started);
                    }
                    None => return Ok(Some(otherwise as usize)),
                }
            }
            Op::Next { end, key, value } => {
                if !self.next(key, value)? {
                    self.end_loop();
                    return Ok(Some(end as usize));
                }
            }
            Op::Break(to) => {
                self.end_loop();
                return Ok(Some(to as usize));
            }
            Op::Define(_) => {}
            Op::Template(index) => return self.template(pc, index),
            Op::Return => {
                let Some(frame) = self.frames.pop() else { return Ok(None) };
                self.vars.truncate(self.base);
                self.base = frame.vars;
                self.dots.pop();
                return Ok(Some(frame.back));
            }
        }
        Ok(Some(pc + 1))
    }

    fn field(&self, from: &Val<'a>, name: &str, optional: bool) -> Result<Val<'a>, Failure> {
        let missing = |seen: &mut dyn Iterator<Item = &str>| {
            if optional || from.traits {
                return Ok(from.child(Value::Null));
            }
            let failure = Failure::from(format!("map has no entry for key `{name}`"));
            Err(match nearest(name, seen) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure,
            })
        };
        match &from.data {
            Data::Root => match self.scope.get(name) {
                Some((value, traits)) => Ok(Val { traits, ..value.into() }),
                None => missing(&mut self.scope.names()).map_err(|failure| match self.scope.hint(name) {
                    Some(hint) => failure.help(hint),
                    None => failure,
                }),
            },
            Data::Ref(Value::Map(map)) => match map.get(name) {
                Some(value) => Ok(from.child(value)),
                None => missing(&mut map.keys().map(|k| &**k)),
            },
            Data::Own(Value::Map(map)) => match map.get(name) {
                Some(value) => Ok(from.child(value.clone())),
                None => missing(&mut map.keys().map(|k| &**k)),
            },
            Data::Ref(Value::Null) | Data::Own(Value::Null) => {
                if optional || from.traits {
                    Ok(from.child(Value::Null))
                } else {
                    Err(format!("nil data; no entry for key `{name}`").into())
                }
            }
            _ => Err(format!("can't evaluate field `{name}` in type {}", go_type(from.value())).into()),
        }
    }

    fn call(&mut self, index: u16, args: usize, piped: bool) -> Result<(), Failure> {
        let Some(function) = function::at(index) else { return Err("no such function".into()) };
        let Body::Run(run) = function.body else { return Err("no such function".into()) };
        let start = self.stack.len().saturating_sub(args);
        let mut bytes = 0;
        for arg in self.stack.get_mut(start..).unwrap_or(&mut []) {
            match &arg.data {
                Data::Root => *arg = self.scope.root().into(),
                Data::Ref(Value::Text(t)) | Data::Own(Value::Text(t)) => bytes += t.as_str().len(),
                _ => {}
            }
        }
        self.fuel.spend(bytes / 32)?;
        let args = self.stack.get_mut(start..).unwrap_or(&mut []);
        if piped {
            args.rotate_left(1);
        }
        let mut taint = None;
        match function.flow {
            Flow::Made => {
                for arg in args.iter() {
                    taint = union(taint, arg.secrets(&mut self.fuel)?.as_ref());
                }
            }
            Flow::Part => args.iter().for_each(|arg| {
                if arg.taint.is_some() {
                    taint = union(taint.take(), arg.taint.as_ref());
                }
            }),
            Flow::Tells => {}
        }
        let hidden = args.iter().find_map(|arg| arg.taint.clone());
        let mut call = Call { args, fuel: &mut self.fuel, secrets: self.scope.secrets };
        let result = run(&mut call).map_err(|failure| {
            let message = match (failure.kind, hidden) {
                (ErrorKind::Value, Some(path)) => {
                    format!("error calling `{}` on what was made of «secret {path}»", function.name)
                }
                (ErrorKind::Value, None) if function.name != "required" => {
                    format!("error calling `{}`: {}", function.name, failure.message)
                }
                _ => failure.message,
            };
            Failure { message, ..failure }
        })?;
        self.stack.truncate(start);
        let result = self.had(result.tainted(taint))?;
        self.stack.push(result);
        Ok(())
    }

    /// Refuses a text that holds the marker of a withheld secret: a template must not take it for a value.
    fn had(&self, val: Val<'a>) -> Result<Val<'a>, Failure> {
        match val.value() {
            Value::Text(text) if text.secret_path().is_some() => {
                secret::first_path(text.as_str()).map_or(Ok(()), |path| self.had_secret(path))?;
            }
            _ => {}
        }
        Ok(val)
    }

    /// The same for all that a value holds.
    fn had_whole(&self, value: &Value) -> Result<(), Failure> {
        let mut paths = BTreeSet::new();
        secret::paths(value, &mut paths);
        paths.iter().try_for_each(|path| self.had_secret(path))
    }

    fn had_secret(&self, path: &str) -> Result<(), Failure> {
        match self.scope.secrets.withheld(path) {
            Some(why) => Err(Failure::new(ErrorKind::Secret, format!("secret `{path}`: {why}"))),
            None => Ok(()),
        }
    }

    fn print(&mut self, val: Val<'a>, at: usize) -> Result<(), Failure> {
        let val = self.whole(val);
        if *val.value() == Value::Null {
            let excerpt = self.template.excerpt(at);
            let failure = Failure::from(format!("`{excerpt}` is null"));
            return Err(failure.help("give a value for that case with `default`, or test it with `if`"));
        }
        if self.take {
            self.had_whole(val.value())?;
            self.taken = Some(val.seal(&mut self.fuel)?);
            return Ok(());
        }
        let start = self.out.len();
        let secrets = match val.value() {
            Value::Text(text) => {
                self.fuel.produce(text.as_str().len())?;
                self.out.push_str(text.as_str());
                if val.taint.is_none() { text.secret_path().cloned() } else { val.secrets(&mut self.fuel)? }
            }
            value @ (Value::List(_) | Value::Map(_)) => {
                self.had_whole(value)?;
                let mut out = self.fuel.out();
                print::value(&mut out, value)?;
                self.out.push_str(&self.fuel.finish(out)?);
                val.secrets(&mut self.fuel)?
            }
            value => {
                print::scalar(&mut self.out, value);
                self.fuel.produce(self.out.len() - start)?;
                val.taint
            }
        };
        debug_assert!(self.out.len() <= TEMPLATE_OUTPUT_BYTES_MAX + 64);
        if let Some(path) = secrets.filter(|_| self.out.len() > start) {
            self.parts.push(SecretPart { range: start..self.out.len(), path });
        }
        Ok(())
    }

    /// Starts a loop over a value, with one variable or `two`; none if it is empty.
    fn items(&self, of: Val<'a>, two: bool) -> Result<Option<Loop<'a>>, Failure> {
        let of = self.whole(of);
        if two && matches!(of.value(), Value::Int(_)) {
            return Err("can't use an int to iterate over more than one variable".into());
        }
        let items = match &of.data {
            Data::Ref(Value::List(items)) => Items::Borrowed(items.iter()),
            Data::Own(Value::List(items)) => Items::Owned(items.clone()),
            Data::Ref(Value::Map(map)) => Items::BorrowedMap(map.iter()),
            Data::Own(Value::Map(map)) => Items::OwnedMap(map.clone(), None),
            Data::Ref(Value::Int(n)) => Items::Count(*n),
            Data::Own(Value::Int(n)) => Items::Count(*n),
            _ => match of.value() {
                Value::Null => return Ok(None),
                other if of.taint.is_some() => {
                    return Err(format!("range can't iterate over {} of a secret", go_type(other)).into());
                }
                other => return Err(format!("range can't iterate over {}", shown(other)).into()),
            },
        };
        let empty = match &items {
            Items::Count(n) => *n <= 0,
            _ => !of.truth(),
        };
        Ok((!empty).then_some(Loop { of, items, index: 0 }))
    }

    /// Takes the next item of the innermost loop; returns false at the end.
    fn next(&mut self, key_slot: u16, value_slot: u16) -> Result<bool, Failure> {
        let Some(running) = self.loops.last_mut() else { return Ok(false) };
        let index = running.index;
        let (key, value) = match &mut running.items {
            Items::Borrowed(items) => match items.next() {
                Some(item) => (None, running.of.child(item)),
                None => return Ok(false),
            },
            Items::Owned(items) => match usize::try_from(index).ok().and_then(|i| items.get(i)) {
                Some(item) => (None, running.of.child(item.clone())),
                None => return Ok(false),
            },
            Items::BorrowedMap(entries) => match entries.next() {
                Some((key, item)) => (Some(key.clone()), running.of.child(item)),
                None => return Ok(false),
            },
            Items::OwnedMap(map, last) => {
                let from = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
                match map.range::<str, _>((from, Bound::Unbounded)).next() {
                    Some((key, item)) => {
                        let (key, item) = (key.clone(), running.of.child(item.clone()));
                        *last = Some(key.clone());
                        (Some(key), item)
                    }
                    None => return Ok(false),
                }
            }
            Items::Count(n) if index < *n => (None, running.of.child(Value::Int(index))),
            Items::Count(_) => return Ok(false),
        };
        running.index += 1;
        if key_slot != NO_SLOT {
            let key = key.map_or(Value::Int(index), Value::text);
            let key = Val::from(key).tainted(running.of.taint.clone());
            if let Some(var) = self.vars.get_mut(self.base + usize::from(key_slot)) {
                *var = key;
            }
        }
        let value = self.had(value)?;
        let var = self.vars.get_mut(self.base + usize::from(value_slot));
        if let Some(var) = var.filter(|_| value_slot != NO_SLOT) {
            *var = value.clone();
        }
        if let Some(dot) = self.dots.last_mut() {
            *dot = value;
        }
        Ok(true)
    }

    fn end_loop(&mut self) {
        self.loops.pop();
        self.dots.pop();
    }

    fn template(&mut self, pc: usize, index: u32) -> Result<Option<usize>, Failure> {
        let Some(definition) = self.template.definitions.get(index as usize) else { return Ok(None) };
        if definition.entry == super::program::NONE {
            let failure = Failure::new(ErrorKind::Name, format!("template `{}` not defined", definition.name));
            let known = self.template.definitions.iter().filter(|d| d.entry != super::program::NONE);
            return Err(match nearest(&definition.name, known.map(|d| &*d.name)) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure,
            });
        }
        if self.frames.len() >= TEMPLATE_CALL_DEPTH_MAX {
            let message = format!("exceeded maximum template depth ({TEMPLATE_CALL_DEPTH_MAX})");
            return Err(Failure::new(ErrorKind::Limit, message));
        }
        let dot = self.pop();
        self.fuel.spend(usize::from(definition.slots))?;
        self.frames.push(Frame { back: pc + 1, vars: self.base });
        self.base = self.vars.len();
        self.vars.push(dot.clone());
        self.vars.resize_with(self.base + usize::from(definition.slots), || Value::Null.into());
        self.dots.push(dot);
        Ok(Some(definition.entry as usize))
    }
}
