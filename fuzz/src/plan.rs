//! Order and implied edges of any graph.

use vigo_core::action::AbsPath;
use vigo_core::bundle::{Edge, EdgeKind};
use vigo_core::plan::{Cycle, Graph, Node, Reason, imply};
use vigo_core::resource::{Footprint, Need};

/// Reads pairs of bytes as edges and paths: the order keeps every written edge, implied ones never close a cycle, and a
/// cycle that is reported is one.
pub fn plan(data: &[u8]) {
    let count = 24u32;
    let (edges, rest) = data.split_at(data.len() / 2);
    let written: Vec<Edge> = edges
        .chunks_exact(2)
        .map(|pair| Edge {
            from: u32::from(pair[0]) % count,
            to: u32::from(pair[1]) % count,
            kind: if pair[0] & 0x80 == 0 { EdgeKind::Requires } else { EdgeKind::Notifies },
        })
        .collect();
    let path = |b: u8| AbsPath::parse(&format!("/d{}/e{}/f{}", b & 3, b >> 2 & 3, b >> 4 & 3)).ok();
    let prints: Vec<Footprint> = (0..count as usize)
        .map(|i| {
            let b = rest.get(i).copied().unwrap_or(0);
            let paths: Vec<AbsPath> = path(b).into_iter().collect();
            let above = paths.first().and_then(AbsPath::parent);
            let makes = if b & 0x40 == 0 { Vec::new() } else { above.into_iter().map(Need::Dir).collect() };
            let needs = if b & 0x80 == 0 { Vec::new() } else { vec![Need::User("u".into())] };
            Footprint { paths, makes, needs, ..Footprint::default() }
        })
        .collect();
    let types = ["file", "package", "service", "exec"];
    let node =
        |i: usize| Node { type_name: types[i % 4], krate: i as u32 / 6, rank: i as u32, footprint: Some(&prints[i]) };
    let nodes: Vec<Node<'_>> = (0..count as usize).map(node).collect();
    let before = Graph::of(count as usize, &written).order(|n| n);
    let mut graph = Graph::of(count as usize, &written);
    imply(&mut graph, &nodes);
    match graph.order(|n| n) {
        Ok(order) => {
            let mut at = vec![0; count as usize];
            order.iter().enumerate().for_each(|(place, &n)| at[n as usize] = place);
            for e in written.iter().filter(|e| e.from != e.to) {
                assert!(at[e.from as usize] < at[e.to as usize], "a written edge is not kept");
            }
        }
        Err(Cycle(cycle)) => {
            assert!(before.is_err(), "implied edges closed a cycle");
            for (i, &from) in cycle.iter().enumerate() {
                let to = cycle[(i + 1) % cycle.len()];
                let edge = graph.after(from).iter().any(|&(n, reason)| n == to && reason != Reason::Implied);
                assert!(edge, "{from} -> {to} is no written edge");
            }
        }
    }
}
