//! All resource types.

use super::{TypeDecl, blockinfile, directory, file, file_line, ini, json_file, replace, symlink};

static TYPES: &[&TypeDecl] = &[
    &file::DECL,
    &directory::DECL,
    &symlink::DECL,
    &file_line::DECL,
    &blockinfile::DECL,
    &replace::DECL,
    &ini::DECL,
    &json_file::DECL,
];

/// Returns all types, in the order of the reference.
pub fn types() -> &'static [&'static TypeDecl] {
    TYPES
}

/// Returns the type of this name or alias.
pub fn find(name: &str) -> Option<&'static TypeDecl> {
    TYPES.iter().copied().find(|t| t.name == name || t.aliases.contains(&name))
}
