//! The host as a whole: files, layers, and what the other parts say of it.

use super::super::class::{self, Layers};
use super::super::instances::{self, Context};
use super::super::policy::{self, Resolved};
use super::super::trace::Setting;
use super::super::validate::validate;
use super::super::{contract, crates, edges, vars};
use super::claims::{self, ClaimTrace, WaiverTrace};
use super::condition::{self, Condition};
use super::edge::{self, EdgeTrace};
use crate::config::Config;
use crate::diagnostic::Diagnostic;
use crate::plan::Graph;
use crate::time::Civil;
use crate::when::Expr;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Everything that decided what a host gets.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The policy, with crates and variables and why they are in.
    pub resolved: Resolved,
    /// The match files in the order in which they are asked.
    pub files: Vec<FileTrace>,
    /// The files that the block inherits, in the order in which their crates are collected.
    pub layers: Vec<Setting>,
    /// Every condition that has a say: of arms, gates, resources and their cases, in the order of the crates.
    pub conditions: Vec<Condition>,
    /// The resources of the policy as numbers, in the order that the written edges demand: what only a machine knows (an
    /// implied edge) may still move them.
    pub order: Vec<u32>,
    /// The edges, with where they are written.
    pub edges: Vec<EdgeTrace>,
    /// What crates and resources claim to fulfil.
    pub claims: Vec<ClaimTrace>,
    /// Waivers that the host inherits, those that are void too.
    pub waivers: Vec<WaiverTrace>,
}

/// A match file, and what it came to.
#[derive(Clone, Debug)]
pub struct FileTrace {
    /// Its path.
    pub path: Arc<str>,
    /// How many blocks it holds.
    pub blocks: usize,
    /// What came of it.
    pub outcome: FileOutcome,
    /// The lines of blocks that would have taken the host, had the winner not come first.
    pub beaten: Vec<u32>,
}

/// What a match file came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileOutcome {
    /// None of its blocks takes the host.
    NoMatch,
    /// The winner stands in it.
    Wins {
        /// The block's number in the file, from 1.
        block: usize,
        /// The block's line, from 1.
        line: u32,
    },
    /// The winner stands before it.
    NotAsked,
}

/// Explains what `hostname` gets; `environment` stands for the one that its match block names, `today` decides which waivers
/// are void.
///
/// # Errors
/// All that is wrong with the tree.
pub fn explain(
    config: &Config<'_>,
    hostname: &str,
    environment: Option<&str>,
    today: &Civil,
) -> Result<Explained, Vec<Diagnostic>> {
    let resolved = validate(config, hostname, environment)?;
    let layers = class::select(config, hostname, environment).map_err(|d| alloc::vec![d])?;
    let set = crates::collect(config, &layers);
    let facts = policy::facts(&set, layers.environment);
    let mut vars = vars::host(&layers);
    let mut cx = Context::new(config, Some(&layers), &set, &facts);
    let instances = instances::instantiate(&mut cx, &mut vars);
    let written = edges::collect(&mut cx, &instances);
    let mut dropped: Vec<bool> = instances.all.iter().map(|i| i.when == Expr::False).collect();
    dropped.resize(instances.all.len() + instances.crates.len(), true);
    let written = contract::contract(written, &dropped).unwrap_or_default();
    let graph = Graph::of(resolved.bundle.resources.len(), &resolved.bundle.edges);
    Ok(Explained {
        files: files(config, &layers, hostname),
        layers: inherited(&layers),
        conditions: condition::of_host(&mut cx, &instances),
        order: graph.order(|number| number).unwrap_or_default(),
        edges: edge::trace(config, &instances, &written),
        claims: claims::of_host(config, &instances),
        waivers: claims::waivers(config, &layers, today),
        resolved,
    })
}

fn files(config: &Config<'_>, layers: &Layers<'_, '_>, hostname: &str) -> Vec<FileTrace> {
    let mut won = false;
    let trace = |file: &crate::config::MatchFile<'_>| {
        let is_winner = core::ptr::eq(file, layers.file);
        let outcome = match (is_winner, won) {
            (true, _) => FileOutcome::Wins { block: layers.index + 1, line: layers.block.node.line() },
            (false, true) => FileOutcome::NotAsked,
            (false, false) => FileOutcome::NoMatch,
        };
        won |= is_winner;
        let behind = if is_winner { layers.index + 1 } else { 0 };
        let beaten = file.blocks.iter().skip(behind).filter(|b| b.matches(hostname).is_some());
        let beaten = beaten.map(|b| b.node.line()).collect();
        FileTrace { path: file.path.into(), blocks: file.blocks.len(), outcome, beaten }
    };
    config.match_files.iter().map(trace).collect()
}

fn inherited(layers: &Layers<'_, '_>) -> Vec<Setting> {
    let commons = layers.commons.iter().map(|c| Setting::at("common", c.node));
    let block = core::iter::once(Setting::at("block", layers.block.node));
    let environments = layers.environments.iter().map(|(_, e)| Setting::at(format!("environment {}", e.name), e.key));
    commons.chain(block).chain(environments).collect()
}
