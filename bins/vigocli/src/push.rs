//! `vigocli envoys push`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, table};
use clap::Args;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Write as _};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Args, Debug)]
pub(crate) struct Push {
    /// Hostnames, ids, or globs such as 'web-*'
    #[arg(required = true, value_name = "ENVOY|GLOB")]
    envoys: Vec<String>,
    /// Wait until each has said what came of it
    #[arg(long)]
    wait: bool,
}

/// Between two looks: the first answers come within a second where machines stay connected.
const LOOK_FIRST: Duration = Duration::from_millis(100);
const LOOK_LAST: Duration = Duration::from_secs(2);

impl Push {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        let push = client.post("/push", &json!({ "envoys": self.envoys }))?;
        let number = cell(&push, "push");
        if !self.wait {
            let text = format!(
                "Push {number}: {} called at once, {} at the next check-in.\n",
                cell(&push, "called"),
                push["envoys"].as_u64().unwrap_or_default().saturating_sub(push["called"].as_u64().unwrap_or_default()),
            );
            return Ok(Answer::new(push, text));
        }
        let done = wait(client, &number)?;
        let orders = done["orders"].as_array().map_or(&[][..], Vec::as_slice);
        let is_good = |order: &&Value| matches!(order["outcome"].as_str(), Some("converged" | "drift"));
        let good = orders.iter().filter(is_good).count();
        let columns = [("HOSTNAME", "hostname"), ("OUTCOME", "outcome"), ("", "detail")];
        let text = table(orders, &columns);
        let status = u8::from(good < orders.len());
        Ok(Answer { status, ..Answer::new(done, text) })
    }
}

/// Looks again and again until no answer is missing; on a terminal it says how many are.
fn wait(client: &Client, number: &str) -> Result<Value, CliError> {
    let (begun, is_terminal) = (Instant::now(), std::io::stderr().is_terminal());
    let mut pause = LOOK_FIRST;
    loop {
        let push = client.get(&path("/pushes", number, ""), &[])?;
        let all = push["orders"].as_array().map_or(0, Vec::len);
        let open = push["open"].as_u64().unwrap_or_default();
        if is_terminal {
            let (clear, seconds) = ("\r\x1b[K", begun.elapsed().as_secs());
            let line = if open == 0 { String::new() } else { format!("{open} of {all} are waited for, {seconds} s") };
            // Where nobody sees it, nothing is lost.
            let _ = write!(std::io::stderr(), "{clear}{line}");
        }
        if open == 0 {
            return Ok(push);
        }
        sleep(pause);
        pause = (pause * 3 / 2).min(LOOK_LAST);
    }
}
