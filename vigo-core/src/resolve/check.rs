//! A whole tree, validated.

use super::class;
use super::facts::Host;
use super::policy;
use super::templates::Cache;
use crate::config::Config;
use crate::diagnostic::{Diagnostic, tidy};
use alloc::format;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// Returns everything that is wrong or doubtful in the tree: of its files, of each match block's class, and of the
/// crates that are in no class. Each place is named once, with the number of match blocks that it concerns.
pub fn check(config: &Config<'_>) -> Vec<Diagnostic> {
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
        let (resolved, mut diagnostics) = policy::of_class(config, &layers, Host::Any(true), Some(&mut cache));
        if resolved.is_none_or(|r| !r.class.hostname_matches.is_empty()) {
            diagnostics.extend(policy::of_class(config, &layers, Host::Any(false), Some(&mut cache)).1);
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
