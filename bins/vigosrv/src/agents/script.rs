//! The scripts that make a machine an envoy.

use super::Agent;

/// What the script is told.
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    /// `host:port` of HTTPS.
    pub https: &'a str,
    /// The pin of the key that HTTPS serves.
    pub https_pin: &'a str,
    /// Where agents find the fleet's servers.
    pub servers: &'a [String],
    /// The root's public half.
    pub root_key: &'a str,
    /// SHA-256 of the authority's certificate.
    pub ca_sha256: &'a str,
    /// The programs that there are.
    pub agents: &'a [Agent],
}

/// A language that a script is written in.
struct Language {
    text: &'static str,
    /// What stands before a line of a program.
    indent: &'static str,
    /// Returns the line of a program: its target, digest and manifest.
    line: fn(&str, &str, &str) -> String,
    /// Returns a text as one word.
    quoted: fn(&str) -> String,
}

const SHELL: Language = Language {
    text: include_str!("bootstrap.sh"),
    indent: "    ",
    line: |target, sha256, manifest| format!("{target}) sha256={sha256} manifest={manifest} ;;"),
    quoted: |text| format!("'{}'", text.replace('\'', "'\\''")),
};

const POWERSHELL: Language = Language {
    text: include_str!("bootstrap.ps1"),
    indent: "        ",
    line: |target, sha256, manifest| format!("'{target}' = '{sha256}', '{manifest}'"),
    quoted: quoted_for_powershell,
};

/// Returns the script for Unix: POSIX, one function that is called on the last line, so that half of it does nothing.
pub fn script(told: Script<'_>) -> String {
    written(&SHELL, told)
}

/// Returns the script for Windows, for PowerShell 5.1 and later; half of it does nothing either.
pub fn script_for_windows(told: Script<'_>) -> String {
    written(&POWERSHELL, told)
}

fn written(language: &Language, told: Script<'_>) -> String {
    let Script { https, https_pin, servers, root_key, ca_sha256, agents } = told;
    let Language { text, indent, line, quoted } = language;
    let mut targets = String::new();
    let mut known = String::new();
    for Agent { manifest, signed } in agents {
        let target = manifest.target.to_string();
        targets += &format!("{indent}{}\n", line(&target, &manifest.digest(), &signed.to_hex()));
        known += &format!("{}{target}", if known.is_empty() { "" } else { ", " });
    }
    let servers: String = servers.iter().map(|server| format!(" --server {}", quoted(server))).collect();
    let values = [
        ("@HTTPS@", quoted(https)),
        ("@PIN@", quoted(https_pin)),
        ("@SERVERS@", servers),
        ("@ROOT_KEY@", quoted(root_key)),
        ("@CA_SHA256@", quoted(ca_sha256)),
        ("@KNOWN@", quoted(if known.is_empty() { "none" } else { &known })),
    ];
    let text = text.replace(&format!("{indent}@TARGETS@\n"), &targets);
    values.iter().fold(text, |text, (name, value)| text.replace(name, value))
}

/// Returns a text as one word of PowerShell, which takes four other signs for the single quotation mark, too.
pub fn quoted_for_powershell(text: &str) -> String {
    let mut word = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            word.push(c);
        }
        word.push(c);
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::bundle::{PROGRAM_MARK, ProgramReader, SigningKey};

    const PIN: &str = "sha256//ljRFFBWX5wiRE3AkeTQGjMj31apyrpRkJDL3lTxcLu8=";

    fn told<'a>(servers: &'a [String], agents: &'a [Agent]) -> Script<'a> {
        Script { https: "vigo.example:8443", https_pin: PIN, servers, root_key: "aa", ca_sha256: "bb", agents }
    }

    fn agent(target: &str) -> Agent {
        let mut reader = ProgramReader::default();
        reader.feed(format!("{PROGRAM_MARK}1.2.3\n").as_bytes()).unwrap();
        let manifest = reader.finish(Some(target.parse().unwrap())).unwrap();
        Agent { signed: manifest.sign(&SigningKey::from_bytes(&[9; 32])), manifest }
    }

    #[test]
    fn both_scripts_pin_the_servers_key_and_know_each_programs_digest() {
        let (servers, agents) = (["a.example:1530".into(), "[::1]:1530".into()], [agent("windows-x86_64")]);
        let (digest, manifest) = (agents[0].manifest.digest(), agents[0].signed.to_hex());
        let pin = format!("pin = '{PIN}'");
        for text in
            [script(told(&servers, &agents)).replace("pin='", "pin = '"), script_for_windows(told(&servers, &agents))]
        {
            let parts = ["--pinnedpubkey", &pin, "'vigo.example:8443'", "--server '[::1]:1530'", &digest, &manifest];
            for part in parts {
                assert!(text.contains(part), "{part}: {text}");
            }
            let names = ["@HTTPS@", "@PIN@", "@SERVERS@", "@ROOT_KEY@", "@CA_SHA256@", "@KNOWN@", "@TARGETS@"];
            assert_eq!(names.iter().find(|name| text.contains(**name)), None);
        }
    }

    #[test]
    fn half_of_the_script_for_windows_does_nothing() {
        let text = script_for_windows(told(&[], &[]));
        let (function, call) = text.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(call, "Invoke-VigoBootstrap @args");
        // All the rest is one function, and remarks.
        let outside = function.lines().filter(|line| !line.is_empty() && !line.starts_with([' ', '#']));
        assert_eq!(outside.collect::<Vec<_>>(), ["function Invoke-VigoBootstrap {", "}"]);
        assert!(text.is_ascii(), "it goes through the code page of a console");
    }

    #[test]
    fn no_value_ends_its_word_in_powershell() {
        for (text, word) in [
            ("a'; rm x; '", "'a''; rm x; '''"),
            ("\u{2019};x\u{201b}", "'\u{2019}\u{2019};x\u{201b}\u{201b}'"),
            ("$(x) `n \"", "'$(x) `n \"'"),
        ] {
            assert_eq!(quoted_for_powershell(text), word);
        }
        let evil = ["x'; Remove-Item C:\\; '".to_owned()];
        let text = script_for_windows(told(&evil, &[]));
        assert!(text.contains("--server 'x''; Remove-Item C:\\; '''"), "{text}");
    }
}
