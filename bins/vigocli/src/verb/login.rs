//! `vigocli login`, `vigocli logout`.

use crate::account::Account;
use crate::cli::{Global, Https};
use crate::client::Client;
use crate::error::CliError;
use crate::input;
use crate::output::{Answer, cell};
use crate::pin::Pin;
use crate::stream::Way;
use clap::Args;
use serde_json::json;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

#[derive(Args, Debug)]
pub(crate) struct Login {
    /// The server, such as `https://vigo.example:8443`
    url: String,
    /// As which user [default: $USER]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl Login {
    /// Asks for the password, and keeps the token that the server answers with. The server's key is known by `--pin`, by
    /// an earlier login, or by a look and a question.
    pub(crate) fn run(&self, global: &Global) -> Result<Answer, CliError> {
        let https: Https = self.url.parse()?;
        let user = self.user.clone().or_else(|| std::env::var("USER").ok().filter(|name| !name.is_empty()));
        let user =
            user.ok_or_else(|| CliError::Usage { why: "`$USER` is not set; name a user with `--user`".into() })?;
        let before = Account::load()?.filter(|account| account.server == https.to_string());
        let pin = match (&global.pin, before) {
            (Some(pin), _) => pin.clone(),
            (None, Some(account)) => account.pin,
            (None, None) => first_use(&https)?,
        };
        let password = input::password(&user, input::Times::Once)?;
        let client = Client::https(&https, &pin, None);
        let answer = client.post("/login", &json!({ "name": user, "password": password.reveal() }))?;
        let account = Account {
            server: https.to_string(),
            pin,
            token: answer["token"].as_str().unwrap_or_default().into(),
            name: user.clone(),
            expires_at: cell(&answer, "expires_at"),
        };
        account.save()?;
        let text =
            format!("{user} is logged in to {https} as {}, until {}.\n", cell(&answer, "role"), account.expires_at);
        let json = json!({ "server": account.server, "name": user, "role": answer["role"], "expires_at": answer["expires_at"] });
        Ok(Answer::new(json, text))
    }
}

/// Forgets the login, here and on the server.
pub(crate) fn logout() -> Result<Answer, CliError> {
    let none = || CliError::Usage { why: "nobody is logged in".into() };
    let account = Account::load()?.ok_or_else(none)?;
    let https: Https = account.server.parse()?;
    let revoked = Client::https(&https, &account.pin, Some(account.token)).post("/logout", &json!({}));
    // Here it is forgotten in any case.
    Account::remove()?;
    let revoked = revoked?;
    Ok(Answer::new(revoked, format!("{} is logged out of {}.\n", account.name, account.server)))
}

/// Shows the key of a server that was never asked, and asks whether it is the right one.
fn first_use(https: &Https) -> Result<Pin, CliError> {
    let seen = Way::tls(&https.host, https.port, &Pin::Look);
    let seen = seen.map_err(|error| CliError::unreachable_https(https, error))?.1;
    let none = || CliError::Garbled { why: "the server showed no key".into() };
    let pin = seen.get().copied().map(Pin::Known).ok_or_else(none)?;
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let why = format!("the key of {https} is not known; compare it, and give it with `--pin {pin}`");
        return Err(CliError::Usage { why });
    }
    let question = format!(
        "The key of {https} is not known yet. It is\n\n  {pin}\n\nOn the server's machine, `vigocli server status` shows the \
         right one. Is it the same? [y/N] "
    );
    let mut answer = String::new();
    let asked = io::stderr().write_all(question.as_bytes()).and_then(|()| stdin.lock().read_line(&mut answer));
    asked.map_err(|error| CliError::Usage { why: format!("the terminal: {error}") })?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(pin),
        _ => Err(CliError::Usage { why: "the key is not trusted; nothing was sent".into() }),
    }
}
