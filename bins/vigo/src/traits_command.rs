//! `vigo traits`: the facts of this machine.

use crate::cli::Format;
use crate::executor::{Executor, ExecutorOptions};
use crate::traits;
use std::process::ExitCode;
use std::sync::Arc;
use vigo_core::bundle::TraitsWanted;
use vigo_core::value::Value;

/// Prints all traits, or those at `paths`.
pub fn run(paths: &[String], format: Format) -> ExitCode {
    let mut executor = match Executor::new(ExecutorOptions::default()) {
        Ok(executor) => executor,
        Err(error) => {
            eprintln!("error: the executor cannot start: {error}");
            return ExitCode::from(2);
        }
    };
    // Named traits cost what they cost, not what all of them do.
    let areas = paths.iter().filter_map(|path| path.split('.').next()).map(Arc::from);
    let wanted = if paths.is_empty() { TraitsWanted::All } else { TraitsWanted::Areas(areas.collect()) };
    let set = traits::collect(&wanted, &mut executor);
    let mut status = ExitCode::SUCCESS;
    let mut chosen: Vec<(String, Value)> = Vec::new();
    if paths.is_empty() {
        let all = set.value().as_map().into_iter().flatten();
        chosen.extend(all.map(|(k, v)| (k.to_string(), v.clone())));
    }
    for path in paths {
        match set.value().at(path) {
            Some(value) => chosen.push((path.clone(), value.clone())),
            None => {
                eprintln!("error: this machine has no trait `{path}`");
                if let Err(error) = vigo_core::traits::check_path(path)
                    && let Some(help) = error.help
                {
                    eprintln!("  = help: {help}");
                }
                status = ExitCode::from(2);
            }
        }
    }
    match format {
        Format::Json => {
            let map: serde_json::Map<String, serde_json::Value> =
                chosen.iter().map(|(k, v)| (k.clone(), json(v))).collect();
            println!("{:#}", serde_json::Value::Object(map));
        }
        Format::Text => chosen.iter().for_each(|(path, value)| text(path, value)),
    }
    status
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
fn text(path: &str, value: &Value) {
    match value {
        Value::Map(map) if !map.is_empty() => map.iter().for_each(|(k, v)| text(&format!("{path}.{k}"), v)),
        Value::List(items) if items.iter().any(|i| i.as_map().is_some()) => {
            items.iter().enumerate().for_each(|(i, v)| text(&format!("{path}.{i}"), v));
        }
        Value::Text(t) => println!("{path} = {}", t.as_str()),
        other => println!("{path} = {}", json(other)),
    }
}
