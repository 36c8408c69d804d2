//! What holds for every tree.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use vigo_core::config::Config;
use vigo_core::glob::Glob;
use vigo_core::resolve::{self, Resolved};
use vigo_core::source::{Sources, Tree};

const CRATES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// What a layer of the tree includes and excludes.
#[derive(Clone, Debug)]
struct Layer {
    roles: Vec<usize>,
    crates: Vec<usize>,
    users: bool,
    exclude: Vec<usize>,
    var: Option<u8>,
}

fn layer() -> impl Strategy<Value = Layer> {
    let some = |max| prop::collection::vec(0..max, 0..3usize);
    let parts = (some(3), some(CRATES.len()), any::<bool>(), some(CRATES.len() + 1), any::<Option<u8>>());
    parts.prop_map(|(roles, crates, users, exclude, var)| Layer { roles, crates, users, exclude, var })
}

/// The crate of this number in lists; the one behind the last is the usercrate.
fn name(n: usize) -> &'static str {
    CRATES.get(n).copied().unwrap_or("user:dan")
}

impl Layer {
    /// Returns it as keys of a YAML map in flow style.
    fn text(&self) -> String {
        let list = |names: Vec<String>| names.join(", ");
        let mut keys = vec![
            format!("roles: [{}]", list(self.roles.iter().map(|n| format!("role-{n}")).collect())),
            format!("configcrates: [{}]", list(self.crates.iter().map(|n| name(*n).into()).collect())),
            format!(
                "exclude_configcrates: [{}]",
                list(self.exclude.iter().map(|n| format!("'{}'", name(*n))).collect())
            ),
        ];
        if self.users {
            keys.push("usercrates: [dan]".into());
        }
        keys.extend(self.var.map(|value| format!("vars: {{v: {value}}}")));
        keys.join(", ")
    }
}

