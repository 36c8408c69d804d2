//! `vigocli envoys`, also `vigocli nodes`.

use crate::client::{Client, path};
use crate::error::CliError;
use crate::output::{Answer, cell, table};
use crate::push::Push;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Without a verb: list them.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Envoys {
    #[command(flatten)]
    list: List,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// List the machines of the fleet
    List(List),
    /// Show one machine, with its traits
    Show {
        /// Its hostname or id
        envoy: String,
    },
    /// Have machines converge now: at once where they stay connected, else at their next check-in
    Push(Push),
    /// Throw a machine out, for good: its identity never comes back
    Revoke {
        /// Its hostname or id
        envoy: String,
    },
    Maintenance(crate::rest::Maintenance),
    Observe(crate::rest::Observe),
    /// Void an identity that two machines have, and make a token to enrol one of them anew; or let all in that wait
    Rebootstrap {
        /// Its hostname or id
        #[arg(required_unless_present = "all")]
        envoy: Option<String>,
        /// It is one machine: change nothing but take the mark `cloned?` from it
        #[arg(long)]
        dismiss: bool,
        /// Let in all that `envoys list --waiting` shows, each with its next check-in
        #[arg(long, conflicts_with_all = ["envoy", "dismiss"])]
        all: bool,
    },
    /// Give a machine another name, and with it the policy of that name
    Rename {
        /// Its hostname or id
        envoy: String,
        /// Its new hostname
        hostname: String,
    },
    /// Throw a machine out, for good, and forget its runs and traits
    Delete {
        /// Its hostname or id
        envoy: String,
    },
}

#[derive(Args, Debug)]
struct List {
    /// Only hostnames that this glob matches
    #[arg(long = "match", value_name = "GLOB")]
    match_glob: Option<String>,
    /// Only those whose status is this word
    #[arg(long, value_name = "WORD")]
    status: Option<String>,
    /// Revoked ones, too
    #[arg(long)]
    revoked: bool,
    /// Only those that a restored database had lost and that were taken up again, until somebody has looked at them
    #[arg(long)]
    adopted: bool,
    /// Instead those that are no envoys: they were, have a certificate that holds no more, and wait to be let in
    #[arg(long, conflicts_with_all = ["match_glob", "status", "revoked", "adopted", "limit"])]
    waiting: bool,
    /// At most so many [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

/// Machines of one page.
const PAGE_MAX: usize = 1000;

impl Envoys {
    pub(crate) fn run(&self, client: &Client) -> Result<Answer, CliError> {
        match &self.verb {
            None => list(client, &self.list),
            Some(Verb::List(wanted)) => list(client, wanted),
            Some(Verb::Show { envoy }) => {
                let envoy = client.get(&path("/envoys", envoy, ""), &[])?;
                let text = show(&envoy);
                Ok(Answer::new(envoy, text))
            }
            Some(Verb::Push(push)) => push.run(client),
            Some(Verb::Revoke { envoy }) => {
                let envoy = client.post(&path("/envoys", envoy, "/revoke"), &json!({}))?;
                let text = format!("{} ({}) is revoked.\n", cell(&envoy, "hostname"), cell(&envoy, "id"));
                Ok(Answer::new(envoy, text))
            }
            Some(Verb::Maintenance(maintenance)) => maintenance.run(client),
            Some(Verb::Observe(observe)) => observe.run(client),
            Some(Verb::Rebootstrap { envoy: None, .. }) => {
                let done = client.post("/envoys/waiting", &json!({ "all": true }))?;
                let admitted = done["admitted"].as_array().map_or(&[][..], Vec::as_slice);
                let text = match admitted.len() {
                    0 => "Nobody waits.\n".into(),
                    count => format!(
                        "{count} machines are let in with their next check-in, five minutes from now at the latest:\n\n{}",
                        table(admitted, &WAITING)
                    ),
                };
                Ok(Answer::new(done, text))
            }
            Some(Verb::Rebootstrap { envoy: Some(envoy), dismiss, .. }) => {
                let body = json!({ "dismiss": dismiss });
                let envoy = client.post(&path("/envoys", envoy, "/rebootstrap"), &body)?;
                let (hostname, id) = (cell(&envoy, "hostname"), cell(&envoy, "id"));
                let text = match dismiss {
                    true => {
                        format!(
                            "{hostname} ({id}) counts as one machine; if two are seen again, the mark comes back.\n"
                        )
                    }
                    false => format!(
                        "{hostname} ({id}) is revoked; its name is free. On each machine that had this identity, stop the \
                         agent and empty its state directory. One of them gets the name back by this token; another one \
                         needs a name and a token of its own.\n\n{}",
                        super::tokens::made(&envoy["token"])
                    ),
                };
                Ok(Answer::new(envoy, text))
            }
            Some(Verb::Rename { envoy, hostname }) => {
                let envoy = client.post(&path("/envoys", envoy, "/rename"), &json!({ "hostname": hostname }))?;
                let (hostname, id) = (cell(&envoy, "hostname"), cell(&envoy, "id"));
                let text = format!("{id} is {hostname} now; it gets the policy of that name at its next check-in.\n");
                Ok(Answer::new(envoy, text))
            }
            Some(Verb::Delete { envoy }) => {
                let envoy = client.delete(&path("/envoys", envoy, ""))?;
                let text = format!("{} ({}) is deleted.\n", cell(&envoy, "hostname"), cell(&envoy, "id"));
                Ok(Answer::new(envoy, text))
            }
        }
    }
}

/// Of a machine that waits.
const WAITING: [(&str, &str); 6] = [
    ("HOSTNAME", "hostname"),
    ("ID", "id"),
    ("FROM", "remote"),
    ("SINCE", "since"),
    ("LAST HEARD", "last_heard"),
    ("LET IN BY", "admitted_by"),
];

/// Lists all pages as one.
fn list(client: &Client, wanted: &List) -> Result<Answer, CliError> {
    if wanted.waiting {
        let waiting = client.get("/envoys/waiting", &[])?;
        let text = table(waiting["waiting"].as_array().map_or(&[], Vec::as_slice), &WAITING);
        return Ok(Answer::new(waiting, text));
    }
    let mut all: Vec<Value> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let left = wanted.limit.map(|limit| (limit as usize).saturating_sub(all.len()).min(PAGE_MAX));
        let params = [
            ("match", wanted.match_glob.clone()),
            ("status", wanted.status.clone()),
            ("revoked", wanted.revoked.then(|| "true".into())),
            ("adopted", wanted.adopted.then(|| "true".into())),
            ("after", after.take()),
            ("limit", left.map(|left| left.to_string())),
        ];
        let mut page = client.get("/envoys", &params)?;
        if let Value::Array(envoys) = page["envoys"].take() {
            all.extend(envoys);
        }
        match page["next"].as_str() {
            Some(next) if wanted.limit.is_none_or(|limit| all.len() < limit as usize) => after = Some(next.into()),
            _ => break,
        }
    }
    let columns = [
        ("HOSTNAME", "hostname"),
        ("STATUS", "status"),
        ("LAST SEEN", "last_seen"),
        ("OK", "last_run.counts.ok"),
        ("CHANGED", "last_run.counts.changed"),
        ("FAILED", "last_run.counts.failed"),
        ("QUEUED", "queued"),
        ("VERSION", "agent_version"),
        ("ID", "id"),
    ];
    let mut rows = all.clone();
    for row in &mut rows {
        row["status"] = format!("{}{}", cell(row, "status"), marks(row)).into();
    }
    let text = table(&rows, &columns);
    Ok(Answer::new(json!({ "envoys": all }), text))
}

