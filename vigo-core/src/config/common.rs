//! `common.vgo`, and the lists of what is included that layers, blocks and environments share.

use super::keys;
use super::reader::{Reader, is_extension};
use super::vars::{self, Var};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Entry, Node, Sources};
use alloc::vec::Vec;

/// What a layer, a match block or an environment includes and excludes.
#[derive(Clone, Debug, Default)]
pub struct Inclusion<'a> {
    /// `roles`.
    pub roles: Vec<Include<'a>>,
    /// `configcrates`.
    pub configcrates: Vec<Include<'a>>,
    /// `usercrates`, named without `user:`.
    pub usercrates: Vec<Include<'a>>,
    /// `exclude_configcrates`; a usercrate is `user:dan`.
    pub exclude: Vec<Include<'a>>,
}

/// A name in such a list.
#[derive(Clone, Copy, Debug)]
pub struct Include<'a> {
    /// The name.
    pub name: &'a str,
    /// Where it stands.
    pub node: Node<'a>,
}

/// One `common.vgo`.
#[derive(Clone, Debug)]
pub struct Common<'a> {
    /// The directory whose sub-directories inherit it; empty is the root.
    pub dir: &'a str,
    /// The file's path.
    pub path: &'a str,
    /// The whole document.
    pub node: Node<'a>,
    /// What it includes.
    pub include: Inclusion<'a>,
    /// `vars`.
    pub vars: Vec<Var<'a>>,
    /// The variables of `vars_from`.
    pub vars_from: Vec<Var<'a>>,
}

impl<'a> Inclusion<'a> {
    /// Takes `entry` if it is one of the lists.
    pub(super) fn take(&mut self, reader: &mut Reader, entry: Entry<'a>) -> bool {
        let into = match entry.name {
            "roles" => &mut self.roles,
            "configcrates" => &mut self.configcrates,
            "usercrates" => &mut self.usercrates,
            "exclude_configcrates" => &mut self.exclude,
            _ => return false,
        };
        into.extend(includes(reader, entry.value, entry.name));
        true
    }
}

pub(super) fn includes<'a>(reader: &mut Reader, node: Node<'a>, what: &str) -> Vec<Include<'a>> {
    let nodes = reader.texts(node, what);
    nodes.into_iter().filter_map(|node| Some(Include { name: node.text()?, node })).collect()
}

pub(super) fn read<'a>(
    reader: &mut Reader,
    sources: &'a Sources,
    dir: &'a str,
    path: &'a str,
    node: Node<'a>,
) -> Option<Common<'a>> {
    let map = reader.map(node, path)?;
    let mut common = Common { dir, path, node, include: Inclusion::default(), vars: Vec::new(), vars_from: Vec::new() };
    for e in map.iter() {
        match e.name {
            "vars" => common.vars = vars::vars(reader, e.value, "vars"),
            "vars_from" => common.vars_from = vars::vars_from(reader, sources, e.value),
            name if is_extension(name) => {}
            "envoys" => {
                let d = Diagnostic::new(Code::Misplaced, e.key.span(), "`common.vgo` holds no match blocks");
                reader.report(d.help("move them to a file beside it, such as `envoys.vgo`"));
                reader.lose_node(e.value);
            }
            _ if common.include.take(reader, e) => {}
            _ => reader.unknown_key(e, &keys::COMMON),
        }
    }
    Some(common)
}
