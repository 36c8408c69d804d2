//! The tools: how each is installed, told what to do, and run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::case::{Case, Item, VALUE};
use crate::failure::{Failure, Result};
use crate::process::Program;
use crate::workspace::{target, which};

/// Where one tool works on one case.
pub struct Place {
    /// Its policy, state and configuration.
    pub dir: PathBuf,
    /// The folder that it manages.
    pub files: PathBuf,
}

/// A tool that converges a machine.
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// The largest case that it gets.
    pub size_max: usize,
    /// How many runs with nothing to do are measured.
    pub runs: usize,
    /// Makes it ready and returns its program.
    pub install: fn() -> Result<PathBuf>,
    /// Writes the policy for a case.
    pub prepare: fn(&Path, &Place, &Case) -> Result<()>,
    /// Returns one run.
    pub command: fn(&Path, &Place) -> Program,
}

/// The tools that are there in every run: ours first.
pub const LIVE: &[Tool] = &[
    Tool {
        name: "vigo",
        size_max: usize::MAX,
        runs: 30,
        install: || crate::workspace::build_shipped_vigo(),
        prepare: vigo_policy,
        command: |program, place| {
            let vigo = Program::new(program).arg("apply").arg("--stacks").arg(place.dir.join("stacks"));
            vigo.args(["--hostname", "bench", "--state-dir"]).arg(place.dir.join("state"))
        },
    },
    Tool {
        name: "cf-agent",
        size_max: usize::MAX,
        runs: 10,
        install: || which("cf-agent").ok_or_else(|| Failure::new("cfengine3 is not installed")),
        prepare: cfengine_policy,
        command: |program, place| {
            let agent = Program::new(program).args(["--no-lock", "--file"]).arg(place.dir.join("policy.cf"));
            agent.env("CFENGINE_TEST_OVERRIDE_WORKDIR", place.dir.join("work"))
        },
    },
    Tool {
        name: "salt-call",
        size_max: usize::MAX,
        runs: 5,
        // Newer ones ask for certificates that are not published yet.
        install: || python("salt==3008.3", "salt-call"),
        prepare: salt_policy,
        command: |program, place| {
            let salt = Program::new(program).args(["--local", "--retcode-passthrough", "--out=json", "--config-dir"]);
            salt.arg(&place.dir).args(["state.apply", "bench"])
        },
    },
];

/// The slower ones, with `--all-peers`.
pub const MORE: &[Tool] = &[
    Tool {
        name: "puppet",
        size_max: usize::MAX,
        runs: 3,
        install: || which("puppet").ok_or_else(|| Failure::new("puppet is not installed")),
        prepare: puppet_policy,
        command: |program, place| {
            let puppet = Program::new(program).args(["apply", "--confdir"]).arg(place.dir.join("conf"));
            puppet.arg("--vardir").arg(place.dir.join("var")).arg(place.dir.join("site.pp"))
        },
    },
    Tool {
        name: "pyinfra",
        size_max: 300,
        runs: 2,
        install: || python("pyinfra==3.10.0", "pyinfra"),
        prepare: pyinfra_policy,
        command: |program, place| Program::new(program).args(["-y", "@local", "deploy.py"]).dir(&place.dir),
    },
    Tool {
        name: "ansible",
        size_max: 100,
        runs: 1,
        install: || python("ansible-core==2.19.*", "ansible-playbook"),
        prepare: ansible_policy,
        command: |program, place| {
            // It looks for some Python on the machine; the one that it runs with is there for sure.
            let python = format!("ansible_python_interpreter={}", program.with_file_name("python3").display());
            let ansible = Program::new(program).args(["-i", "localhost,", "-c", "local", "-e", &python]);
            ansible.arg(place.dir.join("play.yml")).env("ANSIBLE_HOME", place.dir.join("home"))
        },
    },
];

/// Installs a Python package in an environment of its own and returns one of its programs.
fn python(package: &str, program: &str) -> Result<PathBuf> {
    let env = target().join("bench").join(package.replace(|c: char| !c.is_alphanumeric() && c != '.', "-"));
    let path = env.join("bin").join(program);
    if !Program::new(&path).arg("--version").output().is_ok_and(|o| o.ok()) {
        println!("installs {package} into {}", env.display());
        Program::new("python3").args(["-m", "venv", "--clear"]).arg(&env).text()?;
        Program::new(env.join("bin/pip")).args(["install", "-q", package]).text()?;
        Program::new(&path).arg("--version").text()?;
    }
    Ok(path)
}

