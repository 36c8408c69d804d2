//! Taking resources out of the graph whose condition the server found false: their edges are handed on, as order.

use super::edges::WrittenEdge;
use crate::bundle::EdgeKind;
use crate::limits;
use alloc::vec::Vec;

/// Returns the edges among the nodes that stay, one for each pair and kind; `None` when there are too many.
///
/// `gone` has one item a node. A path through nodes that go becomes an edge of order between its ends.
pub(super) fn contract<'a>(mut edges: Vec<WrittenEdge<'a>>, gone: &[bool]) -> Option<Vec<WrittenEdge<'a>>> {
    let is_gone = |node: u32| gone.get(node as usize).copied().unwrap_or(true);
    if gone.iter().any(|&g| g) {
        let mut next: Vec<Vec<u32>> = alloc::vec![Vec::new(); gone.len()];
        for e in &edges {
            if is_gone(e.from)
                && let Some(list) = next.get_mut(e.from as usize)
            {
                list.push(e.to);
            }
        }
        let mut handed: Vec<WrittenEdge<'a>> = Vec::new();
        // What is reached from each node that goes is found once.
        let mut reached: Vec<Option<Vec<u32>>> = alloc::vec![None; gone.len()];
        let mut steps = STEPS_MAX;
        for e in edges.iter().filter(|e| !is_gone(e.from) && is_gone(e.to)) {
            let ends = match reached.get_mut(e.to as usize)? {
                Some(ends) => ends,
                slot => slot.insert(reach(e.to, &next, &is_gone, &mut steps)?),
            };
            if handed.len().saturating_add(ends.len()) > limits::EDGES_MAX {
                return None;
            }
            let order = |&to: &u32| WrittenEdge { from: e.from, to, kind: EdgeKind::Order, node: e.node };
            handed.extend(ends.iter().filter(|&&to| to != e.from).map(order));
        }
        edges.retain(|e| !is_gone(e.from) && !is_gone(e.to));
        edges.append(&mut handed);
    }
    // The first written of each pair and kind stays, and order only where nothing stronger says it.
    edges.sort_by_key(|e| (e.from, e.to, e.kind));
    edges.dedup_by(|later, first| {
        (later.from, later.to) == (first.from, first.to) && (later.kind == first.kind || later.kind == EdgeKind::Order)
    });
    Some(edges)
}

/// Edges looked at on the way through what goes: twice what a class may have.
const STEPS_MAX: usize = 2 * limits::EDGES_MAX;

fn reach(start: u32, next: &[Vec<u32>], is_gone: &dyn Fn(u32) -> bool, steps: &mut usize) -> Option<Vec<u32>> {
    let mut seen = hashbrown::HashSet::new();
    let mut ends = Vec::new();
    let mut open = alloc::vec![start];
    while let Some(node) = open.pop() {
        for &to in next.get(node as usize).map(Vec::as_slice).unwrap_or_default() {
            *steps = steps.checked_sub(1)?;
            if !seen.insert(to) {
                continue;
            }
            if is_gone(to) {
                open.push(to);
            } else {
                ends.push(to);
            }
        }
    }
    ends.sort_unstable();
    Some(ends)
}
