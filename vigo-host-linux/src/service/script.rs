//! What start scripts of OpenRC and System V have in common.

use alloc::string::String;
use vigo_core::action::{AbsPath, OpOutput, Outputs, Ran};
use vigo_core::resource::service::RunState;

/// Returns where the script is.
pub(super) fn script(name: &str) -> AbsPath {
    AbsPath::known("/etc/init.d").join(name)
}

/// Returns the script's text; `Ok(None)` when there is none, `None` when it was not read.
pub(super) fn script_text(name: &str, outputs: &Outputs) -> Option<Result<Option<String>, String>> {
    Some(match outputs.path(&script(name))? {
        OpOutput::File { content, .. } => Ok(Some(String::from_utf8_lossy(content).into_owned())),
        OpOutput::Missing => Ok(None),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        _ => Err(alloc::format!("expected a script at `{}`", script(name))),
    })
}

/// Returns the first line of a program's output.
pub(super) fn first_line(out: &str) -> &str {
    out.lines().next().unwrap_or_default().trim()
}

/// Returns the run state of a `status` exit code (LSB, "Init Script Actions").
pub(super) fn lsb_state(ran: &Ran) -> Option<RunState> {
    match ran.code()? {
        0 => Some(RunState::Running),
        // Dead, and a pid or lock file is left.
        1 | 2 => Some(RunState::Failed),
        3 => Some(RunState::Stopped),
        _ => None,
    }
}

/// Returns whether the script offers `reload`: as a function or extra command of openrc-run(8), or in a `case`.
pub(super) fn offers_reload(text: &str) -> bool {
    text.lines().map(str::trim).filter(|line| !line.starts_with('#')).any(|line| {
        let words = |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|w| w == "reload");
        match line.split_once('=') {
            Some(("extra_commands" | "extra_started_commands", value)) => words(value),
            _ => {
                line.starts_with("reload()")
                    || line.split_once(')').is_some_and(|(labels, _)| {
                        labels.split('|').any(|label| label.trim().trim_matches(['"', '\'', '(']) == "reload")
                    })
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reload_is_offered_or_not() {
        let cases = [
            ("openrc", "extra_started_commands=\"checkconfig reload\"\n", true),
            ("a function", "reload() {\n", true),
            ("a case", "case $1 in\n  reload)\n", true),
            ("one of several", "  restart|reload|force-reload)\n", true),
            ("another word", "  force-reload)\nextra_commands=\"reloads\"\n", false),
            ("a comment", "# reload)\n", false),
            ("a usage", "echo \"Usage: x {start|stop|reload}\"\n", false),
        ];
        for (name, text, expected) in cases {
            assert_eq!(offers_reload(text), expected, "{name}");
        }
    }
}