/// Roles, each with the crates that it brings: the second includes the first, the third has arms.
const ROLES: &str = "roles:
  - {name: role-0, configcrates: [a, b]}
  - {name: role-1, includes: [role-0], configcrates: [c]}
  - {name: role-2, configcrates: [d], case: [{when: \"os_family('debian')\", configcrates: [e]}, {default: true, configcrates: [a]}]}
";

/// A tree in which a host of `prod/web/` stands below two layers and in an environment.
fn tree(layers: &[Layer; 5]) -> Vec<(String, String)> {
    let [root, prod, block, env_root, env_prod] = layers;
    let mut files: Vec<(String, String)> = CRATES
        .iter()
        .map(|name| {
            let text =
                format!("vars: {{v: 0}}\nresources: [{{name: f, type: file, target_path: /{name}, content: x}}]\n");
            (format!("configcrates/{name}.vgo"), text)
        })
        .collect();
    let user = "resources: [{name: f, type: file, target_path: /u, content: x}]\n";
    let more = [
        ("usercrates/dan.vgo", user.to_owned()),
        ("roles.vgo", ROLES.to_owned()),
        ("common.vgo", format!("{{{}}}\n", root.text())),
        ("prod/common.vgo", format!("{{{}}}\n", prod.text())),
        ("environments.vgo", format!("env: {{live: {{{}}}}}\n", env_root.text())),
        ("prod/environments.vgo", format!("env: {{live: {{{}}}}}\n", env_prod.text())),
        ("prod/web/web.vgo", format!("envoys:\n  - {{match: web, environment: live, {}}}\n", block.text())),
    ];
    files.extend(more.map(|(path, text)| (path.to_owned(), text)));
    files
}

fn resolved<T>(files: &[(String, String)], hostname: &str, with: impl FnOnce(&Resolved) -> T) -> T {
    let sources = Sources::read(&Tree::from_texts(files.iter().map(|(path, text)| (&**path, &**text))));
    let resolved = resolve::resolve(&Config::read(&sources), hostname, None);
    with(&resolved.unwrap_or_else(|errors| panic!("{errors:#?} in {files:#?}")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2 * ProptestConfig::default().cases))]

    #[test]
    fn an_exclusion_always_wins_and_what_is_not_excluded_is_there(
        layers in prop::array::uniform5(layer())
    ) {
        let mut wanted = BTreeSet::new();
        for layer in &layers {
            wanted.extend(layer.crates.iter().map(|n| name(*n)));
            wanted.extend(layer.users.then_some("user:dan"));
            for role in &layer.roles {
                wanted.extend([&["a", "b"][..], &["a", "b", "c"], &["d", "e", "a"]][*role]);
            }
        }
        let out: BTreeSet<&str> = layers.iter().flat_map(|layer| &layer.exclude).map(|n| name(*n)).collect();
        resolved(&tree(&layers), "web", |r| {
            let crates: BTreeSet<&str> = r.trace.crates.iter().map(|c| &*c.name).collect();
            prop_assert_eq!(&crates, &wanted.difference(&out).copied().collect::<BTreeSet<_>>());
            let of_resources: BTreeSet<&str> = r.bundle.resources.iter().filter_map(|r| r.id.split('/').next()).collect();
            prop_assert!(of_resources.is_disjoint(&out), "{:?}", of_resources);
            let excluded: BTreeSet<&str> = r.trace.excluded.iter().map(|e| &*e.name).collect();
            prop_assert_eq!(excluded, wanted.intersection(&out).copied().collect::<BTreeSet<_>>());
            Ok(())
        })?;
    }

    #[test]
    fn the_highest_layer_sets_a_variable_and_each_that_it_shadows_is_told(
        layers in prop::array::uniform5(layer())
    ) {
        let [root, prod, block, env_root, env_prod] = &layers;
        let expected: Vec<u8> = [env_prod, env_root, block, prod, root].iter().filter_map(|layer| layer.var).collect();
        resolved(&tree(&layers), "web", |r| {
            let var = r.trace.variables.iter().find(|v| &*v.name == "v" && v.krate.is_none());
            let Some(var) = var else {
                prop_assert!(expected.is_empty());
                return Ok(());
            };
            let shadowed = var.shadowed.iter().filter(|(set, _)| !set.layer.starts_with("crate")).map(|(_, v)| v);
            let told: Vec<i64> = [&var.value].into_iter().chain(shadowed).filter_map(|v| v.as_int()).collect();
            prop_assert_eq!(told, expected.iter().map(|n| i64::from(*n)).collect::<Vec<_>>());
            Ok(())
        })?;
    }

    #[test]
    fn the_order_in_which_files_are_found_makes_no_difference(
        layers in prop::array::uniform5(layer()),
        order in any::<prop::sample::Index>(),
        reverse in any::<bool>(),
    ) {
        let files = tree(&layers);
        let mut others = files.clone();
        others.rotate_left(order.index(files.len()));
        if reverse {
            others.reverse();
        }
        let of = |files: &[(String, String)]| resolved(files, "web", |r| (r.bundle.encode(), format!("{:?}", r.trace)));
        prop_assert_eq!(of(&files), of(&others));
    }

    #[test]
    fn the_first_block_in_the_order_of_folders_wins(
        paths in prop::collection::btree_set("([ab-]/){0,3}[a-c][.-]?", 1..8),
        globs in prop::collection::vec(prop::sample::select(vec!["w1", "w*", "w?", "*1", "x", "*"]), 16),
    ) {
        let mut globs = globs.into_iter();
        let mut files: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for path in paths {
            files.insert(format!("hosts/{path}.vgo"), globs.by_ref().take(2).collect());
        }
        let expected = first(&files, "hosts/", "w1");
        let text = |globs: &Vec<&str>| {
            let blocks: Vec<String> = globs.iter().map(|glob| format!("  - {{match: '{glob}'}}\n")).collect();
            format!("envoys:\n{}", blocks.concat())
        };
        let texts: Vec<(String, String)> = files.iter().map(|(path, globs)| (path.clone(), text(globs))).collect();
        let sources = Sources::read(&Tree::from_texts(texts.iter().map(|(path, text)| (&**path, &**text))));
        let won = resolve::resolve(&Config::read(&sources), "w1", None);
        prop_assert_eq!(won.ok().map(|r| (r.class.file.to_string(), r.class.block)), expected);
    }
}

/// Returns the file and number of the first block that takes `name`: as the reference says it, folder by folder.
fn first(files: &BTreeMap<String, Vec<&str>>, folder: &str, name: &str) -> Option<(String, usize)> {
    let below: Vec<&str> = files.keys().filter_map(|path| path.strip_prefix(folder)).collect();
    let folders: BTreeSet<&str> = below.iter().filter_map(|rest| rest.split_once('/')).map(|(dir, _)| dir).collect();
    let in_folders = folders.iter().find_map(|dir| first(files, &format!("{folder}{dir}/"), name));
    in_folders.or_else(|| {
        let own = below.iter().filter(|rest| !rest.contains('/')).map(|rest| format!("{folder}{rest}"));
        own.into_iter().find_map(|path| {
            let takes = |glob: &&str| Glob::parse(glob).is_ok_and(|glob| glob.matches(name));
            let at = files[&path].iter().position(takes)?;
            Some((path, at + 1))
        })
    })
}
