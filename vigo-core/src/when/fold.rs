//! Partial evaluation: what a side knows is replaced, the rest is left.

use super::builtin::Decide;
use super::expr::{Call, Expr};
use super::tri::Tri;
use crate::time::Civil;
use crate::traits::TraitSet;
use crate::value::Value;

/// What the server knows of a class of envoys, and of the crate that an expression stands in.
pub trait ServerFacts {
    /// Returns the environment, if one applies.
    fn environment(&self) -> Option<&str>;

    /// Returns whether the class has the role, named or included.
    fn has_role(&self, name: &str) -> bool;

    /// Returns the condition by which the class has the crate, without the crate's own `when:`.
    fn configcrate(&self, name: &str) -> Expr;

    /// Returns a variable as the crate sees it, by a dotted path.
    fn var(&self, path: &str) -> Option<Value>;
}

/// Replaces what the server knows of the whole class. The rest is for the agent: its name, traits, clock and looks.
pub fn fold(expr: &Expr, facts: &dyn ServerFacts) -> Expr {
    replace(expr, &|call| match call.builtin.decide {
        Decide::Server(decide) => Some(decide(call, facts)),
        _ => None,
    })
}

/// Replaces what the name that the envoy enrolled with says, and what traits and clock say, as they stood at the start of
/// the run. What is left are looks, and what could not be read.
pub fn fold_traits(expr: &Expr, hostname: &str, traits: &TraitSet, clock: &Civil) -> Expr {
    replace(expr, &|call| match call.builtin.decide {
        Decide::Name(decide) => Some(decide(call, hostname).into()),
        Decide::Traits(decide) => Some(decide(call, traits).into()),
        Decide::Clock(decide) => Some(Tri::from(decide(call, clock)).into()),
        _ => None,
    })
}

/// Replaces what the name alone says.
pub fn fold_name(expr: &Expr, hostname: &str) -> Expr {
    replace(expr, &|call| match call.builtin.decide {
        Decide::Name(decide) => Some(decide(call, hostname).into()),
        _ => None,
    })
}

/// Takes `changed` out of the top-level `&&`: whether it was there, and what else was, if anything.
pub fn split_changed(expr: &Expr) -> (bool, Option<Expr>) {
    let is_changed = |e: &Expr| matches!(e, Expr::Call(call) if matches!(call.builtin.decide, Decide::Trigger));
    match expr {
        e if is_changed(e) => (true, None),
        Expr::And(all) if all.iter().any(is_changed) => {
            let rest = Expr::and(all.iter().filter(|e| !is_changed(e)).cloned());
            (true, (rest != Expr::True).then_some(rest))
        }
        other => (false, Some(other.clone())),
    }
}

fn replace(expr: &Expr, known: &dyn Fn(&Call) -> Option<Expr>) -> Expr {
    match expr {
        Expr::Call(call) if !call.has_templates() => known(call).unwrap_or_else(|| expr.clone()),
        Expr::Not(inner) => replace(inner, known).not(),
        Expr::And(all) => Expr::and(all.iter().map(|e| replace(e, known))),
        Expr::Or(all) => Expr::or(all.iter().map(|e| replace(e, known))),
        _ => expr.clone(),
    }
}

impl From<Tri> for Expr {
    fn from(tri: Tri) -> Self {
        match tri {
            Tri::True => Self::True,
            Tri::False => Self::False,
            Tri::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl From<bool> for Expr {
    fn from(known: bool) -> Self {
        Tri::from(known).into()
    }
}
