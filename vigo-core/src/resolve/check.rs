//! A whole tree, validated.

use super::class;
use super::policy::{self, Resolved};
use super::templates::Cache;
use crate::config::Config;
use crate::diagnostic::{Diagnostic, tidy};
use alloc::format;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// Returns everything that is wrong or doubtful in the tree: of its files, of each match block's class, and of the
/// crates that are in no class. Each place is named once, with the number of match blocks that it concerns.
pub fn check(config: &Config<'_>) -> Vec<Diagnostic> {
    through(config, &mut |_| {})
}

/// Does what [`check`] does, and hands on what each match block without an error comes to.
pub(super) fn through(config: &Config<'_>, each: &mut dyn FnMut(Resolved)) -> Vec<Diagnostic> {
    let mut all = config.diagnostics.clone();
    all.extend(super::written::check(config));
    let mut cache = Cache::default();
    let mut found: HashMap<Diagnostic, (usize, usize)> = HashMap::new();
    let mut order: Vec<Diagnostic> = Vec::new();
    let mut included: HashSet<&str> = HashSet::new();
    for (number, (file, index, block)) in config.blocks().enumerate() {
        let layers = class::of_block(config, file, index, block, None);
        for member in &super::crates::collect(config, &layers).members {
            included.insert(&member.krate.name);
        }
        let (resolved, diagnostics) = policy::of_class(config, &layers, Some(&mut cache));
        if let Some(resolved) = resolved {
            each(resolved);
        }
        for d in diagnostics {
            match found.get_mut(&mistake(&d)) {
                Some((blocks, last)) if *last != number => (*blocks, *last) = (*blocks + 1, number),
                Some(_) => {}
                None => {
                    found.insert(mistake(&d), (1, number));
                    order.push(d);
                }
            }
        }
    }
    for d in order {
        let blocks = found.get(&mistake(&d)).map_or(1, |(blocks, _)| *blocks);
        all.push(if blocks > 1 { d.help(format!("this concerns {blocks} match blocks")) } else { d });
    }
    for krate in config.crates.iter().filter(|c| !included.contains(&*c.name)) {
        all.extend(policy::of_crate(config, krate, &mut cache));
    }
    if config.loses_names() {
        all.retain(|d| !config.is_noise(d));
    }
    tidy(all)
}

/// Returns a diagnostic without its help: the names that are near to a mistake may be others for each class.
fn mistake(d: &Diagnostic) -> Diagnostic {
    Diagnostic { help: Vec::new(), ..d.clone() }
}
