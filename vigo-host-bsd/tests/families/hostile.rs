//! Any answer is borne: no adapter panics on one, and no observation goes on for ever.

use crate::rig::{file, link, said, see, stat};
use proptest::prelude::*;
use vigo_core::action::{AbsPath, FileKind, OpOutput};
use vigo_core::host::{Adapter, Family, Host, HostFacts, Interpreted, Phase, Problem};
use vigo_core::resource::package::{Ensure, Hold, Version};
use vigo_core::resource::{hostname, mount, package, swap, sysctl, timezone};
use vigo_host_bsd::{NetBsd, OpenBsd};

/// Observes with the same answer to everything, and goes on with what was seen.
fn bear<F: Family>(adapter: Result<&'static dyn Adapter<F>, Problem>, want: &F::Want, ops: &[&str], answer: &OpOutput) {
    let answers = ops.iter().map(|op| (*op, answer.clone())).collect();
    if let Interpreted::Known(state) = see(adapter.clone(), want, &answers) {
        let compared = F::compare(want, &state, Phase::Before);
        let _ = adapter.expect("an adapter").lower(want, &state, &compared.actions, &HostFacts::default());
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/dev/sd0a on /data type ffs (local, read-only)".to_string()),
        Just("Device 512-blocks Used Avail Capacity Priority".to_string()),
        Just("/swap 1 0 1 0% ".to_string()),
        Just("bash-5.2.15->5.2.21: ok".to_string()),
        Just("bash-5.2.15;<;x".to_string()),
        Just("kern.maxfiles=".to_string()),
        Just("hostname=\"".to_string()),
        Just("/swap none swap sw,priority=".to_string()),
        "\\PC{0,12}",
        "[-;:=%>< #\"'$({})0-9a-z./\\t]{0,16}",
    ];
    proptest::collection::vec((piece, "(\\n|\\r\\n| |)"), 0..6)
        .prop_map(|all| all.into_iter().map(|(a, b)| a + &b).collect())
}

proptest! {
    #[test]
    fn any_answer_is_borne(code in 0..4i32, out in pieces(), err in pieces(), kind in 0..5u8) {
        let answer = match kind {
            0 => file(&out),
            1 => stat(FileKind::Other, 0o777),
            2 => link(&out),
            _ => said(code, &out, &err),
        };
        let facts = HostFacts::default();
        for host in [&OpenBsd as &dyn Host, &NetBsd] {
            let ops = ["read /etc/myname", "read /etc/rc.conf", "/bin/hostname"];
            bear(host.hostname(&facts), &hostname::Want { hostname: "a".into() }, &ops, &answer);
            let ops = ["stat /etc/localtime", "stat /usr/share/zoneinfo/UTC"];
            bear(host.timezone(&facts), &timezone::Want { timezone: "UTC".into() }, &ops, &answer);
            for present in [true, false] {
                let key = sysctl::Key::parse("kern.maxfiles").expect("a key");
                let want = sysctl::Want { key, present, value: "7".into(), persist: true, ignore_missing: true };
                for ops in [&["read /etc/sysctl.conf"][..], &["/sbin/sysctl -n kern.maxfiles", "read /etc/sysctl.conf"]] {
                    bear(host.sysctl(&facts), &want, ops, &answer);
                }
                let want = swap::Want {
                    swap: swap::Swap::File(AbsPath::known("/swap")),
                    present,
                    size_mb: Some(1),
                    priority: Some(5),
                };
                for ops in [&["/sbin/swapctl -l"][..], &["read /etc/fstab", "stat /swap"]] {
                    bear(host.swap(&facts), &want, ops, &answer);
                }
                let want = mount::Want {
                    path: AbsPath::known("/data"),
                    state: if present { mount::Wanted::Mounted } else { mount::Wanted::Absent },
                    device: "0123456789abcdef.a".into(),
                    fstype: "ffs".into(),
                    options: vec!["nodev".into()],
                    dump: 0,
                    pass: 0,
                };
                for ops in [
                    &["/sbin/mount", "/sbin/sysctl -n hw.disknames"][..],
                    &["read /etc/fstab", "/sbin/mount"],
                    &["stat /data", "/sbin/mount"],
                ] {
                    bear(host.mount(&facts), &want, ops, &answer);
                }
            }
            for (names, ensure, version) in [
                (&["bash"][..], Ensure::Latest, None),
                (&[], Ensure::Latest, None),
                (&["bash--no_x11%5"], Ensure::Absent, None),
                (&["bash"], Ensure::Present, Some(Version::new(&out))),
            ] {
                let want = package::Want {
                    names: names.iter().map(|n| (*n).into()).collect(),
                    everything: names.is_empty(),
                    ensure,
                    version,
                    allow_downgrade: false,
                    purge: false,
                    refresh_after: None,
                    hold: Hold::AsIs,
                    cleanup: false,
                    flags: Vec::new(),
                };
                let ops = [
                    "/usr/sbin/pkg_info -q -a",
                    "/usr/sbin/pkg_info",
                    "/usr/sbin/pkg_add -I -x -n -u",
                    "/usr/pkg/bin/pkgin -p search .",
                ];
                let with = HostFacts { programs: ["pkgin".into()].into(), ..HostFacts::default() };
                bear(host.package(&with, None), &want, &ops, &answer);
            }
        }
    }
}
