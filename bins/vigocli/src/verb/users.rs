//! `vigocli users`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::input;
use crate::output::{Answer, cell, table};
use clap::Subcommand;
use serde_json::{Value, json};

#[derive(Subcommand, Debug)]
pub(crate) enum Users {
    /// Add somebody who may ask the server over HTTPS; the password is typed or piped in
    Add {
        /// The name
        name: String,
        /// What the user may: viewer, operator or admin
        #[arg(long)]
        role: String,
    },
    /// List them
    List,
    /// Give somebody another password, and end the user's logins and tokens
    Passwd {
        /// The name
        name: String,
    },
    /// Give somebody another role, at once
    Role {
        /// The name
        name: String,
        /// viewer, operator or admin
        role: String,
    },
    /// Remove somebody, with the user's logins and tokens
    Remove {
        /// The name
        name: String,
    },
}

impl Users {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match self {
            Self::Add { name, role } => {
                let password = password(name)?;
                let user =
                    client.post("/users", &json!({ "name": name, "role": role, "password": password.reveal() }))?;
                let text = format!("{} is a user, with role {}.\n", cell(&user, "name"), cell(&user, "role"));
                Ok(Answer::new(user, text))
            }
            Self::List => {
                let users = client.get("/users", &[])?;
                let columns = [("NAME", "name"), ("ROLE", "role"), ("CREATED", "created_at"), ("BY", "created_by")];
                let text = table(users["users"].as_array().map_or(&[], Vec::as_slice), &columns);
                Ok(Answer::new(users, text))
            }
            Self::Passwd { name } => {
                let password = password(name)?;
                let body = json!({ "password": password.reveal() });
                let user = client.post(&path("/users", name, "/password"), &body)?;
                Ok(done(user, "has another password; the logins before are over"))
            }
            Self::Role { name, role } => {
                let user = client.post(&path("/users", name, "/role"), &json!({ "role": role }))?;
                Ok(done(user, &format!("has role {role} now")))
            }
            Self::Remove { name } => Ok(done(client.delete(&path("/users", name, ""))?, "is no user any more")),
        }
    }
}

fn password(name: &str) -> Result<vigo_core::secret::SecretValue, CliError> {
    input::password(name, input::Times::Twice)
}

fn done(user: Value, what: &str) -> Answer {
    let text = format!("{} {what}.\n", cell(&user, "name"));
    Answer::new(user, text)
}
