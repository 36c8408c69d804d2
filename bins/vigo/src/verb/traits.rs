//! `vigo traits`.

use crate::cli::{Format, LogLevel};
use crate::executor::{Executor, ExecutorOptions};
use crate::{output, traits};
use clap::Args;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use vigo_core::bundle::TraitsWanted;
use vigo_core::value::Value;

/// Print the facts of this machine
///
/// Exit status: 0 printed, 2 usage, or a path that this machine does not have.
#[derive(Args, Debug)]
pub struct Traits {
    /// Only what lies at these paths, such as `os.family`
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// How to print them
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What to log on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "warn")]
    log_level: LogLevel,
}

impl Traits {
    /// Prints all traits, or those at the paths, and returns the exit status.
    pub fn run(&self) -> ExitCode {
        self.log_level.begin();
        let mut executor = match Executor::new(ExecutorOptions::default()) {
            Ok(executor) => executor,
            Err(error) => {
                output::complain(&format!("error: the executor cannot start: {error}"));
                return ExitCode::from(2);
            }
        };
        // Named traits cost what they cost, not what all of them do.
        let areas = self.paths.iter().filter_map(|path| path.split('.').next()).map(Arc::from);
        let wanted = if self.paths.is_empty() { TraitsWanted::All } else { TraitsWanted::Areas(areas.collect()) };
        let set = traits::collect(&wanted, &mut executor);
        let mut chosen: Vec<(String, Value)> = Vec::new();
        if self.paths.is_empty() {
            let all = set.value().as_map().into_iter().flatten();
            chosen.extend(all.map(|(k, v)| (k.to_string(), v.clone())));
        }
        let mut is_whole = true;
        for path in &self.paths {
            match set.value().at(path) {
                Some(value) => chosen.push((path.clone(), value.clone())),
                None => {
                    missing(path);
                    is_whole = false;
                }
            }
        }
        let printed = output::print(|out| match self.format {
            Format::Json => {
                let map = chosen.iter().map(|(k, v)| (k.clone(), json(v))).collect();
                writeln!(out, "{:#}", serde_json::Value::Object(map))
            }
            Format::Text => chosen.iter().try_for_each(|(path, value)| text(out, path, value)),
        });
        if is_whole { printed } else { ExitCode::from(2) }
    }
}

fn missing(path: &str) {
    output::complain(&format!("error: this machine has no trait `{}`", output::shown(path)));
    if let Err(error) = vigo_core::traits::check_path(path)
        && let Some(help) = error.help
    {
        output::complain(&format!("  = help: {help}"));
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => (*n).into(),
        Value::Float(x) => (*x).into(),
        Value::Text(t) => t.as_str().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => serde_json::Value::Object(map.iter().map(|(k, v)| (k.to_string(), json(v))).collect()),
    }
}

/// Prints a line for each leaf, so that the output can be searched.
fn text(out: &mut dyn Write, path: &str, value: &Value) -> io::Result<()> {
    match value {
        Value::Map(map) if !map.is_empty() => map.iter().try_for_each(|(k, v)| text(out, &format!("{path}.{k}"), v)),
        Value::List(items) if items.iter().any(|i| i.as_map().is_some()) => {
            items.iter().enumerate().try_for_each(|(i, v)| text(out, &format!("{path}.{i}"), v))
        }
        Value::Text(t) => writeln!(out, "{} = {}", output::shown(path), output::shown(t.as_str())),
        other => writeln!(out, "{} = {}", output::shown(path), json(other)),
    }
}
