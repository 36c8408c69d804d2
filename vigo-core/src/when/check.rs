//! What an expression may say where it stands, and what its arguments may be.

use super::builtin::{Decide, Param, ParamKind, Side};
use super::error::{WhenError, WhenErrorKind};
use super::expr::{Arg, Call, Expr, Place};
use super::parser::Context;
use super::{version, words};
use crate::diagnostic::nearest;
use crate::glob::{self, Glob};
use crate::traits;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Checks what may stand in `context`.
pub(super) fn place(expr: &Expr, context: Context, errors: &mut Vec<WhenError>) {
    let top = match expr {
        Expr::And(all) => all,
        other => core::slice::from_ref(other),
    };
    for operand in top {
        match operand {
            // The one place where `changed` has a meaning: beside other conditions.
            Expr::Call(call) if context == Context::Resource && matches!(call.builtin.decide, Decide::Trigger) => {}
            other => other.each_call(&mut |call| {
                errors.extend(misplaced(call, context).map(|e| e.of_kind(WhenErrorKind::Place)))
            }),
        }
    }
}

fn misplaced(call: &Call, context: Context) -> Option<WhenError> {
    let name = call.builtin.name;
    let trigger = matches!(call.builtin.decide, Decide::Trigger);
    match context {
        Context::Resource if trigger => Some(
            call.place
                .error("`changed` cannot stand under `!` or `||`")
                .help("join it to other conditions by `&&`, as in changed && hour_range(2, 5)"),
        ),
        Context::Gate | Context::Arm if trigger => Some(
            call.place
                .error("`changed` cannot stand in a crate's `when:` or in an arm")
                .help("write it in the `when:` of a resource"),
        ),
        Context::RoleArm if !matches!(call.builtin.side(), Side::Name | Side::Traits) && name != "environment" => Some(
            call.place
                .error(format!("`{name}` cannot stand in an arm of a role"))
                .help("use `environment`, `hostname_match` or a trait, or put the condition into the crate's `when:`"),
        ),
        Context::Bundle if call.builtin.side() == Side::Server => {
            Some(call.place.error(format!("`{name}` is decided by the server and cannot stand in a bundle")))
        }
        _ => None,
    }
}

/// Checks the arguments of every builtin in it.
pub(super) fn args(expr: &Expr, errors: &mut Vec<WhenError>) {
    expr.each_call(&mut |c| call(c, errors));
}

/// Checks number, kind and value of a builtin's arguments, but for those that hold a template.
pub(super) fn call(call: &Call, errors: &mut Vec<WhenError>) {
    let mut found = Vec::new();
    arguments(call, &mut found);
    errors.extend(found.into_iter().map(|e| e.of_kind(WhenErrorKind::Argument)));
}

fn arguments(call: &Call, errors: &mut Vec<WhenError>) {
    let params = call.builtin.params;
    if params.len() != call.args.len() {
        let wanted = match params {
            [] => String::from("no arguments"),
            [one] => format!("1 argument ({})", one.name),
            [first, rest @ ..] => {
                let names = rest.iter().fold(String::from(first.name), |names, p| names + ", " + p.name);
                format!("{} arguments ({names})", params.len())
            }
        };
        let message = format!("`{}` takes {wanted}, found {}", call.builtin.name, call.args.len());
        errors.push(call.place.error(message).help(format!("as in {}", call.builtin.example)));
        return;
    }
    let before = errors.len();
    for (param, arg) in params.iter().zip(&call.args) {
        if !arg.has_template() {
            errors.extend(value(param, arg).err());
        }
    }
    if errors.len() == before
        && !call.has_templates()
        && let Some(message) = call.builtin.also.and_then(|also| also(call))
    {
        errors.push(call.place.error(message));
    }
}

