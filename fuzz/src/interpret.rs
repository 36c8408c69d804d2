//! What one adapter makes of any output of its tools.

use crate::input::choice;
use crate::machine::{policy, run};
use vigo_core::host::{Host, Init};

/// Runs one resource, chosen by the first byte, on a host chosen by the second, against the rest as answers.
pub fn interpret(data: &[u8]) {
    let Some((which, rest)) = choice(data) else { return };
    let Some((host, rest)) = choice(rest) else { return };
    let hosts: [(&'static dyn Host, Init); 11] = [
        (&vigo_host_linux::Linux, Init::Systemd),
        (&vigo_host_linux::Linux, Init::OpenRc),
        (&vigo_host_linux::Linux, Init::SysV),
        (&vigo_host_linux::Linux, Init::None),
        (&vigo_host_bsd::FreeBsd, Init::Rc),
        (&vigo_host_bsd::OpenBsd, Init::Rcctl),
        (&vigo_host_bsd::NetBsd, Init::Rc),
        (&vigo_host_illumos::Illumos, Init::Smf),
        (&vigo_host_macos::MacOs, Init::Launchd),
        (&vigo_host_windows::Windows, Init::Scm),
        (&vigo_host_linux::Linux, Init::Runit),
    ];
    let (host, init) = hosts[usize::from(host) % hosts.len()];
    let resources = &policy().resources;
    let only = resources[usize::from(which) % resources.len()].id.clone();
    let report = run(rest, host, init, vec![only], false);
    assert_eq!(report.resources.len(), 1);
}
