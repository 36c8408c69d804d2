//! All resource types.

use super::TypeDecl;

/// One line a type, in the order of the reference.
#[rustfmt::skip]
static TYPES: &[&TypeDecl] = &[
    &super::file::DECL,
    &super::directory::DECL,
    &super::symlink::DECL,
    &super::file_line::DECL,
    &super::blockinfile::DECL,
    &super::replace::DECL,
    &super::ini::DECL,
    &super::json_file::DECL,
    &super::package::DECL,
    &super::repository::DECL,
    &super::service::DECL,
    &super::systemd_unit::DECL,
    &super::systemd_dropin::DECL,
    &super::process::DECL,
    &super::exec::DECL,
    &super::user::DECL,
    &super::group::DECL,
    &super::authorized_key::DECL,
    &super::cron::DECL,
    &super::host_entry::DECL,
    &super::hostname::DECL,
    &super::timezone::DECL,
    &super::sysctl::DECL,
    &super::mount::DECL,
    &super::swap::DECL,
    &super::git::DECL,
    &super::custom::DECL,
    &super::registry_key::DECL,
];

/// Returns all types, in the order of the reference.
pub fn types() -> &'static [&'static TypeDecl] {
    TYPES
}

/// Returns the type of this name or alias.
pub fn find(name: &str) -> Option<&'static TypeDecl> {
    TYPES.iter().copied().find(|t| t.name == name || t.aliases.contains(&name))
}
