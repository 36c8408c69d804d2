//! Formatting changes no meaning: on the examples and the trees of the guide, classes resolve to the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use vigo_core::bundle::PolicyBundle;
use vigo_core::config::Config;
use vigo_core::format::format;
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree, TreeFile};

type Classes = BTreeMap<String, PolicyBundle>;

fn classes(tree: &Tree) -> Result<Classes, String> {
    let sources = Sources::read(tree);
    let mut found = BTreeMap::new();
    let config = Config::read(&sources);
    let each = &mut |c: resolve::ClassPolicy| _ = found.insert(c.class.to_string(), c.bundle);
    match resolve::classes(&config, each) {
        Ok(_) => Ok(found),
        Err(why) => Err(format!("{why:?}")),
    }
}

/// Returns the tree with all its policy files formatted, each of which stays the same a second time.
fn formatted(tree: &Tree) -> Tree {
    let write = |tree: &Tree, file: &TreeFile| {
        let one = Tree { files: vec![file.clone()] };
        let sources = Sources::read(&one).with_tests(&one);
        let yaml = sources.policy_files().chain(sources.test_files()).next();
        assert!(tree.files.len() < 10_000);
        yaml.map(|yaml| format(yaml).unwrap_or_else(|why| panic!("{}: {why}", file.path)))
    };
    let new = tree.files.iter().map(|file| match write(tree, file).filter(|_| file.path.ends_with(".vgo")) {
        None => file.clone(),
        Some(text) => {
            let new = TreeFile { bytes: text.as_bytes().into(), ..file.clone() };
            assert_eq!(write(tree, &new), Some(text), "{} is not the same a second time", file.path);
            new
        }
    });
    Tree { files: new.collect() }
}

fn check(name: &str, tree: &Tree) {
    let new = formatted(tree);
    match (classes(tree), classes(&new)) {
        (Ok(before), Ok(after)) => {
            assert!(before.keys().eq(after.keys()), "{name}: other classes");
            for (class, bundle) in &before {
                let found = bundle.differences(&after[class]);
                assert!(found.is_empty(), "{name}: {class}: {found:?}");
                let order = |b: &PolicyBundle| b.resources.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
                assert_eq!(order(bundle), order(&after[class]), "{name}: {class}");
            }
        }
        // What is no policy is none afterwards, too: a part that is shown alone.
        (Err(_), Err(_)) => {}
        (before, after) => panic!("{name}: {:?} and then {:?}", before.map(drop), after.map(drop)),
    }
}

fn files(dir: &Path, prefix: &str, into: &mut Vec<TreeFile>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            files(&path, &format!("{name}/"), into);
        } else {
            let bytes = fs::read(&path).expect("a file");
            into.push(TreeFile { path: name.as_str().into(), bytes: bytes.into(), executable: false });
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn trees_mean_the_same() {
    for dir in ["examples/stacks", "bins/vigocli/tests/reference/stacks"] {
        let mut tree = Tree::default();
        files(&root().join(dir), "", &mut tree.files);
        assert!(tree.files.len() > 5, "{dir} had more");
        assert!(classes(&tree).is_ok(), "{dir} has errors");
        check(dir, &tree);
    }
}

#[test]
fn examples_of_the_guide_mean_the_same() {
    let mut pages = Vec::new();
    files(&root().join("docs/src"), "", &mut pages);
    let mut seen = 0;
    for page in pages.iter().filter(|p| p.path.ends_with(".md")) {
        let text = std::str::from_utf8(&page.bytes).expect("text");
        let mut tree = Tree::default();
        for fence in text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
            let first = fence.lines().next().unwrap_or_default();
            let path = first.strip_prefix("# stacks/").map(str::to_owned);
            let name = first.strip_prefix("name: ").map(|name| format!("configcrates/{name}.vgo"));
            let Some(path) = path.or(name).filter(|path| path.ends_with(".vgo")) else { continue };
            seen += 1;
            tree.files.retain(|f| *f.path != *path);
            tree.files.push(TreeFile {
                path: path.as_str().into(),
                bytes: format!("{fence}\n").as_bytes().into(),
                executable: false,
            });
        }
        check(&page.path, &tree);
    }
    assert!(seen > 50, "{seen} examples: the guide had more");
}
