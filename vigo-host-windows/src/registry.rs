//! reg.exe.

use crate::program::{REG, ran};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs, Ran};
use vigo_core::host::{Adapter, HostFacts, Interpreted, Problem};
use vigo_core::resource::registry_key::{Action, Data, KeyState, RegistryKey, State, View, Want, Wanted};

/// Keys and values by `reg.exe`. Its messages are localised and its exit code is 1 for all that goes wrong, so that
/// nothing is absent because it could not be read: what is not there is missing in the list of what stands above it.
///
/// The format was seen in Wine 8; of Windows it is *unverified*.
pub struct RegExe;

/// Bytes of an answer: a key such as `HKLM\SOFTWARE\Classes` lists thousands of others.
const OUTPUT_BYTES_MAX: usize = 8 << 20;

impl Adapter<RegistryKey> for RegExe {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("the registry of an image cannot be managed"));
        }
        let text = match &want.wanted {
            Wanted::Value { data: Data::Text(text) | Data::Expand(text), .. } => text.is_ascii(),
            Wanted::Value { data: Data::Multi(items), .. } => items.iter().all(|item| item.is_ascii()),
            _ => true,
        };
        let attribute = match () {
            () if !want.key.to_string().is_ascii() => "key",
            () if !want.value_name().is_none_or(str::is_ascii) => "value_name",
            () if !text => "value",
            () => return Ok(()),
        };
        let message =
            format!("attribute `{attribute}` of type `registry` with letters beyond ASCII is not supported on windows");
        Err(Problem::unsupported(message).help("reg.exe prints them in a code page in which they are others"))
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        match want.value_name() {
            // A default value that is not set is printed as if it were: the list of the key tells.
            Some("") => alloc::vec![value(want, ""), list(want, &want.key.to_string())],
            Some(name) => alloc::vec![value(want, name)],
            None => above(want, 1).chain([list(want, &want.key.to_string())]).collect(),
        }
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        observed(want, outputs).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let key = want.key.to_string();
        actions
            .iter()
            .map(|action| {
                let mut args: Vec<&str> = Vec::new();
                let written;
                match (action, &want.wanted) {
                    (Action::SetValue, Wanted::Value { name, data }) => {
                        written = printed(data);
                        args.extend(["add", &key]);
                        args.extend(named(name));
                        args.extend(["/t", type_name(data)?, "/d", &written]);
                    }
                    (Action::RemoveValue, Wanted::NoValue { name }) => {
                        args.extend(["delete", &key]);
                        args.extend(named(name));
                    }
                    (Action::MakeKey, Wanted::Key) => args.extend(["add", &key]),
                    (Action::RemoveKey, Wanted::NoKey { .. }) => args.extend(["delete", &key]),
                    (action, _) => return Err(Problem::failed(format!("expected another action than `{action}`"))),
                }
                args.extend(["/f", view(want.view)]);
                Ok(Op::Run(Command::change(REG, args)))
            })
            .collect()
    }
}

fn view(view: View) -> &'static str {
    match view {
        View::Bits64 => "/reg:64",
        View::Bits32 => "/reg:32",
    }
}

/// Returns the arguments that name a value.
fn named(name: &str) -> impl Iterator<Item = &str> {
    let (switch, name) = if name.is_empty() { ("/ve", None) } else { ("/v", Some(name)) };
    core::iter::once(switch).chain(name)
}

fn type_name(data: &Data) -> Result<&'static str, Problem> {
    Ok(match data {
        Data::Text(_) => "REG_SZ",
        Data::Expand(_) => "REG_EXPAND_SZ",
        Data::Dword(_) => "REG_DWORD",
        Data::Qword(_) => "REG_QWORD",
        Data::Binary(_) => "REG_BINARY",
        Data::Multi(_) => "REG_MULTI_SZ",
        Data::Other(name) => return Err(Problem::failed(format!("a value of type `{name}` cannot be set"))),
    })
}

/// Returns a value's data as `/d` takes it.
fn printed(data: &Data) -> String {
    match data {
        Data::Multi(items) => items.join("\\0"),
        data => data.to_string(),
    }
}

fn value(want: &Want, name: &str) -> Op {
    let key = want.key.to_string();
    let args: Vec<&str> = ["query", &key].into_iter().chain(named(name)).chain([view(want.view)]).collect();
    Op::Run(Command::read(REG, args).output_bytes_max(OUTPUT_BYTES_MAX))
}

fn list(want: &Want, key: &str) -> Op {
    Op::Run(Command::read(REG, ["query", key, view(want.view)]).output_bytes_max(OUTPUT_BYTES_MAX))
}

/// Returns reads of the nearest keys above.
fn above(want: &Want, count: usize) -> impl Iterator<Item = Op> {
    want.key.above().take(count).map(|(key, _)| list(want, &key))
}

