use super::*;
use std::path::Path;
use vigo_core::time::Duration;

fn read(text: &str) -> Result<Config, ConfigError> {
    parse(text, Path::new("server.yaml"))
}

#[test]
fn what_is_printed_says_what_goes_without_saying() {
    assert_eq!(read(&annotated()), Ok(Config::default()));
    assert_eq!(read(""), Ok(Config::default()));
    assert_eq!(read("# nothing\n"), Ok(Config::default()));
    assert_eq!(load(Path::new("/nonexistent/server.yaml")), Ok(Config::default()));
}

#[test]
fn the_guide_has_every_key() {
    let page = include_str!("../../../../docs/src/server-yaml.md");
    let (_, shown) = page.split_once("```yaml,fragment\n").unwrap();
    assert_eq!(shown.split_once("```").unwrap().0, annotated());
}

#[test]
fn keys_take_their_values() {
    let text = "server: {agent_listen: '127.0.0.1:0', hostname: vigo.example}\n\
                checkin: {interval: 2s, splay: 1s}\n\
                enrollment: {trusted: [{match: 'web-*', from: 10.0.0.0/8, until: '2027-01-31T12:00:00Z'}]}\n";
    let config = read(text).unwrap();
    assert_eq!(config.server.agent_listen.candidates(), ["127.0.0.1:0".parse().unwrap()]);
    assert_eq!(config.server.hostname.as_deref(), Some("vigo.example"));
    assert_eq!(config.checkin.splay.of(config.checkin.interval.0), Duration::from_secs(1));
    let trusted = &config.enrollment.trusted[0];
    assert!(trusted.match_glob.matches("web-1") && trusted.from.contains("10.1.2.3".parse().unwrap()));
    assert_eq!(trusted.until.unwrap().to_string(), "2027-01-31T12:00:00Z");
}

#[test]
fn what_is_wrong_is_told_with_what_was_meant() {
    let cases = [
        ("serve: {}", "unknown key `serve`", Some("did you mean `server`?")),
        ("server: {agent_listn: x}", "unknown key `server.agent_listn`", Some("did you mean `agent_listen`?")),
        ("checkin: {zzz: 1}", "unknown key `checkin.zzz`", Some("use one of `interval`, `splay`, `observe_only`")),
        ("7: {}", "unknown key `7`", Some("use one of `server`, `database`")),
        ("server: {agent_listen: 1530}", "found `1530`", None),
        ("server: {agent_listen: 'host'}", "expected `address:port` or `:port`, found `host`", None),
        ("checkin: {interval: 5x}", "found `5x`", None),
        ("checkin: {interval: 5}", "found `5`", None),
        ("checkin: {interval: 10ms}", "expected `1s` at least, found `10ms`", None),
        ("checkin: {interval: 99999999999999999999s}", "expected a time", None),
        ("checkin: {splay: 101%}", "expected a share up to `100%`", None),
        ("enrollment: {trusted: [{match: a}]}", "missing field `from`", None),
        ("enrollment: {trusted: [{match: '[', from: any}]}", "glob `[`", None),
        ("enrollment: {trusted: [{match: a, from: 10.0.0.0/33}]}", "found `10.0.0.0/33`", None),
        ("enrollment: {trusted: [{match: a, from: any, til: x}]}", "unknown field `til`", None),
        ("secrets: {backend: locl}", "unknown variant `locl`", None),
        ("secrets: {urll: x}", "unknown key `secrets.urll`", Some("did you mean `url`?")),
        ("secrets: {backend: command}", "secrets.command: expected a program", None),
        ("secrets: {backend: http}", "secrets.token_file: expected a file with a token", None),
        ("secrets: {backend: http, token_file: t}", "secrets.url: expected `https://host:port`, found none", None),
        ("secrets: {backend: http, token_file: t, url: 'http://vault:8200'}", "found `http://vault:8200`", None),
        (
            "secrets: {backend: http, token_file: t, url: 'http://127.0.0.1.evil:1'}",
            "found `http://127.0.0.1.evil",
            None,
        ),
        (
            "secrets: {backend: http, token_file: t, url: 'http://127.0.0.1:1@evil'}",
            "found `http://127.0.0.1:1@evil",
            None,
        ),
        ("secrets: {backend: http, token_file: t, url: 'https://v', mount: '/'}", "secrets.mount: expected", None),
        ("secrets: {poll_interval: 10ms}", "secrets.poll_interval: expected `1s` at least", None),
        ("backup: {schedule: '0 3 * *'}", "schedule: expected 5 fields", None),
        ("backup: {schedule: '0 0 31 2 *', directory: /b}", "found `0 0 31 2 *`, which never does", None),
        ("backup: {schedule: '@reboot', directory: /b}", "found `@reboot`, which never does", None),
        ("backup: {schedule: '@daily'}", "backup.directory: expected a folder for the backups, found none", None),
        ("backup: {directory: backups}", "backup.directory: expected an absolute path, found `backups`", None),
        ("backup: {keep: 0}", "keep", None),
        ("backup: {encrypt_to: [age1x]}", "encrypt_to: expected a recipient such as `age1…`", None),
        ("backup: {encrypt_to: [AGE-SECRET-KEY-1SECRET']}", "found a secret key", None),
        ("backup: {kep: 1}", "unknown key `backup.kep`", Some("did you mean `keep`?")),
        ("notify: {webhook: {url: 'http://hooks.example/secret'}}", "found something else", None),
        ("notify: {webhook: {url: 'https:///secret'}}", "found something else", None),
        ("notify: {webhook: {events: [backup-odd]}}", "did you mean `backup-old`?", None),
        ("notify: {webhook: {uri: x}}", "unknown field `uri`", None),
        ("- a", "expected sections", None),
        ("a: [", "", None),
        ("server:\n  hostname: [a]\n", "line 2", None),
    ];
    for (text, message, help) in cases {
        let error = read(text).unwrap_err();
        assert!(error.to_string().contains(message), "{text}: {error}");
        assert!(error.to_string().starts_with("`server.yaml`: "), "{text}: {error}");
        assert!(!error.to_string().contains("secret'") && !error.to_string().contains("example/secret"), "{error}");
        assert_eq!(error.help().is_some(), help.is_some(), "{text}");
        assert!(error.help().unwrap_or_default().contains(help.unwrap_or_default()), "{text}: {:?}", error.help());
    }
}

