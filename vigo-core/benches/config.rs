//! What it costs to validate a large tree, whole and after one file changed.
//!
//! `cargo bench --bench config -- [PER_MILLE]`: of 2,000 configcrates, 20,000 resources and 10,000 match blocks. With
//! `--write DIR` the tree is written there instead, for whole programs. Times are processor time, where the system tells it,
//! and the least of several rounds: a machine that is shared adds to a time, and never takes away.

#[path = "config/tree.rs"]
mod tree;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tree::Size;
use vigo_core::config::Config;
use vigo_core::resolve::{self, Checker};
use vigo_core::source::{Sources, Tree, TreeFile};

const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match &args[..] {
        [] => [100, 1000].iter().for_each(|per_mille| measure(*per_mille)),
        [flag, dir] if flag == "--write" => write(Path::new(dir), 1000),
        [flag, dir, per_mille] if flag == "--write" => write(Path::new(dir), per_mille.parse().expect("a number")),
        [per_mille] => measure(per_mille.parse().expect("a number")),
        _ => panic!("expected nothing, PER_MILLE or `--write DIR`"),
    }
}

fn write(dir: &Path, per_mille: usize) {
    for file in tree::tree(Size::of(per_mille)).files {
        let path = dir.join(&*file.path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, &file.bytes).expect("a file");
    }
}

fn measure(per_mille: usize) {
    let tree = tree::tree(Size::of(per_mille));
    let Size { crates, blocks, .. } = Size::of(per_mille);
    println!("{crates} configcrates, {} resources, {blocks} match blocks, {} files:", crates * 10, tree.files.len());
    let sources = Sources::read(&tree);
    let config = Config::read(&sources);
    assert!(resolve::check(&config).is_empty(), "the tree is sound");
    least("  bare events, the baseline", || events(&tree));
    least("  parse", || drop(Sources::read(&tree)));
    least("  read", || drop(Config::read(&sources)));
    least("  check", || drop(resolve::check(&config)));
    least("  whole", || drop(resolve::check(&Config::read(&Sources::read(&tree)))));

    let mut checker = Checker::default();
    checker.update(&tree);
    checker.check();
    for path in ["configcrates/team-6/app-6.vgo", "configcrates/team-0/app-0.vgo", "hosts/region-0/services/from-0.vgo"]
    {
        let mut edition = 0;
        least(&format!("  after {path} changed"), || {
            edition += 1;
            checker.update(&changed(&tree, path, edition));
            checker.check();
        });
        println!("    of it {:?}", checker.work());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("  {}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no peak of memory here"));
}

/// Does what nobody can leave out who reads YAML.
fn events(tree: &Tree) {
    for file in tree.files.iter().filter(|file| file.path.ends_with(".vgo")) {
        let text = std::str::from_utf8(&file.bytes).expect("the tree is text");
        let events = granit_parser::Parser::new_from_str(text).map(|event| event.expect("the tree is YAML"));
        assert!(events.count() > 0);
    }
}

fn changed(tree: &Tree, path: &str, edition: usize) -> Tree {
    let comment = format!("# edition {edition}\n");
    let change = |file: &TreeFile| match &*file.path == path {
        true => TreeFile { bytes: [comment.as_bytes(), &*file.bytes].concat().into(), ..file.clone() },
        false => file.clone(),
    };
    Tree { files: tree.files.iter().map(change).collect() }
}

fn least(what: &str, mut round: impl FnMut()) {
    let times = (0..ROUNDS).map(|_| {
        let (start, cpu) = (Instant::now(), thread_cpu());
        round();
        match (cpu, thread_cpu()) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => start.elapsed(),
        }
    });
    println!("{what}: {:.1} ms", times.min().unwrap_or(Duration::ZERO).as_secs_f64() * 1e3);
}

/// Returns the processor time of this thread, where the system says it (proc_pid_schedstat(5)).
fn thread_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
