//! The check of a file's new content before it takes its place.

use super::failure::{Answer, failure};
use super::platform::Programs;
use std::path::Path;
use vigo_core::action::{Command, FailureKind, OpOutput, Validate};
use vigo_core::value::Text;

/// Runs the check on the new file at `path`.
pub(super) fn check(programs: &Programs, validate: &Validate, path: &Path, is_secret: bool) -> Answer<()> {
    let Some(path) = path.to_str() else {
        return Err(failure(FailureKind::Other, format!("`{}` is no path that a check can be given", path.display())));
    };
    let mut command = validate.command.clone();
    place(&mut command, path);
    let shown = shown(&validate.command);
    match programs.run(&command) {
        OpOutput::Ran(ran) if ran.success() => Ok(()),
        OpOutput::Ran(ran) => {
            let mut message = format!("the check `{shown}` said no ({})", ran.exit);
            // A check that complains quotes the content.
            if !is_secret && !command.hide_output {
                let text = [ran.err(), ran.out()].into_iter().find(|t| !t.trim().is_empty()).unwrap_or_default();
                let text = text.replace(path, "%");
                let last: Vec<&str> = text.trim().lines().rev().take(5).collect();
                for line in last.iter().rev() {
                    message.push_str(&format!("\n{}", line.chars().take(500).collect::<String>()));
                }
            }
            Err(failure(FailureKind::Invalid, message))
        }
        OpOutput::Failed(why) => {
            Err(failure(why.kind, format!("the check `{}`: {}", validate.command.program, why.message)))
        }
        other => Err(failure(FailureKind::Other, format!("the check answered {other:?}"))),
    }
}

/// Returns a check as the policy has it: a shell's text alone, anything else with its arguments.
fn shown(command: &Command) -> String {
    if is_shell_text(command)
        && let [_, text] = &*command.args
        && text.secret_path().is_none()
    {
        return text.as_str().to_owned();
    }
    let args = command.args.iter().map(|a| format!(" {a:?}"));
    format!("{}{}", command.program, args.collect::<String>())
}

/// Returns whether a shell is handed a text.
fn is_shell_text(command: &Command) -> bool {
    let first = command.args.first().map(Text::as_str);
    match &*command.program {
        "sh" | "/bin/sh" => first == Some("-c"),
        _ => is_cmd(command) && first == Some("/C"),
    }
}

fn is_cmd(command: &Command) -> bool {
    command.program.to_ascii_lowercase().ends_with("cmd.exe")
}

/// Puts the path where the check wants it: for an argument `%`, and within a shell's text.
fn place(command: &mut Command, path: &str) {
    let is_text = is_shell_text(command);
    let quoted = if is_cmd(command) { format!("\"{path}\"") } else { format!("'{}'", path.replace('\'', "'\\''")) };
    for (at, arg) in command.args.iter_mut().enumerate() {
        let replaced = match arg.as_str() {
            "%" => path.to_owned(),
            text if is_text && at == 1 => in_shell(text, &quoted),
            _ => continue,
        };
        *arg = Text::plain(replaced).tainted_by(arg.secret_path());
    }
}

/// Replaces `%` by the path as it is quoted for the shell, and `%%` by a percent sign.
fn in_shell(text: &str, quoted: &str) -> String {
    let mut out = String::with_capacity(text.len() + quoted.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '%' if chars.next_if_eq(&'%').is_some() => out.push('%'),
            '%' => out.push_str(quoted),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_goes_where_the_percent_sign_is() {
        let cases: &[(&str, &str, &[&str], &[&str])] = &[
            ("an argument", "visudo", &["-cf", "%"], &["-cf", "/etc/a b"]),
            ("part of an argument stays", "x", &["--a=%"], &["--a=%"]),
            (
                "a shell's text",
                "/bin/sh",
                &["-c", "nginx -t -c % && echo 1%%"],
                &["-c", "nginx -t -c '/etc/a b' && echo 1%"],
            ),
        ];
        for (name, program, args, expected) in cases {
            let mut command = Command::read(program, args.iter().copied());
            place(&mut command, "/etc/a b");
            let seen: Vec<&str> = command.args.iter().map(Text::as_str).collect();
            assert_eq!(seen, *expected, "{name}");
        }
        for (program, flag, path, expected) in [
            ("/bin/sh", "-c", "/it's", "x '/it'\\''s'"),
            ("C:\\Windows\\System32\\cmd.exe", "/C", "C:\\a b", "x \"C:\\a b\""),
        ] {
            let mut command = Command::read(program, [flag, "x %"]);
            place(&mut command, path);
            assert_eq!(command.args.last().map(Text::as_str), Some(expected), "{program}");
        }
    }
}