#[test]
fn a_vault_is_asked_over_tls_or_on_this_machine() {
    for url in ["https://vault:8200", "http://127.0.0.1:8200", "http://localhost:8200/", "http://[::1]:8200"] {
        let text = format!("secrets: {{backend: http, token_file: token, url: '{url}'}}");
        assert_eq!(read(&text).map(|config| config.secrets.backend), Ok(Backend::Http), "{url}");
    }
    let command = read("secrets: {backend: command, command: [/usr/bin/pass, show]}").unwrap().secrets.command;
    assert_eq!(command, ["/usr/bin/pass", "show"]);
}

#[test]
fn a_server_is_found_under_its_name_and_from_its_own_machine() {
    let named = read("server: {hostname: vigo.example, tls_sans: [192.0.2.1, localhost]}").unwrap().server;
    assert_eq!(named.certificate_hosts("box"), ["vigo.example", "192.0.2.1", "localhost", "127.0.0.1", "::1"]);
    assert_eq!(named.advertised("box", 1530), ["vigo.example:1530"]);
    let unnamed = Server::default();
    assert_eq!(unnamed.certificate_hosts("box"), ["box", "localhost", "127.0.0.1", "::1"]);
    assert_eq!(unnamed.advertised("box", 7), ["box:7"]);
    let told = Server { advertise: vec!["a:1".into()], hostname: Some("::1".into()), ..Server::default() };
    assert_eq!(told.advertised("box", 7), ["a:1"]);
    assert_eq!(Server { advertise: Vec::new(), ..told }.advertised("box", 7), ["[::1]:7"]);
}

#[test]
fn an_address_that_is_told_of_alarms_is_shown_to_nobody() {
    let text =
        "notify: {webhook: {url: 'https://user:hunter2@hooks.example:8/T0/hunter2?t=hunter2', events: [restored]}}";
    let notify = read(text).unwrap().notify;
    assert!(format!("{notify:?}").contains("hooks.example:8") && !format!("{notify:?}").contains("hunter2"));
    assert_eq!(notify.webhook.events, [vigo_core::server::Alarm::Restored]);
    let text = "backup: {schedule: '30 3 * * *', directory: /backups, keep: 3}";
    let backup = read(text).unwrap().backup;
    assert_eq!(
        backup.plan().map(|(schedule, path)| (schedule.to_string(), path)),
        Some(("30 3 * * *".into(), Path::new("/backups")))
    );
    assert_eq!(Backup::default().plan(), None);
}
