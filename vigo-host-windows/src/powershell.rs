//! powershell.exe: its command lines, quoted.

use alloc::format;
use alloc::string::String;
use vigo_core::action::Command;
use vigo_core::base64;
use vigo_core::value::Text;

const POWERSHELL: &str = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";

/// What comes before every script: an error ends it, with exit code 1.
const STRICT: &str = "$ErrorActionPreference='Stop'; ";

/// In a script: the text that was handed over by [`secret`]. Its letters are the same in every code page.
pub(crate) const SECRET: &str =
    "[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String([Console]::In.ReadLine()))";

/// Returns a read by a script.
pub(crate) fn read(script: &str) -> Command {
    Command::read(POWERSHELL, arguments(script)).output_bytes_max(4 << 20)
}

/// Returns a change by a script.
pub(crate) fn change(script: &str) -> Command {
    Command::change(POWERSHELL, arguments(script))
}

fn arguments(script: &str) -> [String; 6] {
    let script = format!("{STRICT}{script}");
    ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command", &script].map(String::from)
}

/// Returns a text as a script finds it on its standard input.
pub(crate) fn secret(text: &Text) -> Text {
    Text::plain(format!("{}\n", base64::encode(text.as_str()))).tainted_by(text.secret_path())
}

/// Returns the text that a script printed in Base64, which is the same in every code page; what is not UTF-8 in it is
/// replaced. `None` when it is no Base64.
pub(crate) fn printed(letters: &str) -> Option<String> {
    Some(String::from_utf8_lossy(&base64::decode(letters)?).into_owned())
}

/// Returns a text as a literal of the language. It takes four other signs for the single quotation mark, too.
pub(crate) fn quoted(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            literal.push(c);
        }
        literal.push(c);
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_literal() {
        for (text, literal) in [
            ("bob", "'bob'"),
            ("'; rm x; '", "'''; rm x; '''"),
            ("a\u{2019}b\u{201b}", "'a\u{2019}\u{2019}b\u{201b}\u{201b}'"),
            ("$x `n \"", "'$x `n \"'"),
        ] {
            assert_eq!(quoted(text), literal);
        }
    }

    #[test]
    fn a_text_is_read_as_a_script_prints_it() {
        for (letters, text) in [("", Some("")), ("w6kK", Some("é\n")), ("/2E=", Some("\u{fffd}a")), ("w6k", None)] {
            assert_eq!(printed(letters).as_deref(), text, "{letters}");
        }
    }

    #[test]
    fn a_secret_stands_on_standard_input_and_nowhere_else() {
        let text = secret(&Text::secret("pässwörd", "people/bob"));
        assert_eq!((text.as_str(), text.secret_path().map(|p| &**p)), ("cMOkc3N3w7ZyZA==\n", Some("people/bob")));
    }
}
