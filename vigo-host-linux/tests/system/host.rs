//! Entries of the hosts file on machines in memory.

use crate::machine::{Machine, text};

#[test]
fn an_entry_is_made_changed_and_removed() {
    let mut m = Machine::new(&[("/etc/hosts", "127.0.0.1\tlocalhost\n")]);
    let web = |ip: &str, aliases: &str| vec![("hostname", text("web")), ("ip", text(ip)), ("aliases", text(aliases))];
    let run = m.apply("host", &web("10.0.0.1", "www, app"));
    assert_eq!(run.changes, ["ip: absent → 10.0.0.1", "aliases:  → app, www"]);
    let run = m.apply("host", &web("10.0.0.2", "www api"));
    assert_eq!(run.changes, ["ip: 10.0.0.1 → 10.0.0.2", "aliases: app, www → api, www"]);
    assert_eq!(m.text("/etc/hosts"), "127.0.0.1\tlocalhost\n10.0.0.2\tweb www api\n");
    let run = m.apply("host", &[("hostname", text("web")), ("aliases", text("api www")), ("state", text("absent"))]);
    assert_eq!(run.changes, ["ip: 10.0.0.2 → absent"]);
    assert_eq!(m.text("/etc/hosts"), "127.0.0.1\tlocalhost\n");
    m.file("/etc/hosts", "10.0.0.9 db web\n");
    let run = m.apply("host", &web("10.0.0.1", ""));
    assert_eq!(run.notes, ["the line of `10.0.0.9` names `web` too, as an alias"]);
    m.nodes.remove("/etc/hosts");
    assert_eq!(m.apply("host", &web("::1", "")).failure, None, "a file is made");
}

#[test]
fn bad_attributes_are_told_before_the_run() {
    let cases = [
        (
            vec![("hostname", text("web")), ("ip", text("10.0.0.256"))],
            "attribute `ip`: expected an IPv4 or IPv6 address, found `10.0.0.256`",
        ),
        (
            vec![("hostname", text("a..b")), ("ip", text("::1"))],
            "attribute `hostname`: expected a host name, found `a..b`",
        ),
        (
            vec![("hostname", text("a")), ("ip", text("::1")), ("aliases", text("#x"))],
            "attribute `aliases`: expected a host name, found `#x`",
        ),
        (vec![("hostname", text("web"))], "type `host` needs `ip`"),
    ];
    for (attributes, message) in cases {
        assert_eq!(Machine::new(&[]).apply("host", &attributes).failure.as_deref(), Some(message));
    }
    let mut m = Machine::new(&[("/etc/hosts", "")]);
    m.denied = vec!["/etc/hosts"];
    let run = m.apply("host", &[("hostname", text("web")), ("ip", text("::1"))]);
    assert_eq!(run.failure.as_deref(), Some("unknown: cannot read `/etc/hosts`: permission denied"));
}