fn vigo_policy(_: &Path, place: &Place, case: &Case) -> Result<()> {
    let mut policy = format!("name: bench\nvars: {{value: {VALUE}}}\nresources:\n");
    for (number, item) in case.items.iter().enumerate() {
        let path = place.files.join(item.path());
        let path = path.display();
        policy.push_str(&match item {
            Item::Dir(_) => {
                format!("  - {{name: r{number}, type: directory, target_path: {path}, mode: \"0755\"}}\n")
            }
            Item::File(_, text) => format!(
                "  - name: r{number}\n    type: file\n    target_path: {path}\n    mode: \"0644\"\n    content: |\n{}",
                indented(text, 6)
            ),
            Item::Template(_, before, after) => format!(
                "  - name: r{number}\n    type: file\n    target_path: {path}\n    mode: \"0644\"\n    content: |\n{}",
                indented(&format!("{before}{{{{ .Vars.value }}}}{after}"), 6)
            ),
            Item::Link(_, to) => {
                let to = place.files.join(to);
                format!("  - {{name: r{number}, type: symlink, target_path: {path}, to: {}}}\n", to.display())
            }
            Item::Line(_, line) => {
                format!("  - {{name: r{number}, type: file_line, target_path: {path}, line: \"{line}\"}}\n")
            }
        });
    }
    write_file(&place.dir.join("stacks/configcrates/bench.vgo"), &policy)?;
    write_file(&place.dir.join("stacks/envoys.vgo"), "envoys:\n  - match: \"*\"\n    configcrates: [bench]\n")?;
    make_dir(&place.dir.join("state"))
}

