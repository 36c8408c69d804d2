//! Secrets by a program: it is told the path on its standard input, and prints the value.

use super::source::NotHad;
use crate::program;
use std::time::Duration;
use vigo_core::limits::SECRET_BYTES_MAX;
use vigo_core::secret::SecretValue;
use zeroize::Zeroize as _;

/// How long the program may take for one secret.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// Runs the program for the secret at `path`. Its arguments are the operator's; the path is on its standard input, and what
/// it prints is the value, without the line's end. What it says on its standard error goes nowhere: it might be a value.
pub(super) fn fetch(argv: &[String], path: &str, deadline: Duration) -> Result<SecretValue, NotHad> {
    let down = |why: String| NotHad::Down(why);
    let program = argv.first().ok_or_else(|| down("`secrets.command` names no program".into()))?;
    let input = format!("{path}\n").into_bytes();
    let ended = program::run(argv, input, SECRET_BYTES_MAX + 2, deadline).map_err(down)?;
    // One that prints on meets a closed pipe.
    let is_cut = ended.printed.len() > SECRET_BYTES_MAX + 1;
    let value = value_of(ended.printed).map_err(|why| NotHad::Refused(format!("`{program}` {why}")));
    match ended.status {
        None => Err(down(format!("`{program}` has not ended within {} s", deadline.as_secs()))),
        Some(status) if !status.success() && !is_cut => Err(NotHad::Refused(format!("`{program}` ends with {status}"))),
        Some(_) => value,
    }
}

/// Returns what was printed as a value.
fn value_of(bytes: Vec<u8>) -> Result<SecretValue, String> {
    let mut text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            error.into_bytes().zeroize();
            return Err("prints what is not UTF-8".into());
        }
    };
    if text.ends_with('\n') {
        text.pop();
    }
    let value = SecretValue::new(text);
    match value.reveal().len() {
        0 => Err("prints nothing".into()),
        len if len > SECRET_BYTES_MAX => Err(format!("prints more than {SECRET_BYTES_MAX} bytes")),
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Result<String, NotHad> {
        let argv = ["/bin/sh", "-c", script, "name", "first"].map(String::from);
        fetch(&argv, "app/db", Duration::from_secs(20)).map(|value| value.reveal().to_owned())
    }

    #[test]
    fn the_path_is_on_standard_input_and_what_is_printed_is_the_value() {
        let cases = [
            ("the path", "read path; echo \"value of $path\"", "value of app/db"),
            ("several lines", "printf 'a\\nb\\n\\n'", "a\nb\n"),
            ("nobody reads", "echo v", "v"),
            ("arguments", "echo \"$# $0 $1\"", "1 name first"),
            ("what is left behind", "sleep 60 & echo v", "v"),
        ];
        for (name, script, expected) in cases {
            assert_eq!(sh(script).as_deref(), Ok(expected), "{name}");
        }
        let environment = sh("env").unwrap();
        let own = ["PATH=", "LC_ALL=C", "PWD=", "SHLVL=", "OLDPWD=", "_="];
        assert!(environment.lines().all(|line| own.iter().any(|own| line.starts_with(own))), "{environment}");
    }

    #[test]
    fn no_error_shows_what_was_printed() {
        let cases = [
            ("it fails", "echo hunter2; echo hunter2 >&2; exit 3", false, "ends with exit status: 3"),
            ("a signal", "echo hunter2; kill -9 $$", false, "ends with signal: 9"),
            ("nothing", "", false, "prints nothing"),
            ("too much", "head -c 70000 /dev/zero | tr '\\0' a", false, "prints more than 65536 bytes"),
            ("no text", "printf 'hunter2\\377'", false, "not UTF-8"),
        ];
        for (name, script, is_down, expected) in cases {
            let why = sh(script).unwrap_err();
            let shown = format!("{why:?}");
            assert!(shown.contains(expected) && !shown.contains("hunter2"), "{name}: {shown}");
            assert_eq!(matches!(why, NotHad::Down(_)), is_down, "{name}");
        }
    }

    #[test]
    fn one_that_does_not_end_or_start_is_down() {
        let argv = ["/bin/sh", "-c", "sleep 600"].map(String::from);
        let why = fetch(&argv, "a", Duration::from_millis(200)).unwrap_err();
        assert!(matches!(&why, NotHad::Down(why) if why.contains("has not ended")), "{why:?}");
        let why = fetch(&["/nonexistent/program".into()], "a", DEADLINE).unwrap_err();
        assert!(matches!(&why, NotHad::Down(why) if why.contains("cannot start")), "{why:?}");
        assert!(matches!(fetch(&[], "a", DEADLINE), Err(NotHad::Down(_))));
    }
}
