//! Putting the values of templates into an expression: as data, never as syntax.

use super::check;
use super::error::WhenError;
use super::expr::{Arg, ArgValue, Call, Expr, Part, Place, Template};
use crate::limits::WHEN_BYTES_MAX;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Renders the source of one template, with its braces.
type Hook<'h> = dyn FnMut(&str) -> Result<Value, String> + 'h;

impl Expr {
    /// Puts in what the templates yield: text inside a string, a whole number as an argument, `true` or `false` as an
    /// operand. None is left after; arguments that held one are checked now.
    ///
    /// # Errors
    /// Every template that fails or yields something else, a secret among it, and every argument that is wrong by it.
    pub fn render(&self, hook: &mut Hook<'_>) -> Result<Expr, Vec<WhenError>> {
        let mut errors = Vec::new();
        let rendered = whole(self, hook, &mut errors);
        if errors.is_empty() { Ok(rendered) } else { Err(errors) }
    }
}

fn whole(expr: &Expr, hook: &mut Hook<'_>, errors: &mut Vec<WhenError>) -> Expr {
    match expr {
        Expr::Template(template) => operand(template, hook).unwrap_or_else(|error| {
            errors.push(error);
            Expr::False
        }),
        Expr::Call(call) if call.has_templates() => {
            let mut args = Vec::with_capacity(call.args.len());
            let before = errors.len();
            for arg in &call.args {
                match value(arg, hook) {
                    Ok(value) => args.push(Arg { value, place: arg.place }),
                    Err(error) => errors.push(error),
                }
            }
            let call = Call { builtin: call.builtin, args, place: call.place };
            if errors.len() == before {
                check::call(&call, errors);
            }
            Expr::Call(Arc::new(call))
        }
        Expr::Not(inner) => Expr::Not(Arc::new(whole(inner, hook, errors))),
        Expr::And(all) => Expr::And(all.iter().map(|e| whole(e, hook, errors)).collect()),
        Expr::Or(all) => Expr::Or(all.iter().map(|e| whole(e, hook, errors)).collect()),
        other => other.clone(),
    }
}

fn yielded(template: &Template, hook: &mut Hook<'_>) -> Result<Value, WhenError> {
    let value = hook(&template.source).map_err(|message| template.place.error(message))?;
    match value.secret_path() {
        Some(path) => Err(template.place.error(format!("a secret cannot stand in `when:`: `{path}`"))),
        None => Ok(value),
    }
}

fn operand(template: &Template, hook: &mut Hook<'_>) -> Result<Expr, WhenError> {
    let value = yielded(template, hook)?;
    match (&value, value.as_str()) {
        (Value::Bool(b), _) => Ok((*b).into()),
        (_, Some("true")) => Ok(Expr::True),
        (_, Some("false")) => Ok(Expr::False),
        _ => Err(expected("`true` or `false`", &value, template.place)),
    }
}

fn value(arg: &Arg, hook: &mut Hook<'_>) -> Result<ArgValue, WhenError> {
    match &arg.value {
        ArgValue::Template(template) => {
            let value = yielded(template, hook)?;
            match value.as_int().or_else(|| value.as_str()?.parse().ok()) {
                Some(n) => Ok(ArgValue::Int(n)),
                None => Err(expected("a whole number", &value, template.place)
                    .help(format!("for text put the template in quotes: '{}'", template.source))),
            }
        }
        ArgValue::Mixed(parts) => {
            let mut text = String::new();
            for part in parts.iter() {
                match part {
                    Part::Text(literal) => text.push_str(literal),
                    Part::Template(template) => match yielded(template, hook)? {
                        Value::Text(t) => text.push_str(t.as_str()),
                        Value::Int(n) => text.push_str(&n.to_string()),
                        Value::Float(n) => text.push_str(&n.to_string()),
                        Value::Bool(b) => text.push_str(if b { "true" } else { "false" }),
                        other => return Err(expected("text", &other, template.place)),
                    },
                }
            }
            if text.len() > WHEN_BYTES_MAX {
                let seen = text.len();
                return Err(arg.place.error(format!("the text has {seen} bytes, expected at most {WHEN_BYTES_MAX}")));
            }
            Ok(ArgValue::Text(text.into()))
        }
        plain => Ok(plain.clone()),
    }
}

fn expected(what: &str, seen: &Value, place: Place) -> WhenError {
    let shown = match seen {
        Value::Text(t) => format!("`{}`", t.as_str().chars().take(60).collect::<String>().escape_debug()),
        other => format!("{} {}", if matches!(other, Value::Int(_)) { "an" } else { "a" }, other.kind()),
    };
    place.error(format!("expected {what}, the template yields {shown}"))
}
