//! Deciding what is left after folding, look by look.

use super::builtin::Decide;
use super::expr::Expr;
use super::tri::Tri;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Something to look at on the machine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Look {
    /// Whether a file (or what a link there leads to, but no directory) exists at an absolute path.
    FileExists(Arc<str>),
    /// Whether a directory exists at an absolute path.
    DirExists(Arc<str>),
    /// Whether a program is found by name in the search path, or at an absolute path.
    HasCommand(Arc<str>),
    /// Whether a process of that name runs.
    ProcessRunning(Arc<str>),
    /// Whether a command exits 0 within 30 s.
    CommandSucceeds(Arc<str>),
    /// Whether a package is installed.
    PackageInstalled(Arc<str>),
    /// Whether a service runs.
    ServiceRunning(Arc<str>),
    /// Whether a user exists.
    UserExists(Arc<str>),
}

impl fmt::Display for Look {
    /// Prints it as the builtin that asks for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, of) = match self {
            Self::FileExists(p) => ("file_exists", p),
            Self::DirExists(p) => ("dir_exists", p),
            Self::HasCommand(c) => ("has_command", c),
            Self::ProcessRunning(p) => ("process_running", p),
            Self::CommandSucceeds(c) => ("command_succeeds", c),
            Self::PackageInstalled(p) => ("package_installed", p),
            Self::ServiceRunning(s) => ("service_running", s),
            Self::UserExists(u) => ("user_exists", u),
        };
        write!(f, "{name}('{}')", of.replace('\'', "''"))
    }
}

/// What [`decide`] came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The outcome.
    Decided(Tri),
    /// The outcome hangs on this look, and maybe on others after it.
    Look(Look),
}

/// Decides an expression from the looks that are known, or names the next look that matters.
///
/// Look it up, remember the answer and call again. What another operand has settled already is never asked for:
/// nothing is looked at for `false && command_succeeds('x')`.
/// Fold by server, name, traits and clock before; what they should have decided is unknown here.
pub fn decide(expr: &Expr, known: &dyn Fn(&Look) -> Option<Tri>) -> Decision {
    match expr {
        Expr::True => Decision::Decided(Tri::True),
        Expr::False => Decision::Decided(Tri::False),
        Expr::Unknown(why) => Decision::Decided(Tri::Unknown(why.clone())),
        Expr::Template(template) => Decision::Decided(Tri::unknown(format!("`{}` was not rendered", template.source))),
        Expr::Call(call) => match call.builtin.decide {
            Decide::Look(look) if !call.has_templates() => {
                let look = look(call);
                known(&look).map_or(Decision::Look(look), Decision::Decided)
            }
            _ => Decision::Decided(Tri::unknown(format!("`{call}` cannot be decided here"))),
        },
        Expr::Not(inner) => match decide(inner, known) {
            Decision::Decided(tri) => Decision::Decided(!tri),
            look => look,
        },
        Expr::And(all) => join(all, known, Tri::True, Tri::False),
        Expr::Or(all) => join(all, known, Tri::False, Tri::True),
    }
}

fn join(all: &[Expr], known: &dyn Fn(&Look) -> Option<Tri>, neutral: Tri, absorbing: Tri) -> Decision {
    let mut outcome = neutral;
    let mut pending = None;
    // Constants first: they may spare a look.
    if all.iter().any(|e| matches!((e, &absorbing), (Expr::True, Tri::True) | (Expr::False, Tri::False))) {
        return Decision::Decided(absorbing);
    }
    for operand in all {
        match decide(operand, known) {
            Decision::Decided(tri) if tri == absorbing => return Decision::Decided(absorbing),
            Decision::Decided(Tri::Unknown(why)) if !matches!(outcome, Tri::Unknown(_)) => outcome = Tri::Unknown(why),
            Decision::Decided(_) => {}
            Decision::Look(look) => pending = pending.or(Some(look)),
        }
    }
    pending.map_or(Decision::Decided(outcome), Decision::Look)
}

/// Returns the outcome, asking `look` from left to right for what matters.
pub fn eval(expr: &Expr, look: &dyn Fn(&Look) -> Tri) -> Tri {
    match decide(expr, &|l| Some(look(l))) {
        Decision::Decided(tri) => tri,
        Decision::Look(look) => Tri::unknown(format!("`{look}` was not looked at")),
    }
}

/// Returns all that an expression may have to look at, each once, in the order of the text.
pub fn looks(expr: &Expr) -> Vec<Look> {
    let mut found = Vec::new();
    expr.each_call(&mut |call| {
        if let Decide::Look(look) = call.builtin.decide
            && !call.has_templates()
        {
            let look = look(call);
            if !found.contains(&look) {
                found.push(look);
            }
        }
    });
    found
}
