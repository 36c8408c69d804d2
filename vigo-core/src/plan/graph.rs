//! A graph of resources, and the order in which they have their turn.

use crate::bundle::{Edge, EdgeKind};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

/// Resources by index, with the edges between them.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    after: Vec<Vec<(u32, Reason)>>,
    before: Vec<Vec<(u32, Reason)>>,
}

/// Why one resource comes before another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// The policy says so.
    Written(EdgeKind),
    /// The planner found it: order only, dropped where it would close a cycle.
    Implied,
}

/// Edges that lead back to where they began: each resource comes before the next, the last before the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cycle(pub Vec<u32>);

impl Graph {
    /// Returns a graph of `count` resources without edges.
    pub fn new(count: usize) -> Self {
        Self { after: alloc::vec![Vec::new(); count], before: alloc::vec![Vec::new(); count] }
    }

    /// Returns a graph of `count` resources with the written `edges`; those out of range are passed over.
    pub fn of(count: usize, edges: &[Edge]) -> Self {
        let mut graph = Self::new(count);
        for edge in edges {
            graph.add(edge.from, edge.to, Reason::Written(edge.kind));
        }
        graph
    }

    /// Adds an edge; one from a resource to itself is passed over.
    pub fn add(&mut self, from: u32, to: u32, reason: Reason) {
        if from == to || from as usize >= self.after.len() || to as usize >= self.after.len() {
            return;
        }
        self.after[from as usize].push((to, reason));
        self.before[to as usize].push((from, reason));
    }

    /// Takes back the newest edges, the newest first.
    pub(super) fn take_back(&mut self, from: u32, to: u32) {
        let newest = |edges: Option<&mut Vec<(u32, Reason)>>, end: u32| {
            edges.and_then(|edges| edges.pop_if(|(node, _)| *node == end));
        };
        newest(self.after.get_mut(from as usize), to);
        newest(self.before.get_mut(to as usize), from);
    }

    /// Returns what comes directly before `node`, and why.
    pub fn before(&self, node: u32) -> &[(u32, Reason)] {
        self.before.get(node as usize).map_or(&[], Vec::as_slice)
    }

    /// Returns what comes directly after `node`, and why.
    pub fn after(&self, node: u32) -> &[(u32, Reason)] {
        self.after.get(node as usize).map_or(&[], Vec::as_slice)
    }

    /// Returns how many resources there are.
    pub fn len(&self) -> usize {
        self.after.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.after.is_empty()
    }

    /// Returns the order that keeps all edges, and among what is free the least `rank` first.
    ///
    /// # Errors
    /// A [`Cycle`], when written edges cannot all be kept.
    pub fn order<R: Ord>(&self, rank: impl Fn(u32) -> R) -> Result<Vec<u32>, Cycle> {
        let count = self.after.len();
        let mut waiting: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut free: BinaryHeap<Reverse<(R, u32)>> = BinaryHeap::new();
        for node in 0..count as u32 {
            if waiting[node as usize] == 0 {
                free.push(Reverse((rank(node), node)));
            }
        }
        let mut order = Vec::with_capacity(count);
        while let Some(Reverse((_, node))) = free.pop() {
            order.push(node);
            for &(next, _) in &self.after[node as usize] {
                waiting[next as usize] -= 1;
                if waiting[next as usize] == 0 {
                    free.push(Reverse((rank(next), next)));
                }
            }
        }
        if order.len() == count { Ok(order) } else { Err(self.cycle(&waiting)) }
    }

    /// Returns for each node whether it is on a cycle, or on a way from one cycle to another.
    pub fn knots(&self) -> Vec<bool> {
        let mut tied = alloc::vec![true; self.after.len()];
        for (ahead, back) in [(&self.after, &self.before), (&self.before, &self.after)] {
            let is_tied = |edges: &[(u32, Reason)]| edges.iter().filter(|(n, _)| tied[*n as usize]).count();
            let mut waiting: Vec<usize> = back.iter().map(|edges| is_tied(edges)).collect();
            let mut free: Vec<u32> = (0..tied.len() as u32).filter(|&n| waiting[n as usize] == 0).collect();
            while let Some(node) = free.pop() {
                if !core::mem::replace(&mut tied[node as usize], false) {
                    continue;
                }
                for &(next, _) in &ahead[node as usize] {
                    waiting[next as usize] = waiting[next as usize].saturating_sub(1);
                    if waiting[next as usize] == 0 {
                        free.push(next);
                    }
                }
            }
        }
        tied
    }

    /// Finds one cycle among the nodes that still wait: each of them has a predecessor that waits too.
    fn cycle(&self, waiting: &[usize]) -> Cycle {
        let Some(mut node) = waiting.iter().position(|&w| w > 0).map(|n| n as u32) else { return Cycle(Vec::new()) };
        let mut seen = alloc::vec![usize::MAX; waiting.len()];
        let mut path: Vec<u32> = Vec::new();
        loop {
            if seen[node as usize] != usize::MAX {
                let mut cycle = path.split_off(seen[node as usize]);
                cycle.reverse();
                return Cycle(cycle);
            }
            seen[node as usize] = path.len();
            path.push(node);
            match self.before[node as usize].iter().find(|(from, _)| waiting[*from as usize] > 0) {
                Some(&(from, _)) => node = from,
                None => return Cycle(path),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: u32, to: u32) -> Edge {
        Edge { from, to, kind: EdgeKind::Requires }
    }

    #[test]
    fn edges_come_first_and_rank_breaks_ties() {
        let g = Graph::of(4, &[edge(3, 0), edge(2, 1)]);
        assert_eq!(g.order(|n| n), Ok(alloc::vec![2, 1, 3, 0]));
        assert_eq!(g.order(Reverse), Ok(alloc::vec![3, 2, 1, 0]));
    }

    #[test]
    fn a_cycle_is_returned_in_its_order() {
        let g = Graph::of(4, &[edge(0, 1), edge(1, 2), edge(2, 0), edge(2, 3)]);
        let Err(Cycle(cycle)) = g.order(|n| n) else { panic!("expected a cycle") };
        assert_eq!(cycle.len(), 3);
        for (i, &from) in cycle.iter().enumerate() {
            let to = cycle[(i + 1) % cycle.len()];
            assert!(g.after(from).iter().any(|&(n, _)| n == to), "{from} -> {to}");
        }
    }

    #[test]
    fn knots_are_cycles_and_what_is_between() {
        // 1-2 and 4-5 are cycles, 3 is between them; 0 comes before, 6 after, 7 is apart.
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 5), (5, 4), (5, 6)];
        let g = Graph::of(8, &edges.map(|(from, to)| edge(from, to)));
        let tied: Vec<u32> = g.knots().iter().zip(0..).filter(|(tied, _)| **tied).map(|(_, n)| n).collect();
        assert_eq!(tied, [1, 2, 3, 4, 5]);
    }

    proptest::proptest! {
        #[test]
        fn every_order_keeps_every_edge(edges in proptest::collection::vec((0u32..12, 0u32..12), 0..30)) {
            let edges: Vec<Edge> = edges.into_iter().map(|(a, b)| edge(a, b)).collect();
            let g = Graph::of(12, &edges);
            match g.order(|n| n) {
                Ok(order) => {
                    let at = |n: u32| order.iter().position(|&m| m == n).unwrap();
                    for e in edges.iter().filter(|e| e.from != e.to) {
                        assert!(at(e.from) < at(e.to));
                    }
                }
                Err(Cycle(cycle)) => assert!(cycle.len() > 1),
            }
        }
    }
}
