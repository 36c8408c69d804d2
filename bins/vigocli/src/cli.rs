//! The command line.

use crate::account::Account;
use crate::client::Client;
use crate::error::CliError;
use crate::output::{self, Answer};
use crate::pin::Pin;
use crate::verb::{
    Audit, Auth, Backup, Completions, Config, Envoys, Explain, Keys, Login, Lsp, Man, Runs, Secrets, Server, Tokens,
    Traits, Trusted, Users, logout,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

/// Administers a fleet, on its server's machine or from elsewhere
///
/// Exit status: 0 done, 1 the answer is no (invalid, not found), 2 usage, 3 the server cannot be reached or does not
/// allow it, 4 the server failed.
#[derive(Parser, Debug)]
#[command(name = "vigocli", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb has.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// The server's data directory [default: $VIGO_DATA_DIR, or /srv/vigo]
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<PathBuf>,
    /// The server's socket [default: run/admin.sock in the data directory]
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// A server elsewhere, such as `https://vigo.example:8443` [default: $VIGO_SERVER, or the one of the last login where
    /// there is no socket]
    #[arg(long, value_name = "URL", global = true)]
    server: Option<Https>,
    /// The key of that server, as `server status` shows it there [default: that of the last login]
    #[arg(long, value_name = "PIN", global = true)]
    pub(crate) pin: Option<Pin>,
    /// The file of a token [default: $VIGO_API_TOKEN, or that of the last login]
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// How to print the answer
    #[arg(long, value_enum, default_value = "table", global = true)]
    pub(crate) format: Format,
    /// Print without colours, as with `NO_COLOR` in the environment
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
    /// The same, as YAML
    Yaml,
    /// What `config validate` finds, for tools that read SARIF 2.1.0
    Sarif,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// See who did what
    #[command(subcommand)]
    Audit(Audit),
    /// Make, list and revoke tokens of the API
    #[command(subcommand)]
    Auth(Auth),
    /// Back the server up, and come back from that
    #[command(subcommand)]
    Backup(Backup),
    /// Print what makes a shell complete this command line
    Completions(Completions),
    /// Publish policy, and see what is published
    #[command(subcommand)]
    Config(Config),
    /// See and revoke the machines of the fleet
    #[command(visible_alias = "nodes")]
    Envoys(Envoys),
    Explain(Explain),
    /// See and change the keys of the fleet
    #[command(subcommand)]
    Keys(Keys),
    /// Log in to a server elsewhere; the verbs that follow ask that one
    Login(Login),
    /// Forget the login, here and there
    Logout,
    /// Speak with an editor about a tree, over standard input and output; needs no server
    Lsp(Lsp),
    /// Print a manual page, or write one for each verb
    Man(Man),
    /// See what runs did
    Runs(Runs),
    /// Keep the secrets that policy refers to
    #[command(subcommand)]
    Secrets(Secrets),
    /// See how the server is
    #[command(subcommand)]
    Server(Server),
    /// Admit machines to the fleet
    #[command(subcommand)]
    Tokens(Tokens),
    /// See what machines said of themselves, and find some by it
    #[command(subcommand)]
    Traits(Traits),
    /// Admit machines by their name and network
    #[command(subcommand)]
    Trusted(Trusted),
    /// Say who may ask the server from elsewhere
    #[command(subcommand)]
    Users(Users),
}

impl Verb {
    /// Returns whether the answer can be had as SARIF.
    const fn has_sarif(&self) -> bool {
        matches!(self, Self::Config(Config::Validate(_)))
    }
}

