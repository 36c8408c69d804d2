//! Cycles of edges.

use super::edges::WrittenEdge;
use super::instances::Instances;
use crate::bundle::EdgeKind;
use crate::diagnostic::{Code, Diagnostic};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Cycles reported for one class: more are found once these are gone.
const CYCLES_MAX: usize = 10;

/// Returns an error for each cycle, its whole path with a place for each edge; no resource is in two of them.
pub(super) fn find(instances: &Instances<'_, '_>, edges: &[WrittenEdge<'_>]) -> Vec<Diagnostic> {
    let count = instances.all.len();
    let mut incoming = alloc::vec![0u32; count];
    let mut next: Vec<Vec<usize>> = alloc::vec![Vec::new(); count];
    let mut before: Vec<Vec<usize>> = alloc::vec![Vec::new(); count];
    for (i, e) in edges.iter().enumerate() {
        if let (Some(n), Some(list), Some(back)) =
            (incoming.get_mut(e.to as usize), next.get_mut(e.from as usize), before.get_mut(e.to as usize))
        {
            *n += 1;
            list.push(i);
            back.push(i);
        }
    }
    let mut left: Vec<bool> = alloc::vec![true; count];
    let mut found = Vec::new();
    peel(&mut left, &mut incoming, &next, edges);
    while found.len() < CYCLES_MAX {
        // Every node that is left has an edge from another that is left: walking backwards must come round.
        let Some(start) = left.iter().position(|&l| l) else { break };
        let mut path: Vec<usize> = Vec::new();
        let mut at_node: hashbrown::HashMap<usize, usize> = hashbrown::HashMap::new();
        let mut node = start;
        let cycle = loop {
            if let Some(&first) = at_node.get(&node) {
                break path.split_off(first);
            }
            at_node.insert(node, path.len());
            let is_left =
                |i: &&usize| edges.get(**i).is_some_and(|e| left.get(e.from as usize).copied().unwrap_or(false));
            let Some(&edge) = before.get(node).and_then(|all| all.iter().find(is_left)) else { break Vec::new() };
            path.push(edge);
            node = edges.get(edge).map_or(0, |e| e.from as usize);
        };
        if cycle.is_empty() {
            break;
        }
        // Walked backwards: turn it round, and begin with the edge that is written first.
        let mut cycle: Vec<&WrittenEdge<'_>> = cycle.iter().rev().filter_map(|&i| edges.get(i)).collect();
        if let Some(first) = (0..cycle.len()).min_by_key(|&i| cycle.get(i).map(|e| (e.node.span(), e.from))) {
            cycle.rotate_left(first);
        }
        found.push(report(instances, &cycle));
        for e in &cycle {
            if let Some(l) = left.get_mut(e.from as usize) {
                *l = false;
            }
        }
        let gone: Vec<u32> = cycle.iter().map(|e| e.from).collect();
        for node in gone {
            for &i in next.get(node as usize).map(Vec::as_slice).unwrap_or_default() {
                if let Some(n) = edges.get(i).and_then(|e| incoming.get_mut(e.to as usize)) {
                    *n = n.saturating_sub(1);
                }
            }
        }
        peel(&mut left, &mut incoming, &next, edges);
    }
    found
}

/// Takes out what has no edge from anything that is left.
fn peel(left: &mut [bool], incoming: &mut [u32], next: &[Vec<usize>], edges: &[WrittenEdge<'_>]) {
    let mut open: Vec<usize> =
        (0..left.len()).filter(|&i| left.get(i) == Some(&true) && incoming.get(i) == Some(&0)).collect();
    while let Some(node) = open.pop() {
        if let Some(l) = left.get_mut(node) {
            *l = false;
        }
        for &i in next.get(node).map(Vec::as_slice).unwrap_or_default() {
            let Some(to) = edges.get(i).map(|e| e.to as usize) else { continue };
            if let Some(n) = incoming.get_mut(to).filter(|n| **n > 0) {
                *n -= 1;
                if *n == 0 && left.get(to) == Some(&true) {
                    open.push(to);
                }
            }
        }
    }
}

fn report(instances: &Instances<'_, '_>, cycle: &[&WrittenEdge<'_>]) -> Diagnostic {
    let id = |i: u32| instances.all.get(i as usize).map_or("", |r| &*r.id);
    let mut path = String::new();
    for e in cycle {
        path.push_str(&format!("`{}` → ", id(e.from)));
    }
    path.push_str(&format!("`{}`", cycle.first().map_or("", |e| id(e.from))));
    let span = cycle.first().map_or(crate::diagnostic::Span::NONE, |e| e.node.span());
    let message = match cycle {
        [one] => format!("`{}` waits for itself", id(one.from)),
        _ => format!("these resources wait for each other: {path}"),
    };
    let mut d = Diagnostic::new(Code::Cycle, span, message);
    for (i, e) in cycle.iter().enumerate() {
        let text = match e.kind {
            EdgeKind::Requires => format!("`{}` requires `{}`", id(e.to), id(e.from)),
            EdgeKind::Notifies => format!("`{}` notifies `{}`", id(e.from), id(e.to)),
            EdgeKind::Order => format!("`{}` comes after `{}`", id(e.to), id(e.from)),
        };
        d = if i == 0 { d.at(text) } else { d.label(e.node.span(), text) };
    }
    d.help("take one of these edges out")
}
