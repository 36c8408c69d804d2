//! Edges that nobody wrote: a directory before what is in it, a user before what is hers.

use super::{Graph, Reason};
use crate::resource::{Footprint, Need};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What the planner knows of a resource.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// The type.
    pub type_name: &'a str,
    /// Its crate, as an index.
    pub krate: u32,
    /// Its place in the policy.
    pub rank: u32,
    /// What it manages and needs; `None` while that is not known.
    pub footprint: Option<&'a Footprint>,
}

/// Adds the implied edges among `nodes` to `graph`, whose nodes they are, each only where it closes no cycle.
///
/// Directory before what is below it; group before user before what they own; repository before package; package before
/// service, user and exec of the same crate that are declared later; mount before paths below it.
pub fn imply(graph: &mut Graph, nodes: &[Node<'_>]) {
    let mut dirs: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    let mut users: BTreeMap<&Arc<str>, Vec<u32>> = BTreeMap::new();
    let mut groups: BTreeMap<&Arc<str>, Vec<u32>> = BTreeMap::new();
    let mut repositories = Vec::new();
    let mut packages: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let i = i as u32;
        if node.type_name == "package" {
            packages.entry(node.krate).or_default().push(i);
        }
        for made in node.footprint.iter().flat_map(|f| &f.makes) {
            match made {
                Need::Dir(path) | Need::Mount(path) => dirs.entry(path.as_str()).or_default().push(i),
                Need::User(name) => users.entry(name).or_default().push(i),
                Need::Group(name) => groups.entry(name).or_default().push(i),
                Need::Repositories => repositories.push(i),
            }
        }
    }
    let mut wanted = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let to = i as u32;
        let mut after = |from: u32| {
            if from != to {
                wanted.push((from, to));
            }
        };
        if node.type_name == "package" {
            repositories.iter().for_each(|&from| after(from));
        }
        if matches!(node.type_name, "service" | "user" | "exec") {
            let earlier = packages.get(&node.krate).into_iter().flatten();
            earlier.filter(|&&p| nodes[p as usize].rank < node.rank).for_each(|&from| after(from));
        }
        let Some(footprint) = node.footprint else { continue };
        for path in &footprint.paths {
            if dirs.is_empty() {
                break;
            }
            for dir in path.above() {
                dirs.get(dir).into_iter().flatten().for_each(|&from| after(from));
            }
        }
        for need in &footprint.needs {
            let makers = match need {
                Need::User(name) => users.get(name),
                Need::Group(name) => groups.get(name),
                Need::Dir(path) | Need::Mount(path) => dirs.get(path.as_str()),
                Need::Repositories => Some(&repositories),
            };
            makers.into_iter().flatten().for_each(|&from| after(from));
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    add_without_cycles(graph, &wanted);
}

/// Adds what keeps the graph free of cycles: all at once what is on none; the rest, if any, one by one.
fn add_without_cycles(graph: &mut Graph, wanted: &[(u32, u32)]) {
    wanted.iter().for_each(|&(from, to)| graph.add(from, to, Reason::Implied));
    let tied = graph.knots();
    let is_tied = |&&(from, to): &&(u32, u32)| tied[from as usize] && tied[to as usize];
    if !wanted.iter().any(|edge| is_tied(&edge)) {
        return;
    }
    wanted.iter().rev().for_each(|&(from, to)| graph.take_back(from, to));
    for &(from, to) in wanted.iter().filter(|edge| !is_tied(edge)) {
        graph.add(from, to, Reason::Implied);
    }
    for &(from, to) in wanted.iter().filter(is_tied) {
        if !reaches(graph, to, from, &tied) {
            graph.add(from, to, Reason::Implied);
        }
    }
}

/// Returns whether a way among `within` leads from one to the other.
fn reaches(graph: &Graph, from: u32, to: u32, within: &[bool]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = alloc::vec![from];
    while let Some(node) = open.pop() {
        if node == to {
            return true;
        }
        if seen.insert(node) {
            open.extend(graph.after(node).iter().map(|&(next, _)| next).filter(|&n| within[n as usize]));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::AbsPath;
    use crate::bundle::{Edge, EdgeKind};

    fn path(text: &str) -> AbsPath {
        AbsPath::parse(text).unwrap()
    }

    fn dir(text: &str) -> Footprint {
        Footprint { paths: alloc::vec![path(text)], makes: alloc::vec![Need::Dir(path(text))], ..Footprint::default() }
    }

    fn file(text: &str, owner: &str) -> Footprint {
        Footprint {
            paths: alloc::vec![path(text)],
            needs: alloc::vec![Need::User(owner.into())],
            ..Footprint::default()
        }
    }

    #[test]
    fn directories_and_owners_come_first() {
        let user = Footprint { makes: alloc::vec![Need::User("dan".into())], ..Footprint::default() };
        let prints = [file("/srv/www/site/index.html", "dan"), dir("/srv/www"), user];
        let types = ["file", "directory", "user"];
        let nodes: Vec<Node<'_>> = (0..3)
            .map(|i| Node { type_name: types[i], krate: 0, rank: i as u32, footprint: Some(&prints[i]) })
            .collect();
        let mut graph = Graph::new(3);
        imply(&mut graph, &nodes);
        assert_eq!(graph.order(|n| n), Ok(alloc::vec![1, 2, 0]));
    }

    #[test]
    fn an_implied_edge_never_closes_a_cycle() {
        let prints = [dir("/a"), dir("/a/b")];
        let nodes: Vec<Node<'_>> = (0..2)
            .map(|i| Node { type_name: "directory", krate: 0, rank: i as u32, footprint: Some(&prints[i]) })
            .collect();
        let mut graph = Graph::of(2, &[Edge { from: 1, to: 0, kind: EdgeKind::Requires }]);
        imply(&mut graph, &nodes);
        assert_eq!(graph.order(|n| n), Ok(alloc::vec![1, 0]));
    }

    #[test]
    fn a_package_comes_before_the_services_of_its_crate_that_follow() {
        let nodes = [("service", 0), ("package", 0), ("service", 0), ("service", 1)].map(|(t, krate)| (t, krate));
        let nodes: Vec<Node<'_>> = nodes
            .iter()
            .enumerate()
            .map(|(i, &(type_name, krate))| Node { type_name, krate, rank: i as u32, footprint: None })
            .collect();
        let mut graph = Graph::new(4);
        imply(&mut graph, &nodes);
        assert_eq!(graph.before(2), [(1, Reason::Implied)]);
        assert!(graph.before(0).is_empty() && graph.before(3).is_empty());
    }
}
