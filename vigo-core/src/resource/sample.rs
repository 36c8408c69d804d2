//! Attributes for tests, without the language in front of them.

use super::{Datum, Field, FieldValue, Fields, TypeDecl};
use crate::bundle::Place;
use crate::value::Text;
use alloc::string::String;
use alloc::vec::Vec;

/// Attributes as a test writes them.
pub(crate) type Items<'a> = &'a [(&'a str, Datum)];

/// Returns a bare scalar.
pub(crate) fn text(text: &str) -> Datum {
    Datum::Scalar { text: Text::plain(text), plain: true }
}

/// Returns the secret at `path`.
pub(crate) fn secret(text: &str, path: &str) -> Datum {
    Datum::Scalar { text: Text::secret(text, path), plain: false }
}

/// Returns a list of scalars.
pub(crate) fn list(items: &[&str]) -> Datum {
    Datum::List(items.iter().map(|i| text(i)).collect())
}

/// Returns a map of scalars.
pub(crate) fn map(items: &[(&str, &str)]) -> Datum {
    Datum::Map(items.iter().map(|(k, v)| ((*k).into(), text(v))).collect())
}

/// Returns the attributes of a resource `crate/sample`.
pub(crate) fn fields(decl: &'static TypeDecl, items: Items<'_>) -> Fields {
    let place = Place::default();
    let field =
        |(name, datum): &(&str, Datum)| Field { name: (*name).into(), value: FieldValue::Known(datum.clone()), place };
    let items = items.iter().map(field).collect();
    Fields { decl, id: "crate/sample".into(), name: "sample".into(), place, handler: false, items }
}

/// Returns what the shared and the type's own checks say, one problem a line.
pub(crate) fn problems(fields: &Fields) -> String {
    let all: Vec<String> = super::check(fields).iter().map(|p| alloc::format!("{p}")).collect();
    all.join("\n")
}