impl Global {
    /// Returns the server's data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        let named = || std::env::var_os("VIGO_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        self.data_dir.clone().or_else(named).unwrap_or_else(|| PathBuf::from("/srv/vigo"))
    }

    /// Returns the way to the server through its socket, where one is there: to look at what it does meanwhile.
    pub(crate) fn beside(&self) -> Option<Client> {
        let socket = self.socket.clone().unwrap_or_else(|| self.data_dir().join("run").join("admin.sock"));
        socket.exists().then(|| Client::socket(socket, None))
    }

    /// Returns the way to the server. What is wrong with it is told when something is asked.
    pub(crate) fn client(&self) -> Client {
        self.way().unwrap_or_else(Client::none)
    }

    fn way(&self) -> Result<Client, CliError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let is_local = self.socket.is_some() || self.data_dir.is_some();
        let named = match (&self.server, variable("VIGO_SERVER").filter(|_| !is_local)) {
            (Some(https), _) => Some(https.clone()),
            (None, Some(text)) => Some(text.parse()?),
            (None, None) => None,
        };
        let socket = self.socket.clone().unwrap_or_else(|| self.data_dir().join("run").join("admin.sock"));
        let data_dir = self.socket.is_none().then(|| self.data_dir());
        if named.is_none() && (is_local || variable("VIGO_DATA_DIR").is_some() || socket.exists()) {
            return Ok(Client::socket(socket, data_dir));
        }
        let account = Account::load()?;
        let Some(https) =
            named.map_or_else(|| account.as_ref().map(|a| a.server.parse()).transpose(), |h| Ok(Some(h)))?
        else {
            return Ok(Client::socket(socket, data_dir));
        };
        let account = account.filter(|account| account.server == https.to_string());
        let unknown =
            || CliError::Usage { why: format!("the key of {https} is not known; log in, or give it with `--pin PIN`") };
        let pin = self.pin.clone().or_else(|| Some(account.as_ref()?.pin.clone())).ok_or_else(unknown)?;
        let token = match &self.token_file {
            Some(path) => {
                let failed = |why| CliError::Account { path: path.clone(), why: vigo_driver::system_text(why) };
                Some(std::fs::read_to_string(path).map_err(failed)?.trim().to_owned())
            }
            None => variable("VIGO_API_TOKEN").or_else(|| account.map(|account| account.token)),
        };
        Ok(Client::https(&https, &pin, token))
    }
}

/// Where a server is that is asked over HTTPS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Https {
    /// Its name or address, without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
}

/// The port of people and programs.
const PORT: u16 = 8443;

impl FromStr for Https {
    type Err = CliError;

    fn from_str(text: &str) -> Result<Self, CliError> {
        let wrong = || CliError::Usage {
            why: format!("expected an address such as `https://vigo.example:8443`, found `{}`", text.escape_debug()),
        };
        let rest = text.strip_prefix("https://").ok_or_else(wrong)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority, PORT),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "https://{host}:{}", self.port)
    }
}

/// Runs a verb and returns the exit status.
pub(crate) fn run(cli: &Cli) -> ExitCode {
    let global = &cli.global;
    let answer: Result<Answer, CliError> = match &cli.verb {
        verb if global.format == Format::Sarif && !verb.has_sarif() => {
            Err(CliError::Usage { why: "`--format sarif` is there for `config validate` only".into() })
        }
        Verb::Audit(verb) => verb.run(&global.client()),
        Verb::Auth(verb) => verb.run(&global.client()),
        Verb::Backup(verb) => verb.run(global),
        Verb::Completions(verb) => verb.run(),
        Verb::Config(verb) => verb.run(global),
        Verb::Envoys(verb) => verb.run(&global.client()),
        Verb::Explain(verb) => verb.run(),
        Verb::Keys(verb) => verb.run(&global.client()),
        Verb::Login(verb) => verb.run(global),
        Verb::Logout => logout(),
        Verb::Lsp(verb) => return verb.run(),
        Verb::Man(verb) => verb.run(),
        Verb::Runs(verb) => verb.run(&global.client()),
        Verb::Secrets(verb) => verb.run(&global.client()),
        Verb::Server(verb) => verb.run(&global.client()),
        Verb::Tokens(verb) => verb.run(&global.client()),
        Verb::Traits(verb) => verb.run(&global.client()),
        Verb::Trusted(verb) => verb.run(&global.client()),
        Verb::Users(verb) => verb.run(&global.client()),
    };
    match answer {
        Ok(answer) => output::print(&answer, global.format, global.no_color),
        Err(error) => output::complain(&error, global.format, global.no_color),
    }
}