fn observed(want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
    let key_list = list(want, &want.key.to_string());
    let known = |key, value| Ok(Interpreted::Known(State { key, value }));
    if let Some(name) = want.value_name() {
        let op = value(want, name);
        let seen = ran(outputs, &op).unwrap_or_else(|| Err(format!("`{op}` was not run")))?;
        if seen.success() {
            let out = seen.out();
            let entry = entry(&out, name).and_then(|(line, typed)| Some((line, data(typed)?)));
            let (line, there) = entry.ok_or_else(|| format!("`{op}` exited 0 and tells no value"))?;
            if !name.is_empty() {
                return known(KeyState::Alone, Some(there));
            }
            let seen = ran(outputs, &key_list).unwrap_or_else(|| Err(format!("`{key_list}` was not run")))?;
            if !seen.success() {
                return Err(format!("`{key_list}` failed: {}", said(seen)));
            }
            let is_listed = seen.out().lines().any(|l| l == line);
            // One that is not set reads as empty text, and some list it as such.
            let is_nothing = there == Data::Text(String::new()) && matches!(want.wanted, Wanted::NoValue { .. });
            return known(KeyState::Alone, Some(there).filter(|_| is_listed && !is_nothing));
        }
        if seen.code() != Some(1) {
            return Err(format!("`{op}` failed with {}: {}", seen.exit, said(seen)));
        }
        let Some(listed) = ran(outputs, &key_list).transpose()? else {
            return Ok(Interpreted::Ask(alloc::vec![key_list]));
        };
        if listed.success() {
            return match entry(&listed.out(), name) {
                Some(_) => Err(format!("`{op}` failed, and the value is there: {}", said(seen))),
                None => known(KeyState::Alone, None),
            };
        }
    }
    let seen = ran(outputs, &key_list).unwrap_or_else(|| Err(format!("`{key_list}` was not run")))?;
    match seen.code() {
        Some(0) => {
            // A program that does nothing exits 0 as well: what stands above has the last word.
            let below = format!("{}\\", want.key.long());
            let out = seen.out();
            let is_parent = out.lines().any(|line| begins(line, &below));
            let is_told = is_parent || out.lines().any(|line| line.trim_end().eq_ignore_ascii_case(&want.key.long()));
            let parent = above(want, 1).next().and_then(|op| ran(outputs, &op)).transpose()?;
            let is_listed = parent.is_some_and(|p| p.success() && lists(p, &want.key.long()));
            match is_told || is_listed {
                true => known(if is_parent { KeyState::Parent } else { KeyState::Alone }, None),
                false => Err(format!("`{key_list}` exited 0 and tells no key")),
            }
        }
        Some(1) => missing(want, outputs, &key_list, seen),
        _ => Err(format!("`{key_list}` failed with {}: {}", seen.exit, said(seen))),
    }
}

/// Says whether a key that cannot be listed is missing: the nearest key above it that can be listed does not list the way
/// down to it.
fn missing(want: &Want, outputs: &Outputs, op: &Op, seen: &Ran) -> Result<Interpreted<State>, String> {
    let mut unread = Vec::new();
    for (key, next) in want.key.above() {
        let above = list(want, &key);
        match ran(outputs, &above).transpose()? {
            None => unread.push(above),
            Some(listed) if listed.success() => {
                let path = key.split_once('\\').map_or_else(String::new, |(_, path)| format!("{path}\\"));
                return match lists(listed, &format!("{}\\{path}{next}", want.key.root().long())) {
                    true => Err(format!("`{op}` failed, and the key is there: {}", said(seen))),
                    false => Ok(Interpreted::Known(State { key: KeyState::Missing, value: None })),
                };
            }
            Some(_) => {}
        }
    }
    match unread.is_empty() {
        true => Err(format!("no key above `{}` can be listed: {}", want.key, said(seen))),
        false => Ok(Interpreted::Ask(unread)),
    }
}

/// Returns the first line of what a program said.
fn said(ran: &Ran) -> String {
    let (err, out) = (ran.err(), ran.out());
    let mut lines = err.lines().chain(out.lines()).map(str::trim);
    lines.find(|line| !line.is_empty()).unwrap_or("it said nothing").into()
}

fn begins(line: &str, prefix: &str) -> bool {
    line.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn lists(ran: &Ran, key: &str) -> bool {
    ran.out().lines().any(|line| line.trim_end().eq_ignore_ascii_case(key))
}

const INDENT: &str = "    ";

/// Returns the line of a value, and all from its type on. The default value, `""`, has a name in the language of the
/// system.
fn entry<'a>(out: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let mut rest = out;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let text = line.strip_prefix(INDENT);
        let typed = text.and_then(|text| match name {
            "" => text.split_once("    REG_").map(|(_, typed)| typed),
            name => text.get(name.len()..).filter(|_| begins(text, name))?.strip_prefix("    REG_"),
        });
        if let Some(typed) = typed {
            return Some((line.trim_end_matches('\r'), rest.get(line.len() - typed.len()..)?));
        }
        rest = after;
    }
    None
}

/// Returns the data of the only value in an answer: up to the blank line at its end, since text may hold line breaks.
fn data<'a>(typed: &'a str) -> Option<Data> {
    let cut = |text: &'a str| text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
    let typed = cut(cut(typed));
    let (kind, data) = typed.split_once(INDENT).unwrap_or((typed, ""));
    data_of(kind.trim_end(), data)
}

/// Returns the data that stands behind `REG_…`; `None` when it is not what that type is printed as.
fn data_of(kind: &str, data: &str) -> Option<Data> {
    let number = || u64::from_str_radix(data.trim_end().strip_prefix("0x")?, 16).ok();
    Some(match kind {
        "SZ" => Data::Text(data.into()),
        "EXPAND_SZ" => Data::Expand(data.into()),
        "DWORD" => Data::Dword(u32::try_from(number()?).ok()?),
        "QWORD" => Data::Qword(number()?),
        "BINARY" => Data::from_hex(data.trim_end())?,
        "MULTI_SZ" => {
            let items = data.strip_suffix("\\0").unwrap_or(data);
            Data::Multi(items.split("\\0").filter(|item| !item.is_empty()).map(String::from).collect())
        }
        other if other.len() <= 32 => Data::Other(format!("REG_{other}").into()),
        _ => return None,
    })
}
