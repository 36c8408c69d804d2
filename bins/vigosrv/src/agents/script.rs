//! The script that makes a machine an envoy.

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

const TEXT: &str = include_str!("bootstrap.sh");

/// Returns the script: POSIX, one function that is called on the last line, so that half of it does nothing.
pub fn script(told: Script<'_>) -> String {
    let Script { https, https_pin, servers, root_key, ca_sha256, agents } = told;
    let mut targets = String::new();
    let mut known = String::new();
    for Agent { manifest, signed } in agents {
        let (target, sha256, signed) = (&manifest.target, manifest.digest(), signed.to_hex());
        targets += &format!("    {target}) sha256={sha256} manifest={signed} ;;\n");
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
        ("    @TARGETS@\n", targets),
    ];
    values.iter().fold(TEXT.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// Returns a text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
