//! Questions about a fleet.

use crate::input::text;
use vigo_core::fleet::Query;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;

/// Reads a question and asks it of a machine.
///
/// Its negation says the opposite, what it looks at stands in it, and an error has a place in it.
pub fn query(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(error) => {
            assert!(error.at >= 1 && error.at <= text.chars().count() + 1, "{error:?}");
            return;
        }
    };
    let os = Value::map([("family", Value::text("debian")), ("major", Value::from(12))]);
    let memory = Value::map([("total_mb", Value::from(2048)), ("swap", Value::from(false))]);
    let traits = TraitSet::from_value(Value::map([("os", os), ("memory", memory)])).unwrap_or_default();
    let matches = query.matches("web-1", &traits);
    assert!(query.paths().iter().all(|path| text.contains(path)), "{:?}", query.paths());
    // The negation may be too deep or too long.
    if let Ok(opposite) = Query::parse(&format!("not ({text})")) {
        assert_ne!(opposite.matches("web-1", &traits), matches);
    }
}
