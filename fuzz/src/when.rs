//! `when:` expressions, from text to outcome.

use crate::input::{choice, text};
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
use vigo_core::when::{
    Context, Expr, Look, ServerFacts, Tri, eval, exclusive, fold, fold_traits, looks, split_changed,
};

/// Reads an expression and decides it.
///
/// An error lies inside the text. An expression prints as itself, in a policy and in a bundle. Folding early or late
/// gives one outcome, and what is asked for is known beforehand.
pub fn when(data: &[u8]) {
    let Some((first, rest)) = choice(data) else { return };
    let Some(source) = text(rest) else { return };
    let contexts = [Context::Resource, Context::Gate, Context::Arm, Context::RoleArm, Context::Bundle];
    let context = contexts[usize::from(first) % contexts.len()];
    let expr = match Expr::parse(source, context) {
        Ok(expr) => expr,
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a word");
            for e in &errors {
                assert!(source.get(e.at..e.at + e.len).is_some(), "{e:?} lies outside the text");
            }
            return;
        }
    };
    let printed = expr.to_string();
    if printed.len() <= source.len() {
        assert_eq!(Expr::parse(&printed, context).as_ref(), Ok(&expr), "`{printed}` is read otherwise");
    }
    assert!(exclusive(&expr, &Expr::Not(expr.clone().into())), "`{printed}` and its opposite");
    if expr.has_templates() {
        return;
    }
    // `changed` is taken away before anything is folded: it is a trigger, not a question.
    let (_, Some(expr)) = split_changed(&expr) else { return };
    let clock = Timestamp::from_epoch_secs(i64::from(first) * 100_003).civil(0);
    let traits = traits();
    let look = |look: &Look| answer(first, look);
    let residual = fold(&expr, &Facts);
    let rest = fold_traits(&residual, HOST, &traits, &clock);
    let outcome = eval(&rest, &look);
    let other_way = fold_traits(&fold(&fold_traits(&expr, HOST, &traits, &clock), &Facts), HOST, &traits, &clock);
    assert_eq!(kind(&eval(&other_way, &look)), kind(&outcome), "`{printed}` folds two ways");
    let known = looks(&rest);
    let asked = std::cell::RefCell::new(Vec::new());
    eval(&rest, &|l| {
        asked.borrow_mut().push(l.clone());
        look(l)
    });
    assert!(asked.into_inner().iter().all(|l| known.contains(l)), "`{printed}` asks for more than it said");
    if let Ok(text) = residual.bundle_text() {
        assert_eq!(Expr::parse(&text, Context::Bundle).as_ref(), Ok(&residual), "`{text}` is read otherwise");
    }
}

const HOST: &str = "web-03.prod.acme.com";

/// What a server might know.
struct Facts;

impl ServerFacts for Facts {
    fn environment(&self) -> Option<&str> {
        Some("production")
    }

    fn has_role(&self, name: &str) -> bool {
        name == "webserver"
    }

    fn configcrate(&self, name: &str) -> Expr {
        if name == "nginx" { Expr::True } else { Expr::False }
    }

    fn var(&self, path: &str) -> Option<Value> {
        match path {
            "tls" => Some(true.into()),
            "port" => Some(Value::Int(8080)),
            "app.tag" => Some("v2".into()),
            "none" => Some(Value::Null),
            _ => None,
        }
    }
}

fn traits() -> TraitSet {
    let map = |entries: Vec<(&'static str, Value)>| Value::map(entries);
    let os = map(vec![("family", "debian".into()), ("distro", "ubuntu".into()), ("version", "22.04".into())]);
    let hardware = map(vec![("memory_mb", Value::Int(4096)), ("cpu_count", Value::Null)]);
    let ports = map(vec![("listening", Value::list([Value::Int(22)]))]);
    let custom = map(vec![("rack", map(vec![("row", Value::Int(7))]))]);
    let all = map(vec![("os", os), ("hardware", hardware), ("ports", ports), ("custom", custom)]);
    TraitSet::from_value(all).unwrap_or_default()
}

/// Answers a look by its text: yes, no, or not to be had.
fn answer(seed: u8, look: &Look) -> Tri {
    let sum = look.to_string().bytes().fold(u32::from(seed), |sum, b| sum.wrapping_mul(31) ^ u32::from(b));
    match sum % 3 {
        0 => Tri::True,
        1 => Tri::False,
        _ => Tri::unknown("not to be had"),
    }
}

/// An outcome without its reason, which may be any of several.
fn kind(tri: &Tri) -> u8 {
    match tri {
        Tri::True => 0,
        Tri::False => 1,
        Tri::Unknown(_) => 2,
    }
}