fn value(param: &Param, arg: &Arg) -> Result<(), WhenError> {
    let text = arg.text();
    let text = &*text;
    let at = arg.place;
    let wrong = |expected: &str| at.error(format!("expected {expected}, found `{}`", shown(text)));
    match param.kind {
        ParamKind::Int(least, most) => match arg.int() {
            Some(n) if (least..=most).contains(&n) => Ok(()),
            _ if most == i64::MAX => Err(wrong(&format!("a whole number from {least}"))),
            _ => Err(wrong(&format!("a whole number from {least} to {most}"))),
        },
        ParamKind::Text => Ok(()),
        ParamKind::Name if text.trim().is_empty() => Err(at.error("expected a name, found nothing")),
        ParamKind::Name if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') => {
            Err(wrong("no control characters"))
        }
        ParamKind::Name => Ok(()),
        ParamKind::Program if is_absolute(text) && !has_control(text) => Ok(()),
        ParamKind::Program if text.is_empty() || has_control(text) || text.contains(['/', '\\', ' ']) => {
            Err(wrong("the name of a program or its absolute path")
                .help("for a command line with arguments use command_succeeds('…')"))
        }
        ParamKind::Program => Ok(()),
        ParamKind::Path if is_absolute(text) && !has_control(text) => Ok(()),
        ParamKind::Path => Err(wrong("an absolute path")),
        ParamKind::TraitPath => {
            traits::check_path(text).map_err(|error| WhenError { help: error.help, ..at.error(error.message) })
        }
        ParamKind::Variable if is_variable(text) => Ok(()),
        ParamKind::Variable => {
            Err(wrong("the name of a variable").help("write it without `.Vars.`, as in var('app.tag')"))
        }
        ParamKind::Glob => match Glob::parse(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(inside(at, text, error.at, error.len, error.message).help(glob::HELP)),
        },
        ParamKind::Family if words::family_bits(text).is_some() => Ok(()),
        ParamKind::Family => {
            let error = at.error(format!("unknown OS family `{}`", shown(text)));
            let families = words::FAMILIES.into_iter().chain(words::UNIONS);
            Err(match words::family_of(text) {
                Some(_) => error.help(format!("that is a distribution: write distro('{text}')")),
                None => error.help(format!("expected one of {}", list(families.clone()))).did_you_mean(text, families),
            })
        }
        ParamKind::Distro => distro(at, text),
        ParamKind::Arch if words::arch_of(text).is_some() => Ok(()),
        ParamKind::Arch => {
            let known = words::ARCHES.into_iter().map(|(alias, _)| alias);
            let main = words::ARCHES.into_iter().filter(|(alias, arch)| alias == arch).map(|(_, arch)| arch);
            Err(at
                .error(format!("unknown architecture `{}`", shown(text)))
                .help(format!("expected one of {}", list(main)))
                .did_you_mean(text, known))
        }
        ParamKind::Version if version::is_dotted(text) => Ok(()),
        ParamKind::Version => Err(wrong("dotted numbers, as in '22.04'")),
        ParamKind::Day if words::day_of(text).is_some() => Ok(()),
        ParamKind::Day => {
            let days = words::DAYS.into_iter();
            Err(wrong("a day of the week")
                .help(format!("expected one of {}", list(days.clone().map(|(_, short)| short))))
                .did_you_mean(text, days.map(|(long, _)| long)))
        }
    }
}

/// Distributions are an open set; only what is close to a known one, or another kind of word, is a mistake.
fn distro(at: Place, text: &str) -> Result<(), WhenError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if words::family_of(text).is_some() {
        Ok(())
    } else if words::family_bits(text).is_some() {
        let error = at.error(format!("`{text}` is an OS family, not a distribution"));
        Err(error.help(format!("write os_family('{}')", text.to_ascii_lowercase())))
    } else if text.is_empty() || !text.chars().all(fine) {
        Err(at.error(format!("expected the id of a distribution, found `{}`", shown(text))))
    } else {
        // Two or three letters are near to everything, and a first letter is seldom mistyped.
        let word = text.to_ascii_lowercase();
        let alike = words::DISTROS.into_iter().map(|(id, _)| id).filter(|id| id.get(..1) == word.get(..1));
        match nearest(&word, alike) {
            Some(id) if word.len() > 3 => Err(at.error(format!("unknown distribution `{text}`")).help(format!(
                "did you mean `{id}`? another distribution of nearly that name is trait_is('os.distro', '{text}')"
            ))),
            _ => Ok(()),
        }
    }
}

/// Returns an error about a stretch of a string's content. A doubled quote moves what is behind it; then it is the
/// whole string that is pointed at.
fn inside(place: Place, text: &str, at: usize, len: usize, message: String) -> WhenError {
    if place.len as usize == text.len() + 2 {
        WhenError::new(place.at as usize + 1 + at, len, message)
    } else {
        place.error(message)
    }
}

fn is_absolute(text: &str) -> bool {
    let mut bytes = text.bytes();
    match (bytes.next(), bytes.next(), bytes.next()) {
        (Some(b'/'), _, _) | (Some(b'\\'), Some(b'\\'), Some(_)) => true,
        (Some(drive), Some(b':'), Some(b'\\' | b'/')) => drive.is_ascii_alphabetic(),
        _ => false,
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn is_variable(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut steps = text.split('.');
    let first = steps.next().unwrap_or("");
    first.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && first.chars().all(word)
        && steps.all(|s| !s.is_empty() && !has_control(s))
}

/// Returns the beginning of a text for a message.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for word in words {
        if !all.is_empty() {
            all.push_str(", ");
        }
        all.push_str(word);
    }
    all
}
