//! Match files: which hosts get what.

use super::common::Inclusion;
use super::keys;
use super::reader::{Reader, is_extension};
use super::vars::{self, Var};
use crate::diagnostic::{Code, Diagnostic};
use crate::glob::{self, Glob};
use crate::secret;
use crate::source::{Node, Sources};
use alloc::vec::Vec;

/// A file of match blocks.
#[derive(Clone, Debug)]
pub struct MatchFile<'a> {
    /// The directory it stands in; empty is the root.
    pub dir: &'a str,
    /// The file's path.
    pub path: &'a str,
    /// Its blocks, over all documents.
    pub blocks: Vec<MatchBlock<'a>>,
}

/// One match block.
#[derive(Clone, Debug)]
pub struct MatchBlock<'a> {
    /// The whole block.
    pub node: Node<'a>,
    /// `match`: one of them must match.
    pub patterns: Vec<Pattern<'a>>,
    /// `environment`.
    pub environment: Option<Node<'a>>,
    /// What it includes.
    pub include: Inclusion<'a>,
    /// `vars`.
    pub vars: Vec<Var<'a>>,
    /// The variables of `vars_from`.
    pub vars_from: Vec<Var<'a>>,
    /// `observe_only`.
    pub observe_only: bool,
    /// `always_hold`.
    pub always_hold: bool,
    /// `network_device`.
    pub network_device: Option<NetworkDevice<'a>>,
}

/// One glob of a block.
#[derive(Clone, Debug)]
pub struct Pattern<'a> {
    /// The glob.
    pub glob: Glob,
    /// Where it stands.
    pub node: Node<'a>,
}

/// A device without an agent, reached through a gateway.
#[derive(Clone, Copy, Debug)]
pub struct NetworkDevice<'a> {
    /// `gateway`: the envoy that reaches it.
    pub gateway: Node<'a>,
    /// `type`.
    pub device_type: Node<'a>,
    /// `ssh_user`.
    pub ssh_user: Option<Node<'a>>,
    /// `ssh_password`; a reference to a secret.
    pub ssh_password: Option<Node<'a>>,
}

/// Reads one document of a match file.
pub(super) fn document<'a>(
    reader: &mut Reader,
    sources: &'a Sources,
    node: Node<'a>,
    path: &str,
    blocks: &mut Vec<MatchBlock<'a>>,
) {
    let Some(map) = reader.map(node, path) else { return };
    if map.get("resources").is_some() && map.get("envoys").is_none() {
        let message = alloc::format!("`{path}` holds a configcrate, and a file here holds match blocks");
        let d = Diagnostic::new(Code::Misplaced, node.span(), message);
        reader.report(d.help("move it below `configcrates/`"));
        return;
    }
    for e in map.iter() {
        match e.name {
            "envoys" => {
                for item in reader.list(e.value, "envoys") {
                    blocks.extend(block(reader, sources, item));
                }
            }
            name if is_extension(name) => {}
            _ => reader.unknown_key(e, &keys::MATCH_FILE),
        }
    }
}

fn block<'a>(reader: &mut Reader, sources: &'a Sources, node: Node<'a>) -> Option<MatchBlock<'a>> {
    let map = reader.map(node, "a match block")?;
    let mut block = MatchBlock {
        node,
        patterns: Vec::new(),
        environment: None,
        include: Inclusion::default(),
        vars: Vec::new(),
        vars_from: Vec::new(),
        observe_only: false,
        always_hold: false,
        network_device: None,
    };
    for e in map.iter() {
        match e.name {
            "match" => {
                for node in reader.texts(e.value, "match") {
                    match Glob::parse(node.text().unwrap_or_default()) {
                        Ok(glob) => block.patterns.push(Pattern { glob, node }),
                        Err(e) => {
                            let d = Diagnostic::new(Code::Glob, node.part(e.at, e.len), e.message);
                            reader.report(d.help(glob::HELP));
                        }
                    }
                }
            }
            "environment" => block.environment = reader.name(e.value, "an environment").map(|_| e.value),
            "vars" => block.vars = vars::vars(reader, e.value, "vars"),
            "vars_from" => block.vars_from = vars::vars_from(reader, sources, e.value),
            "observe_only" => block.observe_only = reader.bool(e.value, e.name).unwrap_or(false),
            "always_hold" => block.always_hold = reader.bool(e.value, e.name).unwrap_or(false),
            "network_device" => block.network_device = network_device(reader, e.value),
            _ if block.include.take(reader, e) => {}
            _ => reader.unknown_key(e, &keys::BLOCK),
        }
    }
    let is_missing = |node: Node<'_>| node.is_null() || node.list().is_some_and(|items| items.len() == 0);
    if map.get("match").is_none_or(is_missing) && Reader::misspelt(map, "match", keys::BLOCK.names()).is_none() {
        let d = Diagnostic::new(Code::MissingKey, node.span(), "a match block needs `match`");
        reader.report(d.help("write a glob over hostnames, as `match: \"web-*\"`"));
    }
    Some(block)
}

fn network_device<'a>(reader: &mut Reader, node: Node<'a>) -> Option<NetworkDevice<'a>> {
    let map = reader.map(node, "network_device")?;
    for e in map.iter() {
        if keys::NETWORK_DEVICE.key(e.name).is_some() {
            reader.text(e.value, e.name);
        } else {
            reader.unknown_key(e, &keys::NETWORK_DEVICE);
        }
    }
    let (Some(gateway), Some(device_type)) = (map.get("gateway"), map.get("type")) else {
        let d = Diagnostic::new(Code::MissingKey, node.span(), "`network_device` needs `gateway` and `type`");
        reader.report(d.help("name the envoy that reaches it, and what it is"));
        return None;
    };
    let ssh_password = map.get("ssh_password");
    if let Some(password) = ssh_password.filter(|p| p.text().is_some_and(|t| secret::find(t).is_empty())) {
        let d = Diagnostic::new(Code::SecretMisplaced, password.span(), "a password stands here in plain text");
        reader.report(d.help("write `secret:<path>`"));
    }
    Some(NetworkDevice { gateway, device_type, ssh_user: map.get("ssh_user"), ssh_password })
}

impl MatchBlock<'_> {
    /// Returns the pattern that matches, the first of them.
    pub fn matches(&self, hostname: &str) -> Option<&Pattern<'_>> {
        self.patterns.iter().find(|p| p.glob.matches(hostname))
    }
}

impl MatchFile<'_> {
    /// Returns the directories from the root down to the one that this file stands in, itself included.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        let inner = self.dir.match_indices('/').map(|(i, _)| i);
        let own = (!self.dir.is_empty()).then_some(self.dir.len());
        core::iter::once("").chain(inner.chain(own).filter_map(|end| self.dir.get(..end)))
    }
}
