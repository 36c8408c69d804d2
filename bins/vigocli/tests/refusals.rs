//! What a system cannot do is refused when the plan is made: every line of every system's table, asked for.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::sync::Arc;
use vigo_core::config::Config;
use vigo_core::converge::{Envoy, ResourceReport};
use vigo_core::host::Support;
use vigo_core::preview::{self, Blank, Subject};
use vigo_core::resolve;
use vigo_core::source::{Sources, Tree};
use vigo_core::time::Timestamp;

/// The least of each type.
const LEAST: &[(&str, &str)] = &[
    ("file", "target_path: /etc/a, content: a"),
    ("directory", "target_path: /etc/a"),
    ("symlink", "target_path: /etc/a, to: b"),
    ("file_line", "target_path: /etc/a, line: a"),
    ("blockinfile", "target_path: /etc/a, block_content: a"),
    ("replace", "target_path: /etc/a, pattern: a, replacement: b"),
    ("ini", "target_path: /etc/a, section: a, key: b, value: c"),
    ("json_file", "target_path: /etc/a, key: a, value: 1"),
    ("package", "package: a"),
    ("repository", "repository: a, repo: 'https://a.example/b'"),
    ("service", "service: a"),
    ("systemd_unit", "unit: a.service, content: '[Service]'"),
    ("systemd_dropin", "unit: a.service, content: '[Service]'"),
    ("process", "process: a"),
    ("exec", "command: a, unless: b"),
    ("user", "username: a"),
    ("group", "group: a"),
    (
        "authorized_key",
        "user: a, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcvEjWlDTkkNHpf5TDEMNqOOE9kHxkZcyuYDdGQYsCO'",
    ),
    ("cron", "cron: a, schedule: '5 4 * * *', command: a"),
    ("host", "hostname: a.example, ip: 192.0.2.1"),
    ("hostname", "hostname: a"),
    ("timezone", "timezone: Europe/Berlin"),
    ("sysctl", "key: a.b, value: '1'"),
    ("mount", "path: /mnt/a, device: a, fstype: tmpfs"),
    ("swap", "path: /swap, size: 64"),
    ("git", "path: /srv/a, repo: 'https://a.example/b.git'"),
    ("custom", "script: a"),
    ("registry", "key: 'HKLM\\Software\\A'"),
];

/// Where a system takes other names than the rest.
const OTHERS: &[(&str, &str, &str)] = &[
    ("openbsd", "repository", "repository: installurl, repo: 'https://a.example/b'"),
    ("macos", "repository", "repository: a.b, repo: 'https://a.example/b.git'"),
];

/// What is given to an attribute that a table excepts.
const GIVEN: &[(&str, &str)] = &[
    ("allow_downgrade", "true"),
    ("authorized_keys", "'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcvEjWlDTkkNHpf5TDEMNqOOE9kHxkZcyuYDdGQYsCO'"),
    ("cache_max_age", "1h"),
    ("dump", "1"),
    ("enabled", "false"),
    ("environment", "{A: b}"),
    ("expires", "'2030-01-01'"),
    ("flags", "'-a'"),
    ("format", "list"),
    ("gid", "1234"),
    ("gpgcheck", "false"),
    ("group", "staff"),
    ("key_fingerprint", "0123456789ABCDEF0123456789ABCDEF01234567, key_url: 'https://a.example/key'"),
    ("key_url", "'https://a.example/key'"),
    ("lock_version", "true, version: '1.0'"),
    ("login_class", "staff"),
    ("masked", "true, state: stopped"),
    ("match_mode", "pattern"),
    ("mode", "'0644'"),
    ("move_home", "true, home: /home/a"),
    ("owner", "root"),
    ("password_hash", "sha512"),
    ("password_inactive_days", "9"),
    ("password_max_age", "9"),
    ("password_min_age", "9"),
    ("password_warn_days", "9"),
    ("post_cleanup", "true"),
    ("priority", "1"),
    ("purge", "true, state: absent"),
    ("restart_method", "systemctl, restart_unit: a"),
    ("restart_unit", "a, restart_method: systemctl"),
    ("runlevel", "boot"),
    ("schedule", "'@reboot'"),
    ("scope", "user, user: a"),
    ("secontext", "'system_u:object_r:etc_t:s0'"),
    ("shell", "/bin/sh"),
    ("start_type", "manual"),
    ("stream_edit", "/etc/b"),
    ("sudo_nopasswd", "true"),
    ("system", "true"),
    ("uid", "1234"),
    ("umask", "'022'"),
    ("update_cache", "true"),
    ("user", "a"),
    ("version", "'1.0'"),
];

fn blanks() -> impl Iterator<Item = &'static Blank> {
    let bsd = vigo_host_bsd::BLANKS.iter().chain(vigo_host_illumos::BLANKS);
    vigo_host_linux::BLANKS.iter().chain(bsd).chain(vigo_host_macos::BLANKS).chain(vigo_host_windows::BLANKS)
}

