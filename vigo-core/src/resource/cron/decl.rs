//! What a job takes.

use super::schedule::{self, FIELDS, Schedule};
use super::{Cron, drop_file};
use crate::host::Problem;
use crate::resource::{
    Attr, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl, user::check_name,
};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "cron",
    aliases: &["cron_windows"],
    summary: "Manages one scheduled job.",
    states: &["present", "absent"],
    attributes: &[
        Attr::new("cron", Kind::Name, "Id of the job; the resource's name when not written."),
        Attr::new("command", Kind::Line, "What runs: one line, as cron takes it; `%` needs `\\%`.")
            .required_in(PRESENT)
            .no_secret()
            .only_in(PRESENT),
        Attr::new("schedule", Kind::Line, "Five fields, or `@hourly @daily @weekly @monthly @yearly @reboot`.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("minute", Kind::Line, "Minute, `0` to `59`; `*` when not written.").no_secret().only_in(PRESENT),
        Attr::new("hour", Kind::Line, "Hour, `0` to `23`; `*` when not written.").no_secret().only_in(PRESENT),
        Attr::new("day", Kind::Line, "Day of the month, `1` to `31`; `*` when not written.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("month", Kind::Line, "Month, `1` to `12` or `jan` to `dec`; `*` when not written.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("weekday", Kind::Line, "Weekday, `0` to `7` or `sun` to `sat`; `*` when not written.")
            .no_secret()
            .only_in(PRESENT),
        Attr::new("user", Kind::Name, "The account that it runs as.").default("root"),
        Attr::new("environment", Kind::Map, "Variables of the job.").only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| if fields.is_pending("cron") { None } else { Some(id(fields)) },
    footprint,
    check,
    prepare,
};

fn id(fields: &Fields) -> Arc<str> {
    fields.str("cron").unwrap_or_else(|| fields.name.clone())
}

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint { commands: fields.str("command").into_iter().collect(), ..Footprint::default() };
    if !fields.is_pending("cron") && check_id(&id(fields)).is_none() {
        f.paths.push(drop_file(&id(fields)));
    }
    f.needs.extend(fields.str("user").map(Need::User));
    f
}

fn check_id(id: &str) -> Option<Problem> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let bad = id.is_empty() || id.len() > 64 || !id.bytes().all(good);
    bad.then(|| {
        let problem = Problem::bad_value("cron", format!("expected `[A-Za-z0-9_-]{{1,64}}`, found `{id}`"));
        problem.help("give the job an id by attribute `cron`")
    })
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !fields.is_pending("cron") {
        problems.extend(check_id(&id(fields)));
    }
    if let Some(user) = fields.str("user") {
        problems.extend(check_name("user", &user));
    }
    if let Some(command) = fields.str("command")
        && command.trim().is_empty()
    {
        problems.push(Problem::bad_value("command", "expected a command, found nothing"));
    }
    let written = |name: &&&str| fields.is_written(name);
    match (fields.is_written("schedule"), FIELDS.iter().find(written)) {
        (true, Some(field)) => problems.push(Problem::conflict(field, "excludes `schedule`")),
        (false, None) if fields.state() == "present" => {
            let message = "expected `schedule`, or one of `minute`, `hour`, `day`, `month`, `weekday`";
            problems.push(Problem::new(crate::host::ProblemKind::MissingAttribute, message));
        }
        _ => {}
    }
    if let Some(Err(why)) = fields.str("schedule").map(|s| Schedule::parse(&s)) {
        problems.push(Problem::bad_value("schedule", why));
    }
    for (i, name) in FIELDS.iter().enumerate() {
        if let Some(Err(why)) = fields.str(name).map(|text| schedule::check(i, text.trim())) {
            problems.push(Problem::bad_value(name, why));
        }
    }
    for (name, value) in fields.map("environment").unwrap_or_default() {
        let head = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        let fits = name.bytes().next().is_some_and(head) && name.bytes().all(|b| head(b) || b.is_ascii_digit());
        if !fits {
            problems
                .push(Problem::bad_value("environment", format!("expected the name of a variable, found `{name}`")));
        }
        if value.as_str().contains(['\n', '\r', '\0']) {
            problems.push(Problem::bad_value("environment", format!("expected one line as value of `{name}`")));
        }
    }
    problems
}

fn prepare(fields: &Fields, with: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let field = |name: &&str| fields.str(name).map_or_else(|| "*".into(), |t| t.trim().to_string());
    let schedule = match fields.str("schedule") {
        Some(text) => Schedule::parse(&text).map_err(|why| Problem::bad_value("schedule", why))?,
        None => Schedule::Fields(FIELDS.each_ref().map(field)),
    };
    let want = Want {
        id: id(fields),
        present: fields.state() == "present",
        command: fields.str("command").map(|c| c.trim().into()).unwrap_or_default(),
        schedule,
        user: fields.str("user").unwrap_or_default(),
        environment: fields.map("environment").unwrap_or_default().into_iter().collect(),
    };
    Ok(Managed::<Cron>::boxed(want, with.host.cron(with.facts)?))
}

/// What is wanted of a job.
#[derive(Clone, Debug)]
pub struct Want {
    /// Its id.
    pub id: Arc<str>,
    /// Whether it is there.
    pub present: bool,
    /// What runs.
    pub command: Arc<str>,
    /// When.
    pub schedule: Schedule,
    /// As whom.
    pub user: Arc<str>,
    /// With which variables.
    pub environment: Vec<(Arc<str>, Text)>,
}
