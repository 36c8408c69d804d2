//! Names that one file uses and another defines.

use super::common::{Include, Inclusion};
use super::layout::Config;
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Node;
use crate::when::{Expr, ReferenceKind};
use alloc::format;
use alloc::vec::Vec;

/// Checks every name of a role, crate and environment, and what can be said of match blocks without a host.
pub(super) fn check(config: &Config<'_>, reader: &mut Reader) {
    for role in &config.roles {
        for include in &role.includes {
            role_name(config, reader, include);
            if let Some(inner) = config.role(include.name)
                && let Some(nested) = inner.includes.first()
            {
                let message = format!("role `{}` is included and itself includes `{}`", inner.name, nested.name);
                reader.report(
                    Diagnostic::new(Code::NestedInclude, include.node.span(), message)
                        .at(format!("included by `{}`", role.name))
                        .label(nested.node.span(), "includes on its own")
                        .help(format!("add `{}` to the `includes` of `{}`", nested.name, role.name)),
                );
            }
        }
        let arms = role.case.iter();
        for include in role.configcrates.iter().chain(arms.clone().flat_map(|arm| &arm.configcrates)) {
            crate_name(config, reader, include, "");
        }
        for arm in arms {
            expression(config, reader, arm.when.as_ref(), arm.node);
        }
    }
    for common in &config.commons {
        inclusion(config, reader, &common.include);
    }
    for environment in config.environments.iter().flat_map(|f| &f.environments) {
        inclusion(config, reader, &environment.include);
    }
    for (_, _, block) in config.blocks() {
        inclusion(config, reader, &block.include);
        if let Some(node) = block.environment
            && let Some(d) = unknown_environment(config, node.text().unwrap_or_default())
        {
            reader.report(Diagnostic { labels: Diagnostic::new(d.code, node.span(), "").labels, ..d });
        }
    }
    for krate in &config.crates {
        for node in krate.depends_on.iter().chain(&krate.before) {
            let text = node.text().unwrap_or_default();
            if !text.contains("{{") && !text.contains('*') {
                let base = text.split_once('[').map_or(text, |(base, _)| base);
                crate_name(config, reader, &Include { name: base, node: *node }, "");
            }
        }
        if let Some((expr, node)) = &krate.when {
            expression(config, reader, Some(expr), *node);
        }
        for resource in &krate.resources {
            if let Some((expr, node)) = &resource.when {
                expression(config, reader, Some(expr), *node);
            }
            if let Some(super::resource::Case::Arms(arms)) = &resource.case {
                for arm in arms {
                    expression(config, reader, arm.when.as_ref(), arm.node);
                }
            }
        }
    }
    beside(config, reader);
    shadowed(config, reader);
}

/// Returns the error that `name` is no environment, unless the tree knows it, or knows none.
pub(crate) fn unknown_environment(config: &Config<'_>, name: &str) -> Option<Diagnostic> {
    let known = config.known_environments();
    if known.is_empty() || known.contains(name) {
        return None;
    }
    let message = format!("unknown environment `{name}`");
    let d = Diagnostic::new(Code::UnknownEnvironment, crate::diagnostic::Span::NONE, message).about(name);
    let d = d.did_you_mean(name, known.iter().copied());
    Some(d.help(format!("declare it in `environments.vgo`: `env: {{{name}: {{}}}}`")))
}

fn inclusion(config: &Config<'_>, reader: &mut Reader, include: &Inclusion<'_>) {
    include.roles.iter().for_each(|i| role_name(config, reader, i));
    include.configcrates.iter().for_each(|i| crate_name(config, reader, i, ""));
    include.usercrates.iter().for_each(|i| crate_name(config, reader, i, "user:"));
    include.exclude.iter().for_each(|i| crate_name(config, reader, i, ""));
}

fn role_name(config: &Config<'_>, reader: &mut Reader, include: &Include<'_>) {
    if config.role(include.name).is_none() {
        let message = format!("unknown role `{}`", include.name);
        let d = Diagnostic::new(Code::UnknownName, include.node.span(), message).at("not found in roles.vgo");
        let d = d.about(include.name);
        reader.report(match config.configcrate(include.name) {
            Some(_) => d.help("a configcrate is listed under `configcrates:`"),
            None => match reader.near(d, include.name, config.roles.iter().map(|r| r.name)) {
                d if d.help.is_empty() => d.help("write it into `roles.vgo`, or take the name out"),
                d => d,
            },
        });
    }
}

