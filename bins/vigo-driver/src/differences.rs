//! In what policies differ, as programs pass it on.

use serde_json::{Value, json};
use std::sync::Arc;
use vigo_core::bundle::{ClassDiff, ClassesDiff, Difference, FieldDifference};
use vigo_core::limits::DIFFERENCES_MAX;

/// Names of classes that are shown of many.
const SHOWN_MAX: usize = 20;

/// Returns differences as JSON: `classes`, `differences` and how many are `left_out`.
pub fn differences_json(found: &ClassesDiff) -> Value {
    let left = found.classes.len().saturating_sub(DIFFERENCES_MAX);
    json!({
        "classes": found.classes.iter().take(DIFFERENCES_MAX).map(class).collect::<Vec<_>>(),
        "differences": found.differences.iter().map(|(difference, names)| one(difference, names)).collect::<Vec<_>>(),
        "left_out": found.left_out + left,
    })
}

fn class(class: &ClassDiff) -> Value {
    json!({ "change": class.change.word(), "name": &*class.name, "fields": fields(&class.fields) })
}

fn one(difference: &Difference, names: &[Arc<str>]) -> Value {
    json!({
        "change": difference.change.word(),
        "kind": difference.kind.word(),
        "id": difference.id,
        "type": difference.type_name,
        "fields": fields(&difference.fields),
        "classes": { "count": names.len(), "names": names.iter().take(SHOWN_MAX).map(|n| &**n).collect::<Vec<_>>() },
    })
}

fn fields(fields: &[FieldDifference]) -> Vec<Value> {
    fields.iter().map(|field| json!({ "name": field.name, "before": field.before, "after": field.after })).collect()
}
