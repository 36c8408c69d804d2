//! Every key with its default and what it is for: what is printed, and what is known.

use std::fmt::Write as _;

pub(super) struct Section {
    pub(super) name: &'static str,
    about: &'static str,
    keys: &'static [Key],
}

struct Key {
    name: &'static str,
    default: &'static str,
    about: &'static str,
}

const fn key(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, default, about }
}

pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "server",
        about: "Where the server listens, and under which names.",
        keys: &[
            key("agent_listen", "':1530'", "For agents, UDP and TCP: `address:port`, or `:port` for all addresses."),
            key("api_listen", "':8443'", "For people and programs, HTTPS."),
            key("hostname", "~", "The name under which agents and people find the server; the machine's where empty."),
            key("advertise", "[]", "Addresses, `host:port`, that agents are told; the hostname's where empty."),
            key("tls_sans", "[]", "More names and addresses for the server's certificate."),
            key(
                "metrics_public",
                "false",
                "Whoever asks gets `/metrics`; else it takes a token that may read the server.",
            ),
        ],
    },
    Section {
        name: "database",
        about: "What is kept.",
        keys: &[
            key("path", "db/vigo.db", "Its file, relative to the data directory."),
            key("history_retention", "90d", "How long runs are kept; the last of each envoy stays."),
            key("litestream", "false", "Litestream replicates it, and writes its log back: see the page on recovery."),
        ],
    },
    Section {
        name: "checkin",
        about: "What agents are told of their check-ins.",
        keys: &[
            key("interval", "5m", "Time between two; 1s at least."),
            key("splay", "10%", "What is added to it at most, so that not all come at once: a share of it, or a time."),
            key("observe_only", "false", "All envoys report what they would change, and change nothing."),
            key("bundle_max_age", "0", "How long agents go on without hearing of the server; 0 is for ever."),
            key("hold_idle", "30s", "How long a connection is kept when its work is done."),
            key("hold_below", "15s", "Agents with an interval up to this stay connected."),
        ],
    },
    Section {
        name: "enrollment",
        about: "Who becomes an envoy.",
        keys: &[
            key("trusted", "[]", "Names admitted without a token: `{match: 'web-*', from: 10.0.0.0/8, until: TIME}`."),
            key("token_ttl", "24h", "How long a token is good where nothing else is said."),
            key("on_clone", "alarm", "Where one identity runs on two machines: `alarm`, or `withhold_secrets`."),
        ],
    },
    Section {
        name: "secrets",
        about: "Where secrets are kept.",
        keys: &[
            key("backend", "local", "In a folder of the server's: `local`; with others: `command`, or `http`."),
            key("dir", "secrets", "The folder, relative to the data directory."),
            key("url", "~", "For `http`: a Vault or OpenBao, `https://host:port`; `http://` on this machine only."),
            key("mount", "secret", "For `http`: where its key-value engine, version 2, is mounted."),
            key("token_file", "~", "For `http`: a file of mode 0600 with the token; read anew for each question."),
            key("ca_file", "~", "For `http`: certificates that are believed, PEM; the system's where empty."),
            key("command", "[]", "For `command`: a program and its arguments; it reads a path and prints the value."),
            key("poll_interval", "1m", "For `http` and `command`: time between two looks for new values; 1s at least."),
        ],
    },
    Section {
        name: "notify",
        about: "Who is told when somebody has to look.",
        keys: &[
            key(
                "webhook",
                "{url: ~, events: []}",
                "An address that JSON is posted to, and of what; of everything where `events` is empty.",
            ),
            key("command", "[]", "A program and its arguments; it reads the same JSON on its standard input."),
        ],
    },
    Section {
        name: "backup",
        about: "Backups that the server makes by itself.",
        keys: &[
            key(
                "schedule",
                "~",
                "When: `'30 3 * * *'` as in crontab, `@daily`; by the machine's clock. None where empty.",
            ),
            key("directory", "~", "Where they go: a folder that is there, on another disk than the server's data."),
            key("keep", "7", "How many good ones stay."),
            key("encrypt_to", "[]", "Who can read them: `age1…`, as `age-keygen -y` prints it; everybody where empty."),
            key("without_blobs", "false", "Leave out the agent's programs."),
        ],
    },
    Section {
        name: "limits",
        about: "How much of the server agents get.",
        keys: &[
            key("held_connections", "10000", "Agents that stay connected, at the most; some 50 kB of memory each."),
            key(
                "connections_per_second",
                "2000",
                "Connections that are taken; what is more is refused, and tries again.",
            ),
            key("connections_burst", "4000", "So many at once, after a rest."),
            key(
                "check_ins_per_second",
                "1000",
                "With more than these, agents are told to come later; held ones count a tenth.",
            ),
            key("check_ins_burst", "10000", "So many at once, after a rest."),
        ],
    },
];

impl Section {
    /// Returns the names of its keys.
    pub(super) fn known(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

/// Returns a `server.yaml` that says what goes without saying, with comments.
pub fn annotated() -> String {
    let mut text = String::new();
    for (at, section) in SECTIONS.iter().enumerate() {
        let gap = if at == 0 { "" } else { "\n" };
        // A `String` takes all that is written to it.
        let _ = writeln!(text, "{gap}# {}\n{}:", section.about, section.name);
        for key in section.keys {
            let _ = writeln!(text, "  # {}\n  {}: {}", key.about, key.name, key.default);
        }
    }
    text
}
