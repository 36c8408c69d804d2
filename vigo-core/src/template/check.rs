//! What can be said of a template without data: names that nobody has, templates that are not defined.
//!
//! The steps are gone through once in their order, with paths in place of values. A branch on `hasKey` knows its key.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::error::{ErrorKind, Fault, TemplateError};
use super::function;
use super::program::{NO_SLOT, NONE, Op, Template};
use crate::diagnostic::nearest;
use crate::limits::TEMPLATE_ERRORS_MAX;
use crate::value::Value;

/// The names that a template may use.
pub trait Names {
    /// Says whether there is something at `path` below the root, such as `["Vars", "port"]`. It is asked for each prefix
    /// of a longer path first. `optional`: the template provides for its absence (`default`, a branch on `hasKey` …).
    fn look(&self, path: &[&str], optional: bool) -> Result<(), Unknown>;
}

/// A place in a template that says where below the root a value lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use<'t> {
    /// The path below the root, such as `["Vars", "port"]`.
    pub path: Vec<&'t str>,
    /// The first byte of the path's last name, in the template's text.
    pub at: usize,
}

/// A name that there is not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// What is wrong: a lowercase fragment.
    pub message: String,
    /// What to write instead, in the imperative.
    pub help: Option<String>,
}

impl Template {
    /// Returns what is wrong with the names that the template uses, in their order.
    pub fn check(&self, names: &dyn Names) -> Vec<TemplateError> {
        // What a definition gets as its dot is known when all its calls were seen, some of them from definitions.
        let mut args: Vec<Arg<'_>> = self.definitions.iter().map(|_| Arg::Never).collect();
        for round in 0.. {
            let mut walk = Walk::new(self, names, &args);
            walk.run();
            let Walk { faults, seen, .. } = walk;
            if seen == args || round == ROUNDS_MAX {
                return Fault::place_all(faults, &self.text);
            }
            args = if round + 1 < ROUNDS_MAX { seen } else { self.definitions.iter().map(|_| Arg::Any).collect() };
        }
        Vec::new()
    }

    /// Returns every place at which the template names something below the root: as a field, also of a variable or of the
    /// dot that a `with` moved, or as the key that `index`, `lookup` or `hasKey` looks for.
    pub fn uses(&self) -> Vec<Use<'_>> {
        let args: Vec<Arg<'_>> = self.definitions.iter().map(|_| Arg::One(Vec::new())).collect();
        let mut walk = Walk::new(self, &Anything, &args);
        walk.uses = Some(Vec::new());
        walk.run();
        walk.uses.unwrap_or_default()
    }

    /// Returns the paths that the template gives to `secret`, in their order: what is to be fetched before it is rendered.
    pub fn secret_paths(&self) -> impl Iterator<Item = &str> {
        let secret = function::find("secret").map(|(index, _)| index);
        self.steps.windows(2).filter_map(move |pair| match pair {
            [first, second] => match (first.op, second.op) {
                (Op::Const(at), Op::Call { function, .. }) if Some(function) == secret => {
                    self.constants.get(at as usize).and_then(Value::as_str)
                }
                _ => None,
            },
            _ => None,
        })
    }
}

/// Names of which none is missed.
struct Anything;

impl Names for Anything {
    fn look(&self, _: &[&str], _: bool) -> Result<(), Unknown> {
        Ok(())
    }
}

/// How often a template is gone through to learn what its definitions are given, before that counts as anything.
const ROUNDS_MAX: u32 = 3;

type Path<'t> = Vec<&'t str>;

/// What is known of a value.
#[derive(Clone, PartialEq, Debug)]
enum Abs<'t> {
    Any,
    /// What stands at a path below the root.
    Path(Path<'t>),
    /// A text, and the byte at which its literal begins.
    Text(&'t str, usize),
    /// A condition, with the paths that are there if it is true, and if it is false.
    Condition {
        yes: Vec<Path<'t>>,
        no: Vec<Path<'t>>,
    },
}

/// What the calls of a definition give it.
#[derive(Clone, PartialEq, Debug)]
enum Arg<'t> {
    Never,
    One(Path<'t>),
    Any,
}

/// A path that is there, in a stretch of steps.
struct Known<'t> {
    from: usize,
    until: usize,
    path: Path<'t>,
}

