//! What new accounts follow from: usermgmt.conf(5).

use alloc::string::String;
use alloc::sync::Arc;
use vigo_core::action::{AbsPath, Op, OpOutput, Outputs};
use vigo_core::host::{AccountSettings, IdRange, OwnGroup};

/// Returns the read of the settings.
pub(super) fn read() -> Op {
    Op::read_file(&path())
}

fn path() -> AbsPath {
    AbsPath::known("/etc/usermgmt.conf")
}

/// Returns the settings, when they have been read. What the file does not say, or no file says, is as the tools have it.
pub(super) fn settings(outputs: &Outputs) -> Option<AccountSettings> {
    let text = match outputs.path(&path())? {
        OpOutput::File { content, .. } => String::from_utf8_lossy(content).into_owned(),
        _ => String::new(),
    };
    Some(parse(&text))
}

fn parse(text: &str) -> AccountSettings {
    let value = |key: &str| -> Option<&str> {
        let of = |line: &'_ str| -> Option<usize> {
            let rest = line.strip_prefix(key)?;
            rest.starts_with(char::is_whitespace).then(|| line.len() - rest.trim_start().len())
        };
        text.lines().filter_map(|line| Some(line[of(line)?..].trim_end())).rfind(|v| !v.is_empty())
    };
    let range = value("range").and_then(|r| {
        let (min, max) = r.split_once("..")?;
        Some(IdRange { min: min.trim().parse().ok()?, max: max.trim().parse().ok()?, downwards: false })
    });
    let ids = range.unwrap_or(IdRange { min: 1000, max: 60000, downwards: false });
    let built_in = AccountSettings::default();
    AccountSettings {
        uids: ids,
        gids: ids,
        own_group: match value("group").map(str::parse) {
            Some(Ok(gid)) => OwnGroup::Shared(gid),
            _ => OwnGroup::Made,
        },
        home_base: value("base_dir").map_or(built_in.home_base, Arc::from),
        home_mode: 0o755,
        shell: value("shell").map_or("/bin/ksh".into(), Arc::from),
        ..built_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_the_rest_is_built_in() {
        let s = parse(
            "# comment\ngroup\t\tusers\nbase_dir\t/srv/home\nrange 2000..3000\nrange\t2500..2600\nshell\t\t\n\u{fffd}\n",
        );
        assert_eq!((s.uids.min, s.uids.max, &*s.home_base, &*s.shell), (2500, 2600, "/srv/home", "/bin/ksh"));
        assert_eq!(parse("group 100\n").own_group, OwnGroup::Shared(100));
        assert_eq!(parse("range 1..x\nbase_dirs /x\n"), parse(""));
    }
}
