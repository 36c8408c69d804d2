//! What `sc.exe` prints. Its words are in the language of the system: only numbers, and the names of fields, are read.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::resource::service::{RunState, StartType};

/// Returns what stands in a field such as `LOAD_ORDER_GROUP   : NDIS`.
pub(crate) fn field<'a>(out: &'a str, field: &str) -> Option<&'a str> {
    out.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == field).then_some(value.trim())
    })
}

/// Returns the number of a field such as `STATE              : 4  RUNNING`.
pub(crate) fn number(out: &str, name: &str) -> Option<u32> {
    field(out, name)?.split_whitespace().next()?.parse().ok()
}

/// Returns the run state of `STATE` (SERVICE_STATUS, Windows API).
pub(crate) fn run_state(number: u32) -> Option<RunState> {
    Some(match number {
        1 => RunState::Stopped,
        // Continue pending is on its way up, pause pending down.
        2 | 5 => RunState::Starting,
        3 | 6 => RunState::Stopping,
        4 => RunState::Running,
        7 => RunState::Paused,
        _ => return None,
    })
}

/// Returns the start type of `START_TYPE` (QUERY_SERVICE_CONFIG, Windows API); whether an automatic start is delayed
/// stands elsewhere.
pub(crate) fn start_type(number: u32) -> Option<StartType> {
    Some(match number {
        0 | 1 => StartType::Kernel,
        2 => StartType::Auto,
        3 => StartType::Manual,
        4 => StartType::Disabled,
        _ => return None,
    })
}

/// Returns the error of a line `[SC] … N:` where the exit code does not tell it.
pub(crate) fn error(out: &str) -> Option<u32> {
    let line = out.lines().map(str::trim).find(|line| line.starts_with("[SC]"))?;
    line.strip_suffix(':')?.rsplit([' ', '\u{3000}']).next()?.parse().ok()
}

/// Returns the names in a listing of services that run or are on their way.
pub(crate) fn running_names(out: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = None;
    for line in out.lines() {
        let Some((field, value)) = line.split_once(':') else { continue };
        match field.trim() {
            "SERVICE_NAME" => name = Some(value.trim()),
            "STATE" => {
                let state = value.split_whitespace().next().and_then(|n| n.parse::<u32>().ok());
                if let Some(name) = name.take().filter(|_| state.is_some_and(|n| n != 1)) {
                    names.push(name.into());
                }
            }
            _ => {}
        }
    }
    names
}

/// Returns the text of a `REG_SZ` in the answer of `reg.exe query`.
pub(crate) fn registry_text<'a>(out: &'a str, value: &str) -> Option<&'a str> {
    out.lines().find_map(|line| {
        let (name, text) = line.split_once("REG_SZ")?;
        name.trim().eq_ignore_ascii_case(value).then_some(text.trim())
    })
}

/// Returns the number of a `REG_DWORD` in the answer of `reg.exe query`.
pub(crate) fn registry_number(out: &str, value: &str) -> Option<u32> {
    out.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (name, kind, data) = (words.next()?, words.next()?, words.next()?);
        let data = data.strip_prefix("0x")?;
        (name.eq_ignore_ascii_case(value) && kind == "REG_DWORD").then(|| u32::from_str_radix(data, 16).ok())?
    })
}
