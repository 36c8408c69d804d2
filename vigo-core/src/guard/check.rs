//! Guards of what a resource says it touches, and of each operation.

use super::command::program_name;
use super::{check_command, check_removal, check_tree, check_write};
use crate::action::{Command, Effect, Op};
use crate::host::{Problem, ProblemKind};
use crate::resource::Footprint;
use alloc::format;
use alloc::string::String;

/// Refuses a resource that would touch Vigo.
///
/// # Errors
/// [`Problem`] of kind `Guarded`.
pub fn check_footprint(footprint: &Footprint) -> Result<(), Problem> {
    footprint.paths.iter().try_for_each(check_write)?;
    footprint.trees.iter().try_for_each(check_tree)?;
    footprint.commands.iter().try_for_each(|c| check_command(c))
}

/// Refuses an operation that would touch Vigo, and one that would show a secret in a process list.
///
/// # Errors
/// [`Problem`] of kind `Guarded`.
pub fn check_op(op: &Op) -> Result<(), Problem> {
    match op {
        Op::Run(command) => check_run(command),
        Op::ReplaceFile(replace) => {
            if let Some(validate) = &replace.validate {
                check_run(&validate.command)?;
            }
            check_write(&replace.path)
        }
        // What is done to one name of a file is done to the other.
        Op::HardLink { path, to, .. } => check_write(path).and_then(|()| check_write(to)),
        Op::MakeDir { path, .. }
        | Op::Symlink { path, .. }
        | Op::SetOwner { path, .. }
        | Op::SetMode { path, .. }
        | Op::SetContext { path, .. } => check_write(path),
        Op::Remove { path, recursive: false } => check_write(path),
        Op::Remove { path, recursive: true } => check_removal(path).and_then(|()| check_tree(path)),
        Op::Rename { from, to } => check_tree(from).and_then(|()| check_tree(to)),
        Op::ReadFile { .. }
        | Op::HashFile { .. }
        | Op::Stat { .. }
        | Op::ListDir { .. }
        | Op::Space { .. }
        | Op::Account { .. }
        | Op::ReadUrl { .. }
        | Op::Fetch { .. }
        | Op::Signal { .. } => Ok(()),
    }
}

fn check_run(command: &Command) -> Result<(), Problem> {
    if let Some(path) = command.args.iter().find_map(|a| a.secret_path()) {
        let message = format!("secret `{path}` would stand in the arguments of `{}`", command.program);
        return Err(Problem::new(ProblemKind::Guarded, message)
            .help("hand it over by `stdin` or `secret_file`: arguments are seen by every user of the machine"));
    }
    if command.effect == Effect::Reads && !is_shell(&command.program) {
        return Ok(());
    }
    let mut line = String::from(&*command.program);
    for arg in &command.args {
        line.push(' ');
        line.push_str(arg.as_str());
    }
    check_command(&line)
}

fn is_shell(program: &str) -> bool {
    let program = program.to_lowercase();
    matches!(program_name(&program), "sh" | "bash" | "dash" | "ksh" | "zsh" | "cmd" | "powershell" | "pwsh")
}

const HELP: &str = "leave Vigo's service, packages and files alone; no flag switches this off";

/// Refuses to remove Vigo's own packages.
///
/// # Errors
/// [`Problem`] of kind `Guarded`.
pub fn check_packages<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Problem> {
    let own = |name: &&str| matches!(name.to_lowercase().as_str(), "vigo" | "vigosrv" | "vigocli");
    match names.into_iter().find(own) {
        Some(name) => Err(Problem::new(ProblemKind::Guarded, format!("package `{name}` is Vigo itself")).help(HELP)),
        None => Ok(()),
    }
}

/// Refuses to stop, disable or mask Vigo's own services.
///
/// # Errors
/// [`Problem`] of kind `Guarded`.
pub fn check_service(name: &str) -> Result<(), Problem> {
    match crate::resource::service::is_own(name) {
        true => Err(Problem::new(ProblemKind::Guarded, format!("service `{name}` is Vigo itself")).help(HELP)),
        false => Ok(()),
    }
}
