//! A whole tree, validated.

use super::class::{self, Layers};
use super::crates::{self, CrateSet};
use super::memory::{self, Group, Memory};
use super::policy::{self, Look, Resolved};
use super::templates::Cache;
use crate::config::{Common, Config};
use crate::diagnostic::{Code, Diagnostic, Span, tidy};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// Returns everything that is wrong or doubtful in the tree: of its files, of each match block's class, and of the
/// crates that are in no class. Each place is named once, with the number of match blocks that it concerns.
pub fn check(config: &Config<'_>) -> Vec<Diagnostic> {
    through(config, &mut Memory::default(), None)
}

/// Does what [`check`] does, looks only at what is not in `memory`, and hands on what each match block without an error
/// comes to.
pub(super) fn through(
    config: &Config<'_>,
    memory: &mut Memory,
    mut each: Option<&mut dyn FnMut(Resolved)>,
) -> Vec<Diagnostic> {
    let numbered = memory.begin(config);
    let mut all = config.diagnostics.clone();
    all.extend(super::written::check(config, memory, &numbered));
    let mut cache = Cache::default();
    let mut found = Found::default();
    let mut included: HashSet<&str> = HashSet::new();
    let mut sets: HashMap<Box<[u8]>, Rc<(CrateSet<'_, '_>, Group)>> = HashMap::new();
    // What is wrong with a class, for the others of its key.
    let mut faulty: HashMap<Box<[u8]>, Rc<[Diagnostic]>> = HashMap::new();
    for file in &config.match_files {
        let commons: Vec<&Common<'_>> = config.common_layers(file).collect();
        for (index, block) in file.blocks.iter().enumerate() {
            found.blocks += 1;
            let layers = Layers { commons: commons.clone(), ..class::of_block(config, file, index, block, None) };
            let of_set = sets.entry(memory::inclusion_key(&layers)).or_insert_with(|| {
                let set = crates::collect(config, &layers);
                included.extend(set.members.iter().map(|member| &*member.krate.name));
                let group = memory.group(config, &numbered, &layers, &set);
                Rc::new((set, group))
            });
            let (set, group) = &*of_set.clone();
            let mut known = None;
            for values in [false, true] {
                let key = group.key(&layers, values);
                known = if memory.is_clean(&key) { Some([].into()) } else { faulty.get(&key).cloned() };
                if known.is_some() {
                    break;
                }
            }
            let diagnostics: Rc<[Diagnostic]> = match (known, &mut each) {
                (Some(known), None) => known,
                (known, each) => {
                    memory.count_class();
                    let validate = if known.is_some() { None } else { Some(&mut cache) };
                    let look = Look { validate, resolve: each.is_some() };
                    let (resolved, diagnostics, looked) = policy::of_class(config, &layers, set, look);
                    if let (Some(each), Some(resolved)) = (each, resolved) {
                        each(resolved);
                    }
                    known.unwrap_or_else(|| {
                        let key = group.key(&layers, looked.at_values);
                        if diagnostics.is_empty() {
                            memory.keep_clean(key, looked);
                            return [].into();
                        }
                        let diagnostics: Rc<[Diagnostic]> = diagnostics.into();
                        faulty.insert(key, diagnostics.clone());
                        diagnostics
                    })
                }
            };
            diagnostics.iter().for_each(|d| found.take(d));
        }
    }
    found.tell(&mut all);
    for krate in config.crates.iter().filter(|c| !included.contains(&*c.name)) {
        let set = crates::alone(config, krate);
        let key = memory::key_alone(config, &numbered, &set);
        if memory.is_clean(&key) {
            continue;
        }
        memory.count_class();
        let (diagnostics, looked) = policy::of_crate(config, &set, &mut cache);
        if diagnostics.is_empty() {
            memory.keep_clean(key, looked);
        }
        all.extend(diagnostics);
    }
    memory.end(&numbered);
    if config.loses_names() {
        all.retain(|d| !config.is_noise(d));
    }
    tidy(all)
}

/// What is wrong with classes: each mistake once.
#[derive(Default)]
struct Found {
    /// Match blocks so far.
    blocks: usize,
    /// Each with the number of blocks that it concerns, and the last of them.
    counts: HashMap<Mistake, (usize, usize)>,
    order: Vec<Diagnostic>,
}

/// What a mistake is known by: the names that are near to it, and the block at which it was found, may be others for each
/// class.
type Mistake = (Code, Span, String);

impl Found {
    fn take(&mut self, d: &Diagnostic) {
        let count = self.counts.entry((d.code, d.span(), d.message.clone())).or_insert_with(|| {
            self.order.push(d.clone());
            (0, 0)
        });
        if count.1 != self.blocks {
            *count = (count.0 + 1, self.blocks);
        }
    }

    fn tell(self, all: &mut Vec<Diagnostic>) {
        for d in self.order {
            let blocks = self.counts.get(&(d.code, d.span(), d.message.clone())).map_or(1, |(blocks, _)| *blocks);
            all.push(if blocks > 1 { d.help(format!("this concerns {blocks} match blocks")) } else { d });
        }
    }
}
