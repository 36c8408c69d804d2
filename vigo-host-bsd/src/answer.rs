//! Answers of programs and reads, and words of rc.conf(5).

use alloc::format;
use alloc::string::{String, ToString};
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs, Ran};
use vigo_core::resource::service::Service;

/// Returns a call that changes something.
pub(crate) fn change(program: &str, args: &[&str]) -> Op {
    Op::Run(Command::change(program, args.iter().copied()).timeout(Service::COMMAND_TIMEOUT))
}

/// Returns a call that only looks.
pub(crate) fn look(program: &str, args: &[&str]) -> Op {
    Op::Run(Command::read(program, args.iter().copied()))
}

/// Returns how the program ended that `op` ran; `None` when it was not asked.
///
/// # Errors
/// A fragment, when it did not run, was ended by a signal, or said more than was kept.
pub(crate) fn ran<'a>(outputs: &'a Outputs, op: &Op) -> Option<Result<(&'a Ran, i32), String>> {
    Some(match outputs.get(op)? {
        OpOutput::Ran(ran) if ran.truncated => Err(format!("`{op}`: its output was cut")),
        OpOutput::Ran(ran) => ran.code().map(|code| (ran, code)).ok_or_else(|| format!("`{op}`: {}", ran.exit)),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        other => Err(format!("expected an answer of `{op}`, found {other:?}")),
    })
}

/// Returns a file's content as text; empty when there is none. `None` when it was not asked.
///
/// # Errors
/// A fragment, when it could not be read.
pub(crate) fn text(outputs: &Outputs, path: &AbsPath) -> Option<Result<String, String>> {
    Some(match outputs.path(path)? {
        OpOutput::File { content, .. } => Ok(String::from_utf8_lossy(content).into_owned()),
        OpOutput::Missing => Ok(String::new()),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        other => Err(format!("expected a file at `{path}`, found {other:?}")),
    })
}

/// Returns what a program said, for a message: its first line on standard error, or on standard output.
pub(crate) fn said(ran: &Ran) -> String {
    let (err, out) = (ran.err(), ran.out());
    let line = |text: &str| text.lines().map(str::trim).find(|l| !l.is_empty()).map(ToString::to_string);
    line(&err).or_else(|| line(&out)).unwrap_or_else(|| ran.exit.to_string())
}

/// Returns whether a word of rc.conf(5) means yes; `None` for a word that means neither.
pub(crate) fn truth(word: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|w| word.eq_ignore_ascii_case(w));
    match () {
        () if is(&["YES", "TRUE", "ON", "1"]) => Some(true),
        () if is(&["NO", "FALSE", "OFF", "0", "NONE", ""]) => Some(false),
        () => None,
    }
}

/// A variable that a script names in answer to `rcvar`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Reads the answer to `rcvar`: `name="VALUE"` or `$name=VALUE`, maybe among other lines. Of several variables the first
/// that ends in `_enable` counts, else the first.
pub(crate) fn rcvar(out: &str) -> Option<Variable> {
    let variables = out.lines().filter_map(|line| {
        let (name, value) = line.trim().trim_start_matches('$').split_once('=')?;
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let value = value.trim().trim_matches(['"', '\'']);
        plain.then(|| Variable { name: name.into(), value: value.into() })
    });
    let mut first = None;
    for variable in variables {
        if variable.name.ends_with("_enable") {
            return Some(variable);
        }
        first.get_or_insert(variable);
    }
    first
}

/// Returns whether a start script offers `reload`: the word stands in its `extra_commands`, or it defines how.
pub(crate) fn offers_reload(script: &str) -> bool {
    script.lines().map(str::trim).filter(|line| !line.starts_with('#')).any(|line| match line.split_once('=') {
        Some(("extra_commands", words)) => {
            words.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == "reload")
        }
        Some(("reload_cmd", _)) => true,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_truth_word_counts_in_any_case() {
        for (word, expected) in [
            ("YES", Some(true)),
            ("yes", Some(true)),
            ("True", Some(true)),
            ("on", Some(true)),
            ("1", Some(true)),
            ("NO", Some(false)),
            ("none", Some(false)),
            ("", Some(false)),
            ("maybe", None),
        ] {
            assert_eq!(truth(word), expected, "{word}");
        }
    }

    #[test]
    fn the_variable_is_the_one_that_rcvar_prints() {
        let cases = [
            ("# mysql-server\n#\nmysql_enable=\"YES\"\n#   (default: \"\")\n", Some(("mysql_enable", "YES"))),
            ("# food\n$food=NO\n", Some(("food", "NO"))),
            ("a_flags=\"\"\na_enable='on'\n", Some(("a_enable", "on"))),
            ("# nothing\n", None),
            ("two words=1\n", None),
            ("", None),
        ];
        for (out, expected) in cases {
            let seen = rcvar(out);
            assert_eq!(seen.as_ref().map(|v| (&*v.name, &*v.value)), expected, "{out}");
        }
    }

    #[test]
    fn reload_is_offered_or_not() {
        assert!(offers_reload("extra_commands=\"reload configtest\"\n"));
        assert!(offers_reload("\treload_cmd=\"x\"\n"));
        assert!(!offers_reload("extra_commands=\"reloads\"\n# extra_commands=\"reload\"\n"));
    }
}