/// Returns what stands behind an envoy's word of status.
fn marks(envoy: &Value) -> String {
    let observes = envoy["observes"] == true || envoy["last_run"]["observed"] == true;
    let marks = [
        envoy["cloned"].is_object().then(|| format!("cloned? {}", clones(envoy))),
        crate::rest::marked(envoy),
        observes.then(|| "observes".into()),
        envoy["adopted_at"].is_string().then(|| "adopted".into()),
    ];
    marks.into_iter().flatten().map(|mark| format!(", {mark}")).collect()
}

/// Returns where the copies of an envoy come from.
fn clones(envoy: &Value) -> String {
    let from = envoy["cloned"]["from"].as_array().map_or(&[][..], Vec::as_slice);
    from.iter().filter_map(Value::as_str).map(crate::output::shown).collect::<Vec<_>>().join(" and ")
}

fn show(envoy: &Value) -> String {
    let fields = [
        ("hostname", "hostname"),
        ("id", "id"),
        ("status", "status"),
        ("health", "health"),
        ("drift", "drift"),
        ("reach", "reach"),
        ("last seen", "last_seen"),
        ("from", "remote"),
        ("version", "agent_version"),
        ("reports waiting", "queued"),
        ("enrolled", "enrolled_at"),
        ("revoked", "revoked_at"),
        ("last run", "last_run.ended_at"),
        ("outcome", "last_run.outcome"),
        ("ok", "last_run.counts.ok"),
        ("changed", "last_run.counts.changed"),
        ("failed", "last_run.counts.failed"),
        ("skipped", "last_run.counts.skipped"),
        ("blocked", "last_run.counts.blocked"),
        ("error", "last_run.error"),
        ("bundle", "last_run.bundle"),
    ];
    let mut text = String::new();
    for (name, at) in fields {
        let value = cell(envoy, at);
        if !value.is_empty() {
            text.push_str(&format!("{name:<16} {value}\n"));
        }
    }
    let heard = if envoy["told"] == false { "; it has not heard of it yet" } else { "" };
    if let Some(maintenance) = crate::rest::marked(envoy) {
        text.push_str(&format!("applies nothing  {maintenance}{heard}\n"));
    }
    if envoy["observes"] == true {
        text.push_str(&format!("observes         it changes nothing{heard}\n"));
    }
    if envoy["cloned"].is_object() {
        let (from, at, name) = (clones(envoy), cell(envoy, "cloned.at"), cell(envoy, "hostname"));
        text.push_str(&format!(
            "cloned?          {from}, found {at}: two machines have this identity\n                 \
             `vigocli envoys rebootstrap {name}` voids it; with `--dismiss` it counts as one machine\n"
        ));
    }
    if envoy["adopted_at"].is_string() {
        text.push_str(&format!(
            "adopted          {}: the database had lost it; look whether it should be there, and see `vigocli server \
             restored`\n",
            cell(envoy, "adopted_at")
        ));
    }
    if envoy["reports_doubled"].as_u64().is_some_and(|count| count > 0) {
        text.push_str(&format!(
            "reports thrown away, for others had their number: {}\n",
            cell(envoy, "reports_doubled")
        ));
    }
    if let Some(traits) = envoy.get("traits").and_then(Value::as_object) {
        text.push_str("traits\n");
        for name in traits.keys() {
            text.push_str(&format!("  {} = {}\n", crate::output::shown(name), cell(&envoy["traits"], name)));
        }
    }
    text
}