/// An `and` or `or` under way: an argument but the last.
struct Short<'t> {
    to: usize,
    on: bool,
    arg: Abs<'t>,
}

/// What is put aside while a definition in the middle of another text is gone through.
struct Outside<'t> {
    vars: Vec<Abs<'t>>,
    dots: Vec<Abs<'t>>,
    ranges: Vec<usize>,
}

struct Walk<'t, 'n> {
    template: &'t Template,
    names: &'n dyn Names,
    args: &'n [Arg<'t>],
    seen: Vec<Arg<'t>>,
    stack: Vec<Abs<'t>>,
    dots: Vec<Abs<'t>>,
    vars: Vec<Abs<'t>>,
    known: Vec<Known<'t>>,
    shorts: Vec<Short<'t>>,
    /// Where the bodies of the open loops end.
    ranges: Vec<usize>,
    outside: Vec<Outside<'t>>,
    faults: Vec<Fault>,
    /// The names that were looked for, where somebody wants to know.
    uses: Option<Vec<Use<'t>>>,
}

impl<'t, 'n> Walk<'t, 'n> {
    fn new(template: &'t Template, names: &'n dyn Names, args: &'n [Arg<'t>]) -> Self {
        let root = Abs::Path(Vec::new());
        Self {
            template,
            names,
            args,
            seen: args.iter().map(|_| Arg::Never).collect(),
            stack: Vec::new(),
            dots: alloc::vec![root.clone()],
            vars: Self::frame(root, template.slots),
            known: Vec::new(),
            shorts: Vec::new(),
            ranges: Vec::new(),
            outside: Vec::new(),
            faults: Vec::new(),
            uses: None,
        }
    }

    fn frame(root: Abs<'t>, slots: u16) -> Vec<Abs<'t>> {
        let mut vars = alloc::vec![Abs::Any; usize::from(slots).max(1)];
        if let Some(first) = vars.first_mut() {
            *first = root;
        }
        vars
    }

    fn run(&mut self) {
        for pc in 0..self.template.steps.len() {
            if self.faults.len() >= TEMPLATE_ERRORS_MAX {
                return;
            }
            self.enter(pc);
            let step = self.template.step(pc);
            self.step(pc, step.op, step.at as usize);
        }
    }

    /// Notes what begins or ends before step `pc`.
    fn enter(&mut self, pc: usize) {
        if self.ranges.last() == Some(&pc) {
            self.ranges.pop();
            self.dots.pop();
        }
        if self.shorts.last().is_some_and(|s| s.to == pc) {
            self.join(pc);
        }
    }

    /// Makes one condition of the arguments of an `and` or `or`.
    fn join(&mut self, pc: usize) {
        let last = self.stack.last().cloned().unwrap_or(Abs::Any);
        // Behind a pipe the last argument stays below, to be dropped by `Nip`.
        if self.template.step(pc).op != Op::Nip {
            self.stack.pop();
        }
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        let mut on = false;
        let mut collect = |arg: Abs<'t>| {
            if let Abs::Condition { yes: y, no: n } = arg {
                yes.extend(y);
                no.extend(n);
            }
        };
        collect(last);
        while let Some(short) = self.shorts.pop_if(|s| s.to == pc) {
            on = short.on;
            collect(short.arg);
        }
        // A true `and` had all arguments true, a false `or` all false.
        self.stack.push(if on {
            Abs::Condition { yes: Vec::new(), no }
        } else {
            Abs::Condition { yes, no: Vec::new() }
        });
    }

    fn pop(&mut self) -> Abs<'t> {
        self.stack.pop().unwrap_or(Abs::Any)
    }

    fn know(&mut self, paths: Vec<Path<'t>>, from: usize, until: usize) {
        self.known.extend(paths.into_iter().map(|path| Known { from, until, path }));
    }

    fn fault(&mut self, at: usize, len: usize, message: String, help: Option<String>) {
        let fault = Fault::new(ErrorKind::Name, at, len, message);
        self.faults.push(match help {
            Some(help) => *fault.help(help),
            None => *fault,
        });
    }

    fn step(&mut self, pc: usize, op: Op, at: usize) {
        let template = self.template;
        match op {
            Op::Text { .. } | Op::Jump(_) | Op::Break(_) | Op::EndWith { leaving: true } => {}
            Op::Dot => self.stack.push(self.dots.last().cloned().unwrap_or(Abs::Any)),
            Op::Null | Op::Bool(_) => self.stack.push(Abs::Any),
            Op::Const(index) => {
                let text = match template.constants.get(index as usize) {
                    Some(Value::Text(text)) => Abs::Text(text.as_str(), at),
                    _ => Abs::Any,
                };
                self.stack.push(text);
            }
            Op::Var(slot) => self.stack.push(self.vars.get(usize::from(slot)).cloned().unwrap_or(Abs::Any)),
            Op::Field { len, optional } => {
                let field = match self.pop() {
                    Abs::Path(mut path) => {
                        path.push(template.slice(at + 1, len as usize));
                        self.note(&path, at + 1);
                        self.look(path, optional, pc, at, len as usize + 1)
                    }
                    _ => Abs::Any,
                };
                self.stack.push(field);
            }
            Op::Call { function, args, piped } => {
                let start = self.stack.len().saturating_sub(usize::from(args));
                let mut args = self.stack.split_off(start);
                if piped && !args.is_empty() {
                    args.rotate_left(1);
                }
                let name = function::at(function).map_or("", |f| f.name);
                let result = self.call(name, &args, pc, at);
                self.stack.push(result);
            }
            Op::Short { on, to } => {
                let arg = self.pop();
                if let Abs::Condition { yes, no } = &arg {
                    let holds = if on { no } else { yes };
                    self.know(holds.clone(), pc, to as usize);
                }
                self.shorts.push(Short { to: to as usize, on, arg });
            }
            Op::Nip => {
                let top = self.pop();
                self.pop();
                self.stack.push(top);
            }
            Op::Set { slot, assigns } => {
                let value = if assigns { Abs::Any } else { self.stack.last().cloned().unwrap_or(Abs::Any) };
                if let Some(var) = self.vars.get_mut(usize::from(slot)) {
                    *var = value;
                }
            }
            Op::Drop | Op::Print => {
                self.pop();
            }
            Op::Unless(to) => {
                let otherwise = to as usize;
                self.known.retain(|k| k.until > pc);
                if let Abs::Condition { yes, no } = self.pop() {
                    let end = match template.step(otherwise.saturating_sub(1)).op {
                        Op::Jump(end) => end as usize,
                        _ => otherwise,
                    };
                    self.know(yes, pc, otherwise);
                    self.know(no, otherwise, end);
                }
            }
            Op::With(_) => {
                let dot = self.pop();
                self.dots.push(dot);
            }
            Op::EndWith { leaving: false } => {
                self.dots.pop();
            }
            Op::Range { otherwise } => {
                self.pop();
                self.dots.push(Abs::Any);
                self.ranges.push(otherwise as usize);
            }
            Op::Next { key, value, .. } => {
                for slot in [key, value] {
                    if let Some(var) = self.vars.get_mut(usize::from(slot)).filter(|_| slot != NO_SLOT) {
                        *var = Abs::Any;
                    }
                }
            }
            Op::Template(index) => self.template(index as usize, at),
            Op::Define(index) => {
                let root = match self.args.get(index as usize) {
                    Some(Arg::One(path)) => Abs::Path(path.clone()),
                    _ => Abs::Any,
                };
                let slots = template.definitions.get(index as usize).map_or(1, |d| d.slots);
                self.outside.push(Outside {
                    vars: core::mem::replace(&mut self.vars, Self::frame(root.clone(), slots)),
                    dots: core::mem::replace(&mut self.dots, alloc::vec![root]),
                    ranges: core::mem::take(&mut self.ranges),
                });
            }
            Op::Return => {
                if let Some(outside) = self.outside.pop() {
                    (self.vars, self.dots, self.ranges) = (outside.vars, outside.dots, outside.ranges);
                }
            }
        }
    }

    /// Asks for a path; what is not there is not asked for again further down.
    fn look(&mut self, path: Path<'t>, optional: bool, pc: usize, at: usize, len: usize) -> Abs<'t> {
        let known = self.known.iter().any(|k| (k.from..k.until).contains(&pc) && k.path == path);
        match self.names.look(&path, optional || known) {
            Ok(()) => Abs::Path(path),
            Err(Unknown { message, help }) => {
                self.fault(at, len, message, help);
                Abs::Any
            }
        }
    }

    /// Notes a name where it is written as it is.
    fn note(&mut self, path: &Path<'t>, at: usize) {
        let Some(uses) = &mut self.uses else { return };
        if path.last().is_some_and(|name| self.template.slice(at, name.len()) == *name) {
            uses.push(Use { path: path.clone(), at });
        }
    }

    fn call(&mut self, name: &str, args: &[Abs<'t>], pc: usize, at: usize) -> Abs<'t> {
        if self.uses.is_some()
            && let ("hasKey" | "index" | "lookup", [Abs::Path(map), Abs::Text(key, begin), ..]) = (name, args)
        {
            self.note(&below(map, key), begin + 1);
        }
        match (name, args) {
            ("hasKey", [Abs::Path(map), Abs::Text(key, _)]) => {
                Abs::Condition { yes: alloc::vec![below(map, key)], no: Vec::new() }
            }
            ("empty", [Abs::Path(path)]) => Abs::Condition { yes: Vec::new(), no: alloc::vec![path.clone()] },
            ("not", [Abs::Condition { yes, no }]) => Abs::Condition { yes: no.clone(), no: yes.clone() },
            ("index", [Abs::Path(path), Abs::Text(key, _)]) => self.look(below(path, key), true, pc, at, name.len()),
            ("secret", [arg]) if !matches!(arg, Abs::Text(..)) => {
                let help = String::from("write the path as text in quotes: it is fetched before anything is rendered");
                self.fault(at, name.len(), String::from("`secret` takes a literal path"), Some(help));
                Abs::Any
            }
            _ => Abs::Any,
        }
    }

    fn template(&mut self, index: usize, at: usize) {
        let arg = self.pop();
        let Some(definition) = self.template.definitions.get(index) else { return };
        if definition.entry == NONE {
            let known = self.template.definitions.iter().filter(|d| d.entry != NONE).map(|d| &*d.name);
            let help = nearest(&definition.name, known).map(|near| format!("did you mean `{near}`?"));
            let name = &definition.name;
            let help = help.or_else(|| Some(format!("define it: `{{{{ define \"{name}\" }}}}…{{{{ end }}}}`")));
            let len = self.template.excerpt(at).find(' ').unwrap_or(self.template.excerpt(at).len());
            self.fault(at, len, format!("template `{}` not defined", definition.name), help);
        }
        if let Some(seen) = self.seen.get_mut(index) {
            *seen = match (&*seen, arg) {
                (Arg::Never, Abs::Path(path)) => Arg::One(path),
                (Arg::One(before), Abs::Path(path)) if *before == path => Arg::One(path),
                _ => Arg::Any,
            };
        }
    }
}

fn below<'t>(path: &Path<'t>, key: &'t str) -> Path<'t> {
    let mut path = path.clone();
    path.push(key);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_below_the_root_is_told_with_its_place() {
        let text = "{{ .Vars.a.b }}{{ $x := .Vars }}{{ $x.c }}{{ with .Vars }}{{ .d }}{{ end }}{{ hasKey .Vars \"e\" }}\
            {{ .Vars | index \"no\" }}{{ index $x `f` }}{{ lookup .Vars \"g\" \"h\" }}{{ range .Vars.i }}{{ .no }}{{ end }}\
            {{ define \"t\" }}{{ .j }}{{ end }}{{ template \"t\" .Vars }}{{ \"\\x61\" | print }}";
        let template = Template::parse(text).expect("a template");
        let found: Vec<String> = template
            .uses()
            .iter()
            .map(|u| {
                let name = u.path.last().copied().unwrap_or_default();
                assert_eq!(text.get(u.at..u.at + name.len()), Some(name));
                u.path.join(".")
            })
            .collect();
        let expected =
            "Vars,Vars.a,Vars.a.b,Vars,Vars.c,Vars,Vars.d,Vars,Vars.e,Vars,Vars.f,Vars,Vars.g,Vars,Vars.i,j,Vars";
        assert_eq!(found.join(","), expected);
    }
}