fn crate_name(config: &Config<'_>, reader: &mut Reader, include: &Include<'_>, prefix: &str) {
    let name = format!("{prefix}{}", include.name);
    if config.configcrate(&name).is_some() {
        return;
    }
    let (what, folder) = match name.strip_prefix("user:") {
        Some(_) => ("usercrate", "usercrates/"),
        None => ("configcrate", "configcrates/"),
    };
    let message = format!("unknown {what} `{}`", include.name);
    let d = Diagnostic::new(Code::UnknownName, include.node.span(), message).at(format!("not found in {folder}"));
    let d = d.about(include.name);
    let crates = config.crates.iter().filter(|c| prefix.is_empty() || c.user.is_some());
    let names = crates.map(|c| c.name.strip_prefix(prefix).unwrap_or(&c.name));
    let d = match config.configcrate(&format!("user:{}", include.name)) {
        Some(_) if prefix.is_empty() => d.help("a usercrate is listed under `usercrates:`"),
        _ if !prefix.is_empty() && config.configcrate(include.name).is_some() => {
            d.help(match include.name.strip_prefix(prefix) {
                Some(user) => format!("write `{user}`, without `user:`"),
                None => "a configcrate is listed under `configcrates:`".into(),
            })
        }
        _ if config.role(include.name).is_some() => d.help("a role is listed under `roles:`"),
        _ => match reader.near(d, include.name, names) {
            d if d.help.is_empty() => d.help(format!("write it below `{folder}`, or take the name out")),
            d => d,
        },
    };
    reader.report(d);
}

/// Checks the names in an expression that only the tree knows.
fn expression(config: &Config<'_>, reader: &mut Reader, expr: Option<&Expr>, node: Node<'_>) {
    for r in expr.map(Expr::references).unwrap_or_default() {
        let span = node.part(r.at, r.len);
        let name = &*r.name;
        let d = match r.kind {
            ReferenceKind::Environment => match unknown_environment(config, name) {
                Some(d) => Diagnostic { labels: Diagnostic::new(d.code, span, "").labels, ..d },
                None => continue,
            },
            ReferenceKind::Role if config.role(name).is_none() => {
                let d = Diagnostic::new(Code::UnknownName, span, format!("unknown role `{name}`")).about(name);
                reader.near(d, name, config.roles.iter().map(|r| r.name))
            }
            ReferenceKind::Configcrate if config.configcrate(name).is_none() => {
                let d = Diagnostic::new(Code::UnknownName, span, format!("unknown configcrate `{name}`")).about(name);
                reader.near(d, name, config.crates.iter().map(|c| &*c.name))
            }
            ReferenceKind::Command => match crate::guard::check_command(name) {
                Err(problem) => {
                    let d = Diagnostic::new(Code::Guarded, span, problem.message);
                    problem.help.into_iter().fold(d, Diagnostic::help)
                }
                Ok(()) => continue,
            },
            _ => continue,
        };
        reader.report(d);
    }
}

/// Warns of a `common.vgo` whose own folder has match files: they do not inherit it.
fn beside(config: &Config<'_>, reader: &mut Reader) {
    for common in &config.commons {
        let file = config.match_files.iter().find(|f| f.dir == common.dir && !f.blocks.is_empty());
        if let (Some(file), Some(block)) = (file, file.and_then(|f| f.blocks.first())) {
            let message = format!("`{}` is not inherited by `{}` beside it", common.path, file.path);
            reader.report(
                Diagnostic::new(Code::CommonBeside, common.node.span(), message)
                    .label(block.node.span(), "blocks of the same folder")
                    .help(
                        "it applies to match files in sub-folders; move the match file into one if it should inherit",
                    ),
            );
        }
    }
}

/// Warns of a block that an earlier one takes every host from.
fn shadowed(config: &Config<'_>, reader: &mut Reader) {
    // Compared are the blocks that were asked first; a tree of thousands of blocks is not compared pair by pair.
    const EARLIER_MAX: usize = 256;
    let blocks: Vec<_> = config.blocks().collect();
    for (i, (_, _, block)) in blocks.iter().enumerate() {
        let covers = |earlier: &super::MatchBlock<'_>| {
            !block.patterns.is_empty()
                && block.patterns.iter().all(|p| earlier.patterns.iter().any(|e| e.glob.covers(&p.glob)))
        };
        if let Some((_, _, earlier)) = blocks.iter().take(i.min(EARLIER_MAX)).find(|(_, _, b)| covers(b)) {
            let at = |b: &super::MatchBlock<'_>| b.patterns.first().map_or(b.node.span(), |p| p.node.span());
            reader.report(
                Diagnostic::new(Code::ShadowedBlock, at(block), "no host ever gets to this match block")
                    .label(at(earlier), "an earlier block takes all its hosts")
                    .help("first match wins: move the narrower block before the wider one"),
            );
        }
    }
}