/// Plans one resource.
fn planned(blank: &Blank, type_name: &str, attributes: &str) -> Result<ResourceReport, String> {
    let texts = [
        ("configcrates/a.vgo", format!("resources:\n  - {{name: a, type: {type_name}, {attributes}}}\n")),
        ("envoys.vgo", "envoys:\n  - {match: '*', configcrates: [a]}\n".to_owned()),
        ("configcrates/executors/a", "#!/bin/sh\n".to_owned()),
    ];
    let sources = Sources::read(&Tree::from_texts(texts.iter().map(|(path, text)| (*path, &**text))));
    let resolved = resolve::validate(&Config::read(&sources), "a.example", None);
    let resolved = resolved.map_err(|why| why.into_iter().map(|d| d.message).collect::<Vec<_>>().join("; "))?;
    let traits = preview::traits(blank, "a.example", None).unwrap();
    let envoy = Envoy { hostname: "a.example".into(), ..Envoy::default() };
    let now = Timestamp::from_epoch_secs(1_795_262_400);
    let subject = Subject { envoy, traits, now, entropy: Vec::new() };
    Ok(preview::plan(&Arc::new(resolved.bundle), blank, subject).resources.remove(0))
}

/// The attributes that the text of a table excepts by themselves, each with the value that is excepted.
fn excepted(text: &str) -> Vec<(&str, String)> {
    let alone = text.split(';').next().unwrap_or_default().split(", ").filter_map(|word| {
        let word = word.strip_prefix('`')?.strip_suffix('`')?;
        let name = word.split_once(": ").map_or(word, |(name, _)| name);
        name.chars().all(|c| c.is_ascii_lowercase() || c == '_').then_some(name)
    });
    let given = |name: &str| {
        let found = GIVEN.iter().find(|(other, _)| *other == name);
        found.unwrap_or_else(|| panic!("what is to be given to `{name}`?")).1.to_owned()
    };
    alone.map(|name| (name, given(name))).collect()
}

/// Returns the least of a type with one attribute more.
fn with(least: &str, name: &str, value: &str) -> String {
    let is_other = |part: &&str| part.split_once(": ").is_none_or(|(other, _)| other != name);
    let parts: Vec<&str> = least.split(", ").filter(is_other).collect();
    format!("{}, {name}: {value}", parts.join(", "))
}

fn least(blank: &Blank, type_name: &str) -> &'static str {
    let other = OTHERS.iter().find(|(system, of, _)| *system == blank.name && *of == type_name).map(|other| other.2);
    let of_all = || LEAST.iter().find(|(name, _)| *name == type_name).map(|least| least.1);
    other.or_else(of_all).unwrap_or_else(|| panic!("what is the least of `{type_name}`?"))
}

/// Says why a plan of one resource is not a refusal that names the type, one of the attributes and the system, each once,
/// where `words` are type and attributes; with no words, why it is one.
fn fault(blank: &Blank, type_name: &str, attributes: &str, words: &[&str]) -> Option<String> {
    let report = match planned(blank, type_name, attributes) {
        Ok(report) => report,
        Err(why) => return Some(format!("{} {type_name} {attributes}: invalid: {why}", blank.name)),
    };
    let cause = report.cause.clone().unwrap_or_default();
    let distro = blank.traits.iter().find(|(path, _)| *path == "os.distro").map_or("", |(_, distro)| distro);
    let names_system =
        || cause.contains(&format!(" on {}", blank.host.name())) || cause.contains(&format!(" on {distro}"));
    let names = |word: &&str| cause.matches(&format!("`{word}`")).count() == 1;
    let is_right = match words {
        [] => !report.unsupported,
        [type_name, any @ ..] => {
            report.unsupported && names(type_name) && (any.is_empty() || any.iter().any(names)) && names_system()
        }
    };
    (!is_right).then(|| format!("{} {type_name} {attributes}: {}: {cause}", blank.name, report.outcome.word()))
}

#[test]
fn what_a_table_excepts_is_refused_by_type_attribute_and_system() {
    let mut wrong: Vec<String> = Vec::new();
    for blank in blanks() {
        // A Windows has no package manager of its own.
        let programs = if blank.host.name() == "windows" { blank.host.programs() } else { blank.programs };
        let blank = &Blank { programs, ..*blank };
        for capability in blank.host.capabilities() {
            let type_name = capability.type_name;
            let least = least(blank, type_name);
            match capability.support {
                Support::No | Support::Planned => wrong.extend(fault(blank, type_name, least, &[type_name])),
                Support::Full | Support::Partly(_) => {
                    // A Linux may lack a package manager or systemd.
                    let lacks = blank.host.name() == "linux" && fault(blank, type_name, least, &[type_name]).is_none();
                    if lacks {
                        continue;
                    }
                    wrong.extend(fault(blank, type_name, least, &[]));
                    let text = if let Support::Partly(text) = capability.support { text } else { "" };
                    for (name, value) in excepted(text) {
                        // What another needs may be named in its place; `gid` is another word for `group`.
                        let beside = value.split(", ").skip(1).filter_map(|part| part.split_once(": "));
                        let mut words = vec![type_name, name];
                        words.extend(beside.map(|(name, _)| name).chain((name == "gid").then_some("group")));
                        wrong.extend(fault(blank, type_name, &with(least, name, &value), &words));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not as the tables say:\n{}", wrong.len(), wrong.join("\n"));
}
