//! What `service` takes.

use super::{Boot, Goal, Mask, OnNotify, Scope, Service, StartType, Want};
use crate::host::{Problem, ProblemKind};
use crate::resource::{Attr, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "service",
    aliases: &[],
    summary: "Manages the run state and the boot state of a service.",
    states: &["running", "stopped", "restarted", "reloaded", "unmanaged"],
    attributes: &[
        Attr::new("service", Kind::Name, "The native name; on Linux without a suffix it is a `.service`.").required(),
        Attr::new("enabled", Kind::Bool, "Whether it starts at boot; unchanged when not written."),
        Attr::new("masked", Kind::Bool, "Whether nothing can start it (systemd); never unmasked unasked."),
        Attr::new("scope", Kind::Choice(&["system", "user"]), "Whose service manager; `user` needs `user`.")
            .default("system"),
        Attr::new("user", Kind::Name, "The account whose service manager is meant, with `scope: user`."),
        Attr::new("flags", Kind::Line, "Flags of the daemon (FreeBSD, OpenBSD); a change restarts a running one.")
            .no_secret(),
        Attr::new(
            "start_type",
            Kind::Choice(&["auto", "delayed", "manual", "disabled"]),
            "When the service control manager starts it (Windows); excludes `enabled`.",
        ),
        Attr::new("runlevel", Kind::Name, "The runlevel that `enabled` is about (OpenRC).").default("default"),
        Attr::new("restart_command", Kind::Text, "Run by `sh -c` instead of the native restart.").no_secret(),
        Attr::new("reload_command", Kind::Text, "Run by `sh -c` instead of the native reload.").no_secret(),
        Attr::new(
            "on_notify",
            Kind::Choice(&["restart", "reload", "none"]),
            "What a trigger does to a steady service that runs.",
        )
        .default("restart")
        .only_in(&["running", "stopped", "unmanaged"]),
    ],
    refresh: Refresh::Acts,
    batch: true,
    identity: |fields| {
        let name = fields.str("service")?;
        let name = name.strip_suffix(".service").unwrap_or(&name);
        Some(match scope(fields) {
            Scope::System => name.into(),
            Scope::User(user) => format!("{user}/{name}").into(),
        })
    },
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = Footprint::default();
    f.commands.extend(fields.str("restart_command"));
    f.commands.extend(fields.str("reload_command"));
    f.needs.extend(fields.str("user").map(Need::User));
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = Vec::new();
    let known = |name: &str| !fields.is_pending(name);
    let state = if known("state") { fields.state() } else { "" };
    let (enabled, masked) = (fields.bool("enabled"), fields.bool("masked"));
    if let Some(name) = fields.str("service") {
        if name.contains(['*', '?', '[']) {
            let message = format!("expected one service, found the pattern `{name}`");
            problems.push(Problem::bad_value("service", message));
        }
        let harm = state == "stopped"
            || enabled == Some(false)
            || masked == Some(true)
            || fields.choice("start_type") == Some("disabled");
        if harm {
            problems.extend(crate::guard::check_service(&name).err());
        }
    }
    if matches!(state, "restarted" | "reloaded") && !fields.handler {
        let verb = if state == "restarted" { "restart" } else { "reload" };
        let problem = Problem::new(ProblemKind::NotIdempotent, format!("`state: {state}` would {verb} on every run"));
        problems.push(problem.help("write `when: \"changed\"` and notify it, or `state: running` and notify that"));
    }
    if masked == Some(true) {
        if enabled == Some(true) {
            problems.push(Problem::conflict("enabled", "`masked: true` excludes `enabled: true`"));
        }
        if matches!(state, "running" | "restarted" | "reloaded") {
            let problem = Problem::conflict("masked", format!("`masked: true` excludes `state: {state}`"));
            problems.push(problem.help("write `state: stopped` or `state: unmanaged`"));
        }
    }
    if fields.is_written("start_type") && fields.is_written("enabled") {
        problems.push(Problem::conflict("start_type", "excludes `enabled`"));
    }
    match fields.choice("scope") {
        Some("user") if !fields.is_written("user") => {
            problems.push(Problem::new(ProblemKind::MissingAttribute, "`scope: user` needs `user`"));
        }
        Some("system") if fields.is_written("user") => {
            problems.push(Problem::conflict("user", "has no meaning without `scope: user`"));
        }
        _ => {}
    }
    problems
}

fn scope(fields: &Fields) -> Scope {
    match (fields.choice("scope"), fields.str("user")) {
        (Some("user"), Some(user)) => Scope::User(user),
        _ => Scope::System,
    }
}

fn prepare(fields: &Fields, prepare: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let name = fields.str("service").ok_or_else(|| Problem::bad_value("service", "expected a name"))?;
    let goal = match fields.state() {
        "stopped" => Goal::Stopped,
        "restarted" => Goal::Restarted,
        "reloaded" => Goal::Reloaded,
        "unmanaged" => Goal::Unmanaged,
        _ => Goal::Running,
    };
    let want = Want {
        boot: fields.bool("enabled").map(|on| if on { Boot::Enabled } else { Boot::Disabled }),
        mask: fields.bool("masked").map(|on| if on { Mask::Masked } else { Mask::Unmasked }),
        scope: scope(fields),
        flags: fields.str("flags").map(|flags| flags.trim().into()),
        start_type: fields.choice("start_type").map(|word| match word {
            "delayed" => StartType::Delayed,
            "manual" => StartType::Manual,
            "disabled" => StartType::Disabled,
            _ => StartType::Auto,
        }),
        runlevel: if fields.is_written("runlevel") { fields.str("runlevel") } else { None },
        restart_command: fields.text("restart_command"),
        reload_command: fields.text("reload_command"),
        on_notify: match fields.choice("on_notify") {
            Some("reload") => OnNotify::Reload,
            Some("none") => OnNotify::Nothing,
            _ => OnNotify::Restart,
        },
        ..Want::new(name, goal)
    };
    Ok(Managed::<Service>::boxed(want, prepare.host.service(prepare.facts)?))
}
