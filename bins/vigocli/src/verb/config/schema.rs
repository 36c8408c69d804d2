//! `vigocli config schema`.

use crate::error::CliError;
use crate::output::Answer;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, Number, Value as Json};
use vigo_core::schema::{self, FileKind};
use vigo_core::value::Value;

/// Print the JSON Schema of a kind of file, or of all, for editors
#[derive(Args, Debug)]
pub(crate) struct Schema {
    /// The kind of file [default: any of them]
    #[arg(value_name = "KIND", value_parser = PossibleValuesParser::new(FileKind::all().iter().map(|k| k.name)))]
    kind: Option<String>,
}

impl Schema {
    pub(super) fn run(&self) -> Result<Answer, CliError> {
        let kind = self.kind.as_deref().and_then(FileKind::find);
        let schema = json(&schema::schema(kind));
        let text = format!("{schema:#}\n");
        Ok(Answer::new(schema, text))
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) => Json::Number((*n).into()),
        Value::Float(x) => Number::from_f64(*x).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.as_str().to_owned()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(k, v)| (k.to_string(), json(v))).collect::<Map<_, _>>()),
    }
}
