//! `packages`, `package_updates`, `repositories`.

use super::super::Found;
use super::super::see::{fields, int, some};
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::string::String;

/// Returns area `packages` of names and versions. Of a name that is there twice all are counted, and the last is told.
pub fn packages(manager: &str, installed: impl IntoIterator<Item = (String, String)>) -> Found {
    let mut count = 0;
    let installed: BTreeMap<String, String> = installed.into_iter().inspect(|_| count += 1).collect();
    let count = int(count);
    let installed = Value::map(installed.into_iter().map(|(name, version)| (name, Value::from(version))));
    Found::Value(fields([("manager", some(manager)), ("count", Some(count)), ("installed", Some(installed))]))
}

/// Returns area `package_updates` of names with the versions that are installed and on offer. Which of them make the
/// machine safer is not told.
pub fn updates<'a>(newer: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Found {
    let one = |(name, installed, candidate)| {
        fields([("name", some(name)), ("installed", some(installed)), ("candidate", some(candidate))])
    };
    let packages = Value::list(newer.into_iter().map(one));
    let count = packages.as_list().map(|list| int(list.len() as u64));
    Found::Value(fields([("count", count), ("packages", Some(packages))]))
}

/// Returns area `repositories` of names, addresses, and whether packages are taken from there.
pub fn repositories<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str, bool)>) -> Found {
    let one =
        |(id, url, enabled)| fields([("id", some(id)), ("url", some(url)), ("enabled", Some(Value::Bool(enabled)))]);
    Found::Value(Value::list(sources.into_iter().map(one)))
}
