//! From resources and edges to an order: implied edges, ties, cycles.

mod graph;
mod implied;

pub use graph::{Cycle, Graph, Reason};
pub use implied::{Node, imply};
