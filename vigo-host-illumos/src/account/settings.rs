//! What new accounts get: `/usr/sadm/defadduser`, which useradd(8) keeps.

use alloc::string::String;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::host::{AccountSettings, IdRange, OwnGroup};

/// Returns the read of it.
pub(super) fn read() -> Op {
    Op::read_file(&file())
}

fn file() -> AbsPath {
    AbsPath::known("/usr/sadm/defadduser")
}

/// Returns the settings once they have been read. What the file does not say is as useradd has it.
pub(super) fn settings(outputs: &Outputs) -> Option<AccountSettings> {
    let text = match outputs.path(&file())? {
        OpOutput::File { content, .. } => String::from_utf8_lossy(content).into_owned(),
        _ => String::new(),
    };
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('=')).map(str::trim);
    let people = IdRange { min: 100, max: 60_000, downwards: false };
    let system = IdRange { min: 50, max: 99, downwards: true };
    Some(AccountSettings {
        uids: people,
        system_uids: system,
        gids: people,
        system_gids: system,
        own_group: OwnGroup::Shared(value("defgroup").and_then(|g| g.parse().ok()).unwrap_or(1)),
        home_base: value("defparent").filter(|p| p.starts_with('/')).unwrap_or("/home").into(),
        shell: value("defshell").filter(|s| s.starts_with('/')).unwrap_or("/bin/sh").into(),
        ageing: ":::::".into(),
        ..AccountSettings::default()
    })
}
