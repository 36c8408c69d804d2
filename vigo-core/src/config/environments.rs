//! `environments.vgo`.

use super::common::Inclusion;
use super::keys;
use super::reader::{Reader, is_extension};
use super::vars::{self, Var};
use crate::source::Node;
use alloc::vec::Vec;

/// One `environments.vgo`.
#[derive(Clone, Debug)]
pub struct EnvironmentsFile<'a> {
    /// The directory it stands in; empty is the root.
    pub dir: &'a str,
    /// The file's path.
    pub path: &'a str,
    /// The environments.
    pub environments: Vec<Environment<'a>>,
}

/// One environment of such a file.
#[derive(Clone, Debug)]
pub struct Environment<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where the name stands.
    pub key: Node<'a>,
    /// What it adds and removes.
    pub include: Inclusion<'a>,
    /// `vars`.
    pub vars: Vec<Var<'a>>,
}

pub(super) fn read<'a>(reader: &mut Reader, dir: &'a str, path: &'a str, node: Node<'a>) -> EnvironmentsFile<'a> {
    let mut file = EnvironmentsFile { dir, path, environments: Vec::new() };
    let Some(map) = reader.map(node, path) else { return file };
    for e in map.iter() {
        match e.name {
            "env" => {
                let Some(all) = reader.map(e.value, "env") else { continue };
                for env in all.iter() {
                    if let Some(name) = reader.name(env.key, "an environment") {
                        file.environments.push(environment(reader, name, env.key, env.value));
                    }
                }
            }
            name if is_extension(name) => {}
            _ => reader.unknown_key(e, &keys::ENVIRONMENTS_FILE),
        }
    }
    file
}

fn environment<'a>(reader: &mut Reader, name: &'a str, key: Node<'a>, node: Node<'a>) -> Environment<'a> {
    let mut env = Environment { name, key, include: Inclusion::default(), vars: Vec::new() };
    for e in reader.map(node, name).into_iter().flat_map(|m| m.iter()) {
        match e.name {
            "vars" => env.vars = vars::vars(reader, e.value, "vars"),
            _ if env.include.take(reader, e) => {}
            _ => reader.unknown_key(e, &keys::ENVIRONMENT),
        }
    }
    env
}
