//! Two resources for one thing with different wishes: the later one fails, when both are to run.

use super::Converge;
use super::prepare::{Node, is_false};
use super::render::Renderer;
use crate::action::AbsPath;
use crate::bundle::BundleResource;
use crate::host::Problem;
use crate::resource::{Claim, claim};
use crate::when::Expr;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// A resource that another for the same thing comes before.
pub(super) struct Rival {
    pub(super) node: u32,
    pub(super) earlier: u32,
    pub(super) problem: Problem,
    /// Whether both run, as far as conditions go.
    pub(super) sure: bool,
}

/// Resources with the same claim to a path that others are compared with: the first ones.
const CLAIMANTS_MAX: usize = 8;

/// Finds them; of several things that two resources have in common, one is told.
pub(super) fn find(run: &Converge, order: &[u32]) -> Vec<Rival> {
    let mut found = Vec::new();
    let mut first: HashMap<(&'static str, &str), u32> = HashMap::with_capacity(order.len());
    let mut paths: HashMap<AbsPath, Vec<(Claim, u32)>> = HashMap::with_capacity(order.len());
    for &n in order {
        let Some((node, r)) = of(run, n) else { continue };
        let (Some(decl), Some(identity)) = (node.decl, &node.identity) else { continue };
        if r.handler || is_false(run.gate_of(r)) || is_false(node.when.as_ref()) || node.fault.is_some() {
            continue;
        }
        let mut add = |earlier: u32, (other, e): (&Node, &BundleResource), what: &dyn Fn() -> String| {
            let at = Renderer::shown(&run.bundle, e.place);
            let message = format!("`{}` at {at} manages {}", e.id, what());
            let conditions = [run.gate_of(r), node.when.as_ref(), run.gate_of(e), other.when.as_ref()];
            let sure = conditions.into_iter().flatten().all(|c| *c == Expr::True);
            let problem = Problem::failed(message).help("remove one of the two, or make them agree");
            found.push(Rival { node: n, earlier, problem, sure });
        };
        if let Some((path, own)) = node.fields.as_ref().and_then(claim) {
            let claims = paths.entry(path.clone()).or_default();
            for &(theirs, earlier) in claims.iter().filter(|(theirs, _)| !own.agrees(*theirs)) {
                let Some(other) = of(run, earlier).filter(|(o, _)| o.decl.is_some_and(|d| d.name != decl.name)) else {
                    continue;
                };
                add(earlier, other, &|| format!("`{path}` {}, this one {}", theirs.words(), own.words()));
            }
            if claims.iter().filter(|(theirs, _)| *theirs == own).count() < CLAIMANTS_MAX {
                claims.push((own, n));
            }
        }
        // A resource about several things has an identity for each.
        let mut other = None;
        for line in identity.split('\n') {
            let earlier = *first.entry((decl.name, line)).or_insert(n);
            other = other.or_else(|| (earlier != n).then_some(earlier));
        }
        let Some((earlier, (other, e))) = other.and_then(|o| Some((o, of(run, o)?))) else { continue };
        let same_things = other.identity.as_ref() == Some(identity);
        let about = decl.attributes.first().map(|a| a.name).filter(|_| !same_things);
        if !e.attributes_equal(r, about) {
            add(earlier, (other, e), &|| format!("the same {} with other wishes", decl.name));
        }
    }
    found
}

fn of(run: &Converge, n: u32) -> Option<(&Node, &BundleResource)> {
    let node = run.nodes.get(n as usize)?;
    Some((node, run.bundle.resources.get(node.resource as usize)?))
}