fn cfengine_policy(_: &Path, place: &Place, case: &Case) -> Result<()> {
    let mut policy = format!(
        "body common control {{ bundlesequence => {{ \"main\" }}; }}
body perms m(mode) {{ mode => \"$(mode)\"; rxdirs => \"true\"; }}
body link_from ln(to) {{ source => \"$(to)\"; link_type => \"symlink\"; when_no_source => \"force\"; }}
body edit_defaults plain {{ edit_backup => \"false\"; }}
bundle edit_line line(text) {{ insert_lines: \"$(text)\"; }}
bundle agent main
{{
vars: \"value\" string => \"{VALUE}\";
files:\n"
    );
    for item in &case.items {
        let path = place.files.join(item.path());
        let path = path.display();
        policy.push_str(&match item {
            Item::Dir(_) => format!("\"{path}/.\" create => \"true\", perms => m(\"0755\");\n"),
            Item::File(_, text) => {
                format!("\"{path}\" create => \"true\", perms => m(\"0644\"), content => \"{text}\";\n")
            }
            Item::Template(_, before, after) => format!(
                "\"{path}\" create => \"true\", perms => m(\"0644\"), content => \"{before}$(value){after}\";\n"
            ),
            Item::Link(_, to) => {
                let to = place.files.join(to);
                format!("\"{path}\" link_from => ln(\"{}\"), move_obstructions => \"true\";\n", to.display())
            }
            Item::Line(_, line) => {
                format!("\"{path}\" edit_line => line(\"{line}\"), edit_defaults => plain;\n")
            }
        });
    }
    policy.push_str("}\n");
    let file = place.dir.join("policy.cf");
    write_file(&file, &policy)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(|e| Failure::at(&file, &e))?;
    let work = place.dir.join("work");
    for dir in [work.clone(), work.join("bin"), work.join("ppkeys")] {
        make_dir(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).map_err(|e| Failure::at(&dir, &e))?;
    }
    // It wants its checker beside it, and keys even for a run that speaks to nobody.
    let checker = which("cf-promises").ok_or_else(|| Failure::new("cf-promises is not here"))?;
    let link = work.join("bin/cf-promises");
    symlink(&checker, &link).map_err(|e| Failure::at(&link, &e))?;
    Program::new("cf-key")
        .arg("--output-file")
        .arg(work.join("ppkeys/localhost"))
        .env("CFENGINE_TEST_OVERRIDE_WORKDIR", &work)
        .text()
        .map(|_| ())
}

fn salt_policy(_: &Path, place: &Place, case: &Case) -> Result<()> {
    let dir = place.dir.display();
    let minion = format!(
        "id: bench\nfile_client: local\nroot_dir: {dir}/root\nfile_roots: {{base: [{dir}/states]}}\nlog_level: error\n"
    );
    write_file(&place.dir.join("minion"), &minion)?;
    let mut state = format!("{{% set value = '{VALUE}' %}}\n");
    for item in &case.items {
        let path = place.files.join(item.path());
        state.push_str(&format!("{}:\n", path.display()));
        state.push_str(&match item {
            Item::Dir(_) => "  file.directory:\n    - mode: '0755'\n".to_owned(),
            Item::File(_, text) => {
                format!("  file.managed:\n    - mode: '0644'\n    - contents: |\n{}", indented(text, 8))
            }
            Item::Template(_, before, after) => format!(
                "  file.managed:\n    - mode: '0644'\n    - contents: |\n{}",
                indented(&format!("{before}{{{{ value }}}}{after}"), 8)
            ),
            Item::Link(_, to) => {
                format!("  file.symlink:\n    - target: {}\n", place.files.join(to).display())
            }
            Item::Line(_, line) => format!("  file.append:\n    - text: \"{line}\"\n"),
        });
    }
    write_file(&place.dir.join("states/bench.sls"), &state)
}

fn puppet_policy(_: &Path, place: &Place, case: &Case) -> Result<()> {
    let mut manifest = format!("$value = '{VALUE}'\n");
    for item in &case.items {
        let path = place.files.join(item.path());
        let path = path.display();
        manifest.push_str(&match item {
            Item::Dir(_) => format!("file {{ '{path}': ensure => directory, mode => '0755' }}\n"),
            Item::File(_, text) => {
                format!("file {{ '{path}': ensure => file, mode => '0644', content => '{text}' }}\n")
            }
            Item::Template(_, before, after) => format!("file {{ '{path}': ensure => file, mode => '0644', content => \"{before}${{value}}{after}\" }}\n"
            ),
            Item::Link(_, to) => {
                let to = place.files.join(to);
                format!("file {{ '{path}': ensure => link, target => '{}' }}\n", to.display())
            }
            // Its type for lines is a module: what stands for it without one.
            Item::Line(_, line) => format!("exec {{ '/bin/echo \"{line}\" >>{path}': unless => '/bin/grep -qx \"{line}\" {path}', provider => shell }}\n"
            ),
        });
    }
    make_dir(&place.dir.join("conf"))?;
    write_file(&place.dir.join("site.pp"), &manifest)
}

fn pyinfra_policy(_: &Path, place: &Place, case: &Case) -> Result<()> {
    let mut deploy = format!("from io import StringIO\nfrom pyinfra.operations import files\nvalue = '{VALUE}'\n");
    for item in &case.items {
        let path = place.files.join(item.path());
        let path = path.display();
        deploy.push_str(&match item {
            Item::Dir(_) => format!("files.directory(path='{path}', mode='755')\n"),
            Item::File(_, text) => {
                format!("files.put(src=StringIO('''{text}'''), dest='{path}', mode='644')\n")
            }
            Item::Template(_, before, after) => format!("files.template(src=StringIO('''{before}{{{{ value }}}}{after}'''), dest='{path}', mode='644', value=value)\n"
            ),
            Item::Link(_, to) => {
                format!("files.link(path='{path}', target='{}')\n", place.files.join(to).display())
            }
            Item::Line(_, line) => format!("files.line(path='{path}', line='{line}')\n"),
        });
    }
    write_file(&place.dir.join("deploy.py"), &deploy)
}

fn ansible_policy(_: &Path, place: &Place, case: &Case) -> Result<()> {
    let mut play = format!("- hosts: all\n  gather_facts: false\n  vars: {{value: {VALUE}}}\n  tasks:\n");
    for item in &case.items {
        let path = place.files.join(item.path());
        let path = path.display();
        play.push_str(&match item {
            Item::Dir(_) => format!("    - file: {{path: {path}, state: directory, mode: '0755'}}\n"),
            Item::File(_, text) => format!(
                "    - copy:\n        dest: {path}\n        mode: '0644'\n        content: |\n{}",
                indented(text, 10)
            ),
            Item::Template(_, before, after) => format!(
                "    - copy:\n        dest: {path}\n        mode: '0644'\n        content: |\n{}",
                indented(&format!("{before}{{{{ value }}}}{after}"), 10)
            ),
            Item::Link(_, to) => {
                let to = place.files.join(to);
                format!("    - file: {{path: {path}, src: {}, state: link}}\n", to.display())
            }
            Item::Line(_, line) => format!("    - lineinfile: {{path: {path}, line: \"{line}\"}}\n"),
        });
    }
    write_file(&place.dir.join("play.yml"), &play)
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Failure::at(path, &e))
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    path.parent().map_or(Ok(()), make_dir)?;
    fs::write(path, text).map_err(|e| Failure::at(path, &e))
}
