//! Go templates, from text to text.

use crate::input::text;
use std::sync::LazyLock;
use vigo_core::template::{Field, Scope, Secrets, Template, TemplateError};
use vigo_core::value::{Text, Value};

/// What nobody may read in an error or a masked text.
const SECRET: &str = "zq-Secret-77";

/// Reads a template and renders it.
///
/// An error lies inside the text and names no secret; rendering ends, within its bounds; a masked text holds no secret.
pub fn template(data: &[u8]) {
    let Some(source) = text(data) else { return };
    let errors = Template::parse_all(source);
    let parsed = Template::parse(source);
    assert_eq!(parsed.is_ok(), errors.is_empty(), "one error and all errors disagree");
    errors.iter().for_each(|e| inside(source, e));
    let Ok(template) = parsed else { return };
    let scope = Scope::new(&Vault).with(Field::Vars, &VARS).with(Field::Traits, &TRAITS).with(Field::Envoy, &ENVOY);
    // A text that holds it already shows it.
    let written = source.contains(SECRET);
    match template.render(&scope) {
        Ok(rendered) => {
            assert!(written || !rendered.masked().contains(SECRET), "a masked text shows a secret");
            assert!(written || !format!("{rendered:?}").contains(SECRET), "Debug shows a secret");
            assert_eq!(rendered.secrets.is_empty(), rendered.text.secret_path().is_none(), "half a mark");
            for part in &rendered.secrets {
                assert!(rendered.text.as_str().get(part.range.clone()).is_some(), "a secret part outside the text");
            }
            assert_eq!(template.render(&scope).as_ref(), Ok(&rendered), "rendered twice, another text");
        }
        Err(error) => {
            inside(source, &error);
            assert!(written || !format!("{error:?}").contains(SECRET), "an error shows a secret");
        }
    }
    // A single action may yield a value where an attribute takes one.
    if let Err(error) = template.render_value(&scope) {
        inside(source, &error);
    }
}

fn inside(source: &str, error: &TemplateError) {
    assert!(source.get(error.offset..error.offset + error.len).is_some(), "{error:?} lies outside the text");
    assert!(error.line >= 1 && error.column >= 1 && !error.message.is_empty(), "{error:?} says nothing of use");
}

struct Vault;

impl Secrets for Vault {
    fn secret(&self, path: &str) -> Option<Text> {
        (path != "missing").then(|| Text::secret(SECRET, path))
    }
}

static VARS: LazyLock<Value> = LazyLock::new(|| {
    let site = |name: &'static str, port| Value::map([("name", Value::from(name)), ("port", Value::Int(port))]);
    Value::map([
        ("a", Value::from("text")),
        ("b", Value::Bool(true)),
        ("f", Value::Float(1.5)),
        ("n", Value::Int(-3)),
        ("null", Value::Null),
        ("s", Value::Text(Text::secret(SECRET, "db/pass"))),
        ("sites", Value::list([site("one", 80), site("two", 8080)])),
        ("m", Value::map([("x", Value::Int(1)), ("y", Value::list([Value::from("z")]))])),
    ])
});

static TRAITS: LazyLock<Value> = LazyLock::new(|| {
    Value::map([("os", Value::map([("family", Value::from("debian")), ("version", Value::from("12"))]))])
});

static ENVOY: LazyLock<Value> = LazyLock::new(|| Value::map([("Hostname", Value::from("web-03"))]));
