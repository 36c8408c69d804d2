//! A tree as a large fleet has it.

use std::fmt::Write as _;
use vigo_core::source::Tree;

/// How much there is of everything.
#[derive(Clone, Copy)]
pub struct Size {
    pub crates: usize,
    pub roles: usize,
    pub blocks: usize,
}

impl Size {
    /// Returns the size at `per_mille` of the full one: 2,000 configcrates, 20,000 resources, 10,000 match blocks.
    pub fn of(per_mille: usize) -> Self {
        Self { crates: 2 * per_mille, roles: per_mille.div_ceil(5), blocks: 10 * per_mille }
    }
}

/// Crates that every host has.
const BASE: usize = 5;
/// Crates of a role.
const OF_ROLE: usize = 8;
/// Match blocks of a file.
const OF_FILE: usize = 50;

/// Returns a tree: folders by region, in each a `common.vgo` and match files of fifty blocks; a block has a role of eight
/// crates, five that every host has, an environment and two variables of its own.
pub fn tree(size: Size) -> Tree {
    let mut files: Vec<(String, String)> = Vec::new();
    for i in 0..size.crates {
        files.push((format!("configcrates/team-{}/app-{i}.vgo", i % 40), configcrate(i)));
        files.push((format!("templates/app-{i}.conf"), template(i)));
    }
    files.push(("roles.vgo".into(), roles(size)));
    let mut base = String::from("configcrates: [");
    (0..BASE.min(size.crates)).for_each(|i| write!(base, "app-{i}, ").expect("a text grows"));
    base.push_str("]\nvars: {ntp: ntp.acme.com, workers: 2, admins: [anna, ben, cleo], tier: plain, label: none}\n");
    files.push(("common.vgo".into(), base));
    files.push(("environments.vgo".into(), "env:\n  production: {vars: {workers: 8}}\n  staging: {}\n".into()));
    for first in (0..size.blocks).step_by(OF_FILE) {
        let region = first / OF_FILE % 20;
        let folder = format!("hosts/region-{region}");
        if first / OF_FILE < 20 {
            files.push((format!("{folder}/common.vgo"), format!("vars: {{ntp: ntp.region-{region}.acme.com}}\n")));
        }
        let mut text = String::from("envoys:\n");
        for i in first..size.blocks.min(first + OF_FILE) {
            let environment = ["production", "staging"][i % 2];
            let role = i % size.roles;
            write!(text, "  - match: \"svc-{i}-*.region-{region}.acme.com\"\n    environment: {environment}\n    roles: [role-{role}]\n    vars: {{tier: tier-{}, label: svc-{i}}}\n", i % 7)
                .expect("a text grows");
        }
        files.push((format!("{folder}/services/from-{first}.vgo"), text));
    }
    Tree::from_texts(files.iter().map(|(path, text)| (&**path, &**text)))
}

fn roles(size: Size) -> String {
    let mut text = String::from("roles:\n");
    for i in 0..size.roles {
        write!(text, "  - name: role-{i}\n    configcrates: [").expect("a text grows");
        for k in 0..OF_ROLE {
            write!(text, "app-{}, ", (BASE + i * OF_ROLE + k) % size.crates).expect("a text grows");
        }
        text.push_str("]\n");
    }
    text
}

fn template(i: usize) -> String {
    format!(
        "# app {i}\nserver {{{{ .Vars.ntp }}}}\nworkers {{{{ .Vars.workers }}}}\n{{{{ range .Vars.admins }}}}admin {{{{ . }}}}\n{{{{ end }}}}family {{{{ .Traits.os.family }}}}\n"
    )
}

/// Ten resources.
fn configcrate(i: usize) -> String {
    format!(
        r#"name: app-{i}
vars: {{app_{i}_port: {port}, app_{i}_sites: [{{name: a, port: 1}}, {{name: b, port: 2}}]}}
defaults: {{owner: root}}
resources:
  - name: package
    type: package
    package: app-{i}
    state: present
  - name: folder
    type: directory
    target_path: /etc/app-{i}
    mode: "0755"
  - name: config
    type: file
    target_path: /etc/app-{i}/app.conf
    mode: "0644"
    content: |
      listen {{{{ .Vars.app_{i}_port }}}};
      tier {{{{ .Vars.tier }}}};
      label {{{{ .Vars.label }}}};
    depends_on: [package]
    notify: [restart]
  - name: shipped
    type: file
    target_path: /etc/app-{i}/shipped.conf
    source: templates/app-{i}.conf
    notify: [restart]
  - name: site-{{{{ .Item.name }}}}
    type: file
    foreach: app_{i}_sites
    target_path: /etc/app-{i}/site-{{{{ .Item.name }}}}.conf
    content: "port {{{{ .Item.port }}}}"
  - name: service
    type: service
    service: app-{i}
    state: running
    enabled: true
    depends_on: [config, shipped]
  - name: restart
    type: service
    service: app-{i}-worker
    state: restarted
    when: "changed"
  - name: account
    type: user
    username: app-{i}
    shell: /usr/sbin/nologin
  - name: limits
    type: file_line
    target_path: /etc/security/limits.d/app-{i}.conf
    line: "app-{i} hard nofile 65536"
    when: "os_family('debian') && ram_mb_ge(2048)"
  - name: app-{i}-rotate
    type: cron
    user: root
    command: "/usr/sbin/logrotate /etc/app-{i}/rotate.conf"
    minute: "{minute}"
    when: "environment('production')"
"#,
        port = 1024 + i,
        minute = i % 60,
    )
}
